"""Where `Predictor.explain_cell` finds what explains: views of a picture stand above what runs a network.

So `inception/__init__.py` puts it here. It loads what it needs when it is called: importing the library stays quick.
"""

from collections.abc import Callable
from typing import Any

explain: Callable[..., Any]  # as `inception.vision.cell_arithmetic.explain_cell`
