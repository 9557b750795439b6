"""Where the project's own files lie, in a checkout and in an installed package alike."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
# The wheel carries assets/ inside the package; in a checkout it lies beside it.
ASSETS = next(folder for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets") if folder.is_dir())
BUNDLED = ASSETS / "weights"  # networks that this project trained itself
SAMPLES = ASSETS / "samples"
PHOTOGRAPHS = ASSETS / "photographs"
RACE_CURVES = ASSETS / "race" / "curves.csv"
