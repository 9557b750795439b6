"""Where the project's own files lie, in a checkout and in an installed package alike."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
# The wheel carries assets/ and the app inside the package; in a checkout they lie beside it (see pyproject.toml).
INSTALLED = (_PACKAGE / "assets").is_dir()
ROOT = _PACKAGE if INSTALLED else _PACKAGE.parent

ASSETS = ROOT / "assets"
BUNDLED = ASSETS / "weights"  # networks that this project trained itself
SAMPLES = ASSETS / "samples"
PHOTOGRAPHS = ASSETS / "photographs"
FACE_SAMPLES = ASSETS / "faces"
FACE_DETECTOR = FACE_SAMPLES / "mtcnn.safetensors"
RACE_CURVES = ASSETS / "race" / "curves.csv"

# The script that Streamlit runs; pages/ and .streamlit/config.toml lie beside it.
APP = ROOT / "app" / "app.py" if INSTALLED else ROOT / "app.py"
