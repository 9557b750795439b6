"""pyproject.toml's ranges, the pins of requirements*.txt and what the code imports say the same."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RANGES = {
    "requirements.txt": PROJECT["dependencies"] + EXTRAS["app"],
    "requirements-keras.txt": EXTRAS["keras"],
    "requirements-openvino.txt": EXTRAS["openvino"],
    "requirements-serve.txt": EXTRAS["serve"],
    "requirements-dev.txt": EXTRAS["dev"],
}
# Names under which distributions are imported, where they differ.
IMPORTED_AS = {"fonttools": "fontTools", "pillow": "PIL", "pydantic-settings": "pydantic_settings"}
# Others import these themselves: pandas for formats of the tables, httpx2 for SOCKS proxies, SQLAlchemy for PostgreSQL.
FOR_OTHERS = {"tabulate", "xlsxwriter", "socksio", "psycopg"}
FOR_ROOMS = {"sqlalchemy"}  # which the library has for the app alone
BROUGHT_BY_RAY = {"starlette"}  # Serve itself speaks HTTP with it


def pins(file: str) -> dict[NormalizedName, str]:
    """The version of each distribution that a requirements file lists itself."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    own = [line for line in lines if line and not line.startswith("-r ")]
    found = [re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?==(\S+)", line) for line in own]
    assert all(found), f"{file} has a line that pins nothing"
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def imports(*paths: Path) -> set[str]:
    """Top-level names of the third-party modules that files import, anywhere in them."""
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"inception", "pages"}


def modules(ranges: list[str]) -> set[str]:
    """Top-level names of what these requirements bring for the code to import."""
    names = {Requirement(line).name for line in ranges}
    return {IMPORTED_AS.get(name, name) for name in names} - FOR_OTHERS


def test_every_file_of_pins_has_its_ranges() -> None:
    assert {path.name for path in ROOT.glob("requirements*.txt")} == set(RANGES)
    assert set(EXTRAS) == {"app", "keras", "openvino", "serve", "dev"}


@pytest.mark.parametrize("file", RANGES)
def test_pins_and_ranges_list_the_same(file: str) -> None:
    ranges = {canonicalize_name(Requirement(line).name): Requirement(line).specifier for line in RANGES[file]}
    pinned = pins(file)
    assert pinned.keys() == ranges.keys()
    assert {name: pin for name, pin in pinned.items() if not ranges[name].contains(pin)} == {}
    assert [name for name, range in ranges.items() if not range] == [], "without a range"


def test_the_library_declares_what_it_imports() -> None:
    needed = imports(*(ROOT / "inception").rglob("*.py")) - modules(EXTRAS["keras"]) - modules(EXTRAS["serve"])
    assert needed - BROUGHT_BY_RAY - FOR_ROOMS == modules(PROJECT["dependencies"])


def test_the_app_declares_what_it_imports_on_top() -> None:
    app = imports(ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "inception" / "rooms").rglob("*.py"))
    assert app - modules(PROJECT["dependencies"]) == modules(EXTRAS["app"])
