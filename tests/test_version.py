"""The version stands in pyproject.toml, and everything else says the same."""

import re
import tomllib
from pathlib import Path

import pytest

import inception
from inception import version

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_package_and_the_citation_have_it() -> None:
    assert inception.__version__ == VERSION
    assert re.findall(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE) == [
        VERSION
    ]


def test_a_checkout_has_its_own_beside_an_installed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "version", lambda _: "99.0")
    assert version._version() == VERSION
    monkeypatch.setattr(version, "INSTALLED", True)
    assert version._version() == "99.0"
