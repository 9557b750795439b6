"""Names of classes that a reader brings, as text or JSON."""

import json
from pathlib import Path

import pytest

from inception.files import FileError
from inception.weights.labels import LONGEST, MAX_BYTES, class_labels, read_labels
from tests import reference

THREE = ("pear", "plum tree", "fig, wild")


@pytest.mark.parametrize(
    "content",
    [
        "pear\nplum tree\nfig, wild",
        "\ufeffpear\r\nplum tree\r\nfig, wild\r\n\r\n",
        json.dumps(THREE),
        json.dumps({"0": "pear", "1": "plum tree", "2": "fig, wild"}),
        json.dumps({"2": "fig, wild", "0": "pear", "1": "plum tree"}),
        json.dumps({"pear": 0, "fig, wild": 2, "plum tree": 1}),
        json.dumps({"0": ["n01", "pear"], "1": ["n02", "plum tree"], "2": ["n03", "fig, wild"]}),
        json.dumps({"model_type": "timm", "id2label": {"0": "pear", "1": "plum tree", "2": "fig, wild"}}),
        json.dumps({"label2id": {"pear": 0, "fig, wild": 2, "plum tree": 1}}),
    ],
)
def test_what_people_have(content: str, tmp_path: Path) -> None:
    assert read_labels(content.encode(), "names", 3) == THREE
    (tmp_path / "names").write_text(content, encoding="utf-8", newline="")
    assert read_labels(tmp_path / "names") == THREE


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"\xff\xfe\0", "not text in UTF-8"),
        (b"pear\nplum", "2 names, but the network tells 3 classes apart"),
        (b"pear\n\nfig", "class 1 is empty"),
        (b"\x89PNG\r\n", "not text"),
        (b"a\0b\nc\nd", "class 0 is empty, not text"),
        (b"pear\nplum\n" + b"x" * (LONGEST + 1), "class 2"),
        (b'["pear", ', "begins like JSON and is none"),
        (b"[" * 100_000, "begins like JSON and is none"),
        (b'["pear", 3, "fig"]', "must be text"),
        (b'{"0": "pear", "2": "fig"}', "not 0, 1, 2"),
        (b'{"pear": 0, "fig": 0}', "not 0, 1, 2"),
        (b'{"lr": "fast"}', "neither from an index"),
        (b"x\n" * (MAX_BYTES // 2 + 1), "larger than 4 MB"),
    ],
)
def test_what_is_no_list_of_names_is_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(FileError) as caught:
        read_labels(content, "names.txt", 3)
    reference.assert_one_sentence(caught.value)
    assert str(caught.value).startswith("names.txt: ")
    assert sentence in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"absent\.txt: cannot be read"):
        read_labels(tmp_path / "absent.txt")


def test_imagenets_names_and_one_more() -> None:
    names = class_labels(1000)
    assert class_labels(1001) == ["background", *names]
    assert class_labels(999)[0] == "class 0"
