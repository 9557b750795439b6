"""Imports run one way: pages -> vision and anatomy -> models."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = sorted((ROOT / "inception").rglob("*.py"))
APP = sorted([ROOT / "app.py", *(ROOT / "pages").rglob("*.py")])


def imported(file: Path) -> Iterator[str]:
    """Full names of the modules a file imports anywhere in it, relative imports resolved.

    ``from a import b`` counts as ``a`` and as ``a.b``, because b may be a module.
    """
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            argument = node.args[0] if node.args else None
            if name in ("__import__", "import_module") and isinstance(argument, ast.Constant):
                yield str(argument.value)


def violations(file: Path, forbidden: tuple[str, ...]) -> list[str]:
    return [name for name in imported(file) if any(name == f or name.startswith(f"{f}.") for f in forbidden)]


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_there_is_an_app_and_a_library() -> None:
    assert (ROOT / "app.py").is_file()
    assert (ROOT / "inception" / "__init__.py").is_file()
    assert list((ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("file", LIBRARY, ids=relative)
def test_library_knows_nothing_of_the_app(file: Path) -> None:
    assert violations(file, ("streamlit", "pages", "app")) == []


@pytest.mark.parametrize("file", APP, ids=relative)
def test_pages_touch_no_tensor(file: Path) -> None:
    assert violations(file, ("torch", "torchvision", "numpy", "safetensors", "captum")) == []


@pytest.mark.parametrize("file", [f for f in LIBRARY if f.parent == ROOT / "inception" / "models"], ids=relative)
def test_models_stand_below_anatomy_and_vision(file: Path) -> None:
    assert violations(file, ("inception.anatomy", "inception.vision")) == []
    assert [name for name in imported(file) if name == "inception"] == []


def test_the_rules_would_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "inception" / "models" / "bad.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "def f():\n"
        "    import streamlit.components.v1 as c\n"
        "    from ..anatomy import trace\n"
        "    from .. import vision\n"
        "    importlib.import_module('torch.nn')\n"
    )

    assert violations(file, ("streamlit",)) == ["streamlit.components.v1"]
    assert violations(file, ("inception.anatomy",)) == ["inception.anatomy", "inception.anatomy.trace"]
    assert violations(file, ("inception.vision",)) == ["inception.vision"]
    assert violations(file, ("torch",)) == ["torch.nn"]
