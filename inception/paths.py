"""Where the project's own files lie, in a checkout and in an installed package alike."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
# The wheel carries assets/ and the app inside the package; in a checkout they lie beside it (see pyproject.toml).
INSTALLED = (_PACKAGE / "assets").is_dir()
ROOT = _PACKAGE if INSTALLED else _PACKAGE.parent

ASSETS = ROOT / "assets"
BUNDLED = ASSETS / "weights"  # networks that this project trained itself
TOGETHER = BUNDLED / "together.json"  # how they say together that a picture shows none of their classes
SAMPLES = ASSETS / "samples"
SAMPLE_LIST = ASSETS / "samples.csv"  # the pictures that pages offer, and what the bundled networks say of each
OTHERS = ASSETS / "others.csv"  # pictures that measure "none of them", and what the bundled networks say of each
PHOTOGRAPHS = ASSETS / "photographs"
TEACH = ASSETS / "teach"  # classes that the page Teach it opens on
FACE_SAMPLES = ASSETS / "faces"
FACE_DETECTOR = FACE_SAMPLES / "mtcnn.safetensors"
MAP_SCORES = ASSETS / "maps.csv"  # what maps of attribution tell, measured
RACE_CURVES = ASSETS / "race" / "curves.csv"
LOCALE = _PACKAGE / "locale"  # translations, a folder a language

# The script that Streamlit runs; pages/ and .streamlit/config.toml lie beside it.
APP = ROOT / "app" / "app.py" if INSTALLED else ROOT / "app.py"
SERVER = APP.parent / "pages" / "parts" / "server.py"  # what starts Streamlit
# Streamlit serves the folder beside the script; drawings take the same file.
FONT = APP.parent / "static" / "NotoSansCJKsc-Regular.otf"  # the letters of all translations
