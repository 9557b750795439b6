"""The version of this package. It is written once, in pyproject.toml."""

import tomllib
from importlib.metadata import version

from .paths import INSTALLED, ROOT

DISTRIBUTION = "inception-explorer"


def _version() -> str:
    if INSTALLED:
        return version(DISTRIBUTION)
    # Metadata may be missing here, or tell of another version that is installed beside this checkout.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


__version__ = _version()
