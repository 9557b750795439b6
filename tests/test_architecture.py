"""The order of rooms: imports run one way, from the top of `ORDER` to its bottom.

`python -m tests.test_architecture` draws it from the imports as they are.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from pages.parts import page_list

ROOT = Path(__file__).parent.parent
# From the top down. A room imports rooms of lower rows only; rooms of one row do not import each other.
ORDER = (
    ("app", "bench", "inception.__main__"),
    ("pages", "inception.cli"),
    ("pages.parts",),
    ("pages.figures",),
    ("inception",),  # the facade, inception/__init__.py
    ("inception.training", "inception.serve", "inception.rooms"),
    ("inception.studies", "inception.vision"),
    ("inception.views", "inception.runtime"),
    ("inception.graph",),
    ("inception.zoo",),
    ("inception.weights",),
    ("inception.models",),
    ("inception.version",),
    ("inception.text", "inception.size", "inception.settings", "inception.files"),
    ("inception.words",),
    ("inception.paths",),
    ("inception.errors",),
)
ROWS = {room: len(ORDER) - row for row, rooms in enumerate(ORDER) for room in rooms}
LIBRARY = sorted((ROOT / "inception").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
BENCHES = sorted((ROOT / "bench").rglob("*.py"))
FILES = [ROOT / "app.py", *PAGES, *BENCHES, *LIBRARY]
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 600, 60
REASON = "# long:"  # on the line of a definition that may be longer


def module_of(file: Path) -> str:
    """The full name of the module in a file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """The room of a module, or of a name in one; None for what is not ours."""
    pieces = module.split(".")
    if pieces[0] == "inception" and len(pieces) > 1:
        room = ".".join(pieces[:2])
        return room if room in ROWS else "inception"  # a name that the facade hands on
    if pieces[0] == "pages" and len(pieces) > 1:
        room = ".".join(pieces[:2])
        return room if room in ROWS else "pages"
    return pieces[0] if pieces[0] in ROWS else None


@cache
def tree_of(file: Path) -> ast.Module:
    """The syntax of a file, which several tests read."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imported(file: Path) -> Iterator[str]:
    """Full names of the modules a file imports anywhere in it, relative imports resolved.

    ``from a import b`` counts as ``a.b``, because b may be a module, and as ``a`` where there is no such module.
    """
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            argument = node.args[0] if node.args else None
            if name in ("__import__", "import_module") and isinstance(argument, ast.Constant):
                yield str(argument.value)


def arrows(file: Path) -> set[tuple[str, str]]:
    """(room, room) of the file's imports from other rooms."""
    here = room_of(module_of(file))
    assert here is not None, f"{file} is in no room"
    return {(here, there) for name in imported(file) if (there := room_of(name)) not in (None, here)}


def wrong(arrow: tuple[str, str]) -> bool:
    """Whether an arrow does not run down."""
    source, target = arrow
    return ROWS[source] <= ROWS[target]


def takes(file: Path, packages: tuple[str, ...]) -> list[str]:
    """What a file imports of these packages."""
    return [name for name in imported(file) if name.split(".")[0] in packages]


def pages_imported(file: Path) -> list[str]:
    """The pages that a file imports; the parts and figures that they are made of are none."""
    return [name for name in imported(file) if room_of(name) == "pages"]


def relative(file: Path) -> str:
    return str(file.relative_to(ROOT))


def modules() -> dict[str, set[str]]:
    """Each of our modules and those of ours that it imports."""
    names = {module_of(file): file for file in FILES}
    graph = {}
    for name, file in names.items():
        found = {each if each in names else each.rpartition(".")[0] for each in imported(file)}
        graph[name] = {each for each in found if each in names and each != name}
    return graph


