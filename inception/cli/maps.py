"""The command `maps`, which measures what maps of attribution tell."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
from cyclopts import Parameter

from ..paths import MAP_SCORES
from ..runtime.devices import use_threads
from ..vision.attributions.quality import SIZES, measure
from ..weights.known import known_weights
from .output import write


def maps(*, output: Annotated[Path, Parameter(name=["--output", "-o"], show_default=False)] = MAP_SCORES) -> str:
    """Measure which maps of where a network looks tell most.

    Every method on the project's photographs that the networks which come with it name rightly: how many answers change
    when the most important fifth of the pixels is hidden, and how soon the answer is back when pixels come in their
    order of importance. It takes about a quarter of an hour. Standard error says how far it is.

    Args:
        output: CSV file of the table. By default the one by which the page Where it looks chooses its map.
    """
    use_threads()
    tables = []
    for size in SIZES:
        for tag in [tag for tag, known in known_weights().items() if not known.published]:
            print(f"{tag} at {size} px", file=sys.stderr)
            tables.append(measure(tag, size))
    table = pd.concat(tables, ignore_index=True)
    write(table.to_csv(index=False, float_format="%.3f", lineterminator="\n").encode(), output)
    return f"{output}: {len(table)} rows\n"
