"""A reader's own numbers: forms of files, which layers they belong to, and what is wrong with the others."""

import json
from pathlib import Path

import pytest

from inception.cli.main import main
from inception.files import FileError
from inception.paths import SAMPLES
from inception.views.own_numbers import MAX_BYTES, MAX_ROWS, read_numbers

from ..graphs import zoo_graph

V4 = "inception_v4"
FIRST = "stem.Conv2d_1a_3x3"


def found(data: str, column: str | None = None) -> tuple[dict[str, float], tuple[str, ...]]:
    """The numbers by the path of their layer, and the rows that stand for none."""
    graph = zoo_graph(V4)
    numbers = read_numbers(data.encode(), "mine")
    match = numbers.match(graph, column or next(iter(numbers.columns)))
    assert match.layers == len(match.colouring.values)
    return {graph.layers[i - 1].path: value for i, value in match.colouring.values.items()}, match.lost


@pytest.mark.parametrize(
    "data",
    [
        f"path,ms\n{FIRST},1.5\nnobody,2\n",
        f"layer;ms\n{FIRST}.conv;1.5\nnobody;2\n",
        "\ufefflayer\tms\nConv2d_1a_3x3\t1.5\nnobody\t2\n",
        json.dumps({FIRST: 1.5, "nobody": 2}),
        json.dumps([{"name": FIRST, "ms": 1.5}, {"name": "nobody", "ms": 2}]),
        json.dumps({"results": {FIRST.replace(".", "/"): {"value": 1.5}, "nobody": {"value": 2}}}),
        json.dumps({"my graph": {"results": {FIRST: {"value": 1.5}, "nobody": {"value": 2}}, "gradient": []}}),
    ],
)
def test_every_form_of_file(data: str) -> None:
    assert found(data) == ({FIRST: 1.5}, ("nobody",))


def test_our_own_table_comes_back() -> None:
    graph = zoo_graph(V4)
    table = graph.table().to_csv(index=False)
    values, lost = found(table, "params")
    assert not lost
    assert values == {layer.path: layer.params for layer in graph.layers}
    without_path = graph.table().drop(columns="path").to_csv(index=False)
    assert found(without_path, "params") == (values, ())


def test_a_name_that_several_layers_have_stands_for_none_and_a_block_for_its_end() -> None:
    values, lost = found("layer,x\nConv2d_0a_1x1,1\nMixed_5b,2\nMixed_5b/Branch_1/Conv2d_0b_3x3,3\n")
    assert lost == ("Conv2d_0a_1x1",)
    assert values == {
        "inception_a.Mixed_5b.concat": 2,
        "inception_a.Mixed_5b.Branch_1.Conv2d_0b_3x3": 3,
    }


def test_no_number_is_no_zero() -> None:
    assert found(f"path,x\n{FIRST},\nstem.Conv2d_2a_3x3,nan\nstem.Conv2d_2b_3x3,0\n") == (
        {"stem.Conv2d_2b_3x3": 0},
        (),
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x" * (MAX_BYTES + 1), "larger than 2 MB"),
        (b"path,ms\n" + b"a,1\n" * (MAX_ROWS + 1), "more than 20,000 rows"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"", "first line"),
        (b"path\nstem\n", "first line"),
        (b"path,what\nstem,blue\n", "no column of numbers"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1, 2]", "list of rows"),
        (b"{}", "list of rows"),
    ],
)
def test_bad_files_get_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(FileError, match=why) as caught:
        read_numbers(data, "mine.csv")
    assert str(caught.value).startswith("mine.csv")
    assert "\n" not in str(caught.value)


def test_the_command_colours_by_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, drawing = tmp_path / "mine.csv", tmp_path / "drawing.dot"
    file.write_text(f"path,ms\n{FIRST},1.5\nnobody,2\n")
    assert main(["diagram", V4, "--numbers", str(file), "-o", str(drawing)]) == 0
    assert "1 of 196 layers" in capsys.readouterr().err
    assert 'fillcolor="#d55e00"' in drawing.read_text()
    assert main(["diagram", V4, "--numbers", str(file), "--column", "other", "-o", str(drawing)]) == 2
    assert "no column of numbers called 'other'" in capsys.readouterr().err
    assert main(["diagram", V4, "--colour-by", "change", "-o", str(drawing)]) == 2
    assert "name one other" in capsys.readouterr().err


def test_the_command_colours_by_what_it_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawing = tmp_path / "drawing.dot"
    made = ["diagram", V4, "--weights", f"{V4}.cifar10", "-o", str(drawing), "--colour-by"]
    assert main([*made, "response", "--picture", str(SAMPLES / "cat.jpg")]) == 0
    assert "at 112x112 px" in capsys.readouterr().err
    assert drawing.read_text().count('fillcolor="#d55e00"') == 1, "the strongest box"
    assert main([*made, "milliseconds", "--block", "Inception-C"]) == 0
    assert "threads" in capsys.readouterr().err
    for wrong, says in (
        ([*made, "response"], "needs a picture"),
        ([*made, "params"], "go with --colour-by"),
        (["diagram", "timm:resnet18", "--colour-by", "milliseconds"], "runs a network"),
    ):
        assert main(wrong) == 2
        assert says in capsys.readouterr().err