def test_every_file_has_a_room() -> None:
    assert [relative(file) for file in FILES if room_of(module_of(file)) is None] == []
    inside = {path.stem for path in (ROOT / "inception").iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms = {room.split(".")[1] for room in ROWS if room.startswith("inception.")}
    assert inside - {"__init__", "__pycache__", "locale", "py"} <= rooms


def test_imports_run_down() -> None:
    assert {relative(file): up for file in FILES if (up := sorted(filter(wrong, arrows(file))))} == {}


def test_pages_do_not_import_each_other() -> None:
    """What two pages share belongs into pages/parts; a page that is imported would also be drawn."""
    assert {relative(file): found for file in PAGES if (found := pages_imported(file))} == {}


def test_only_benches_take_helpers_from_the_tests() -> None:
    rest = [ROOT / "app.py", *PAGES, *LIBRARY]
    assert {relative(file): found for file in rest if (found := takes(file, ("tests", "bench")))} == {}


def test_pages_holds_the_pages_alone() -> None:
    found = {path.stem for path in (ROOT / "pages").glob("*.py") if path.stem != "__init__"}
    assert found == set(page_list.PAGES)


def test_there_is_no_circle() -> None:
    try:
        TopologicalSorter(modules()).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {error.args[1]}")


def test_the_library_knows_nothing_of_the_app() -> None:
    assert {relative(file): found for file in LIBRARY if (found := takes(file, ("streamlit", "pages", "app")))} == {}


def test_pages_touch_no_tensor() -> None:
    forbidden = ("torch", "torchvision", "numpy", "safetensors", "captum")
    assert {relative(file): found for file in [ROOT / "app.py", *PAGES] if (found := takes(file, forbidden))} == {}


def test_no_file_and_no_function_is_long() -> None:
    long = {}
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        if len(lines) > MOST_LINES:
            long[relative(file)] = len(lines)
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION and REASON not in lines[node.lineno - 1]:
                    long[f"{relative(file)}:{node.name}"] = length
    assert long == {}


def test_the_rules_would_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    file = tmp_path / "inception" / "views" / "bad.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "def f():\n"
        "    import streamlit.components.v1 as c\n"
        "    from ..runtime.pool import networks\n"
        "    from .. import studies\n"
        "    from ..graph.layer import Layer\n"
        "    from .. import trace\n"
        "    importlib.import_module('torch.nn')\n"
    )
    assert takes(file, ("streamlit",)) == ["streamlit.components.v1"]
    assert takes(file, ("torch",)) == ["torch.nn"]
    assert sorted(target for _, target in filter(wrong, arrows(file))) == [
        "inception",  # the facade stands above
        "inception.runtime",  # in the same row
        "inception.studies",
    ]
    page = tmp_path / "pages" / "bad.py"
    page.parent.mkdir()
    page.write_text(
        "from pages.parts import frame\n"
        "from pages import atlas\n"
        "from tests.browser.browser import ready\n"
        "import bench.timing\n"
    )
    assert pages_imported(page) == ["pages.atlas"]
    assert takes(page, ("tests", "bench")) == ["tests.browser.browser.ready", "bench.timing"]


def test_a_circle_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    files = {"one": "from .two import b\n", "two": "def f():\n    from . import one\n", "three": "import os\n"}
    graph = tmp_path / "inception" / "graph"
    graph.mkdir(parents=True)
    for name, text in files.items():
        (graph / f"{name}.py").write_text(text)
    monkeypatch.setitem(globals(), "FILES", sorted(graph.glob("*.py")))
    assert modules()["inception.graph.two"] == {"inception.graph.one"}
    with pytest.raises(CycleError):
        TopologicalSorter(modules()).prepare()


def drawing() -> str:
    """The order of rooms as text, from the top down, with the rooms that each takes something from."""
    taken = {arrow for file in FILES for arrow in arrows(file)}
    lines = []
    for rooms in ORDER:
        for room in rooms:
            below = sorted((target for source, target in taken if source == room), key=ROWS.__getitem__, reverse=True)
            short = [target.removeprefix("inception.") for target in below]
            lines.append(f"{room.removeprefix('inception.'):<14}{'-> ' + ', '.join(short) if short else ''}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    print(drawing())
