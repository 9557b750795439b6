"""Names of classes: ImageNet's, those of a checkpoint, and those that a reader brings."""

import csv
import json
from functools import cache
from os import PathLike

from ..files import FileError, read_text
from ..paths import ASSETS
from ..words import _

IMAGENET_LABELS = "imagenet_classes.csv"
IMAGENET_CLASSES = 1000
BACKGROUND = "background"  # the first class of TF-Slim's networks, which no picture of ImageNet shows
MAX_BYTES = 4 * 2**20  # of a file of names
LONGEST = 200  # characters of a name


def class_labels(count: int, names: str | tuple[str, ...] | None = None) -> list[str]:
    """As many names of classes as `count`.

    names: the names themselves, or a file in assets/ that has them; by default ImageNet-1k's, with "background" before
    them where there is one class more, as in TF-Slim. Where the file has another number of names, classes are numbered
    instead: "class 0".
    """
    if isinstance(names, tuple):
        return list(names)
    labels = _labels_of(names or IMAGENET_LABELS)
    if count == len(labels) + 1 and not names:
        return [BACKGROUND, *labels]
    return list(labels) if count == len(labels) else [f"class {i}" for i in range(count)]


@cache
def _labels_of(file: str) -> tuple[str, ...]:
    with (ASSETS / file).open(encoding="utf-8", newline="") as lines:
        return tuple(row["label"] for row in csv.DictReader(lines))


def read_labels(source: bytes | str | PathLike[str], name: str = "", count: int | None = None) -> tuple[str, ...]:
    """The names of classes in a file, given by its content or its path.

    Text has a name a line. JSON is a list of names, an object from index to name or from name to index, or an object
    that has one of these as "id2label" or "label2id", as the Hugging Face hub's config.json. Where an entry is a list,
    as in Keras' imagenet_class_index.json, its last item is the name.
    name: of the file, for the sentence of an error. count: of the classes for which there must be a name.
    Raises FileError.
    """
    text, name = read_text(source, MAX_BYTES, name)
    is_json = text.lstrip()[:1] in ("[", "{")
    labels = _from_json(text, name) if is_json else [line.strip() for line in text.strip().splitlines()]
    if not labels:
        raise FileError(_("{file}: empty.").format(file=name))
    for index, label in enumerate(labels):
        if not label or not label.isprintable() or len(label) > LONGEST:
            sentence = _("{file}: the name of class {index} is empty, not text or over {most} characters.")
            raise FileError(sentence.format(file=name, index=index, most=LONGEST))
    if count is not None and len(labels) != count:
        sentence = _("{file}: {names:,} names, but the network tells {classes:,} classes apart.")
        raise FileError(sentence.format(file=name, names=len(labels), classes=count))
    return tuple(labels)


def _from_json(text: str, name: str) -> list[str]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(_("{file}: begins like JSON and is none.").format(file=name)) from error
    if isinstance(content, dict):
        content = content.get("id2label", content.get("label2id", content))
    if isinstance(content, dict):
        by_index = {}
        for key, value in content.items():
            index, label = (value, key) if isinstance(value, int) else (key, value)
            if not str(index).isdecimal():
                sentence = _("{file}: {key!r} goes neither from an index to a name nor from a name to an index.")
                raise FileError(sentence.format(file=name, key=key))
            by_index[int(index)] = label
        if sorted(by_index) != list(range(len(content))):
            sentence = _("{file}: the indices of its classes are not 0, 1, 2 and so on, each once.")
            raise FileError(sentence.format(file=name))
        content = [by_index[index] for index in range(len(by_index))]
    labels = [entry[-1] if isinstance(entry, list) and entry else entry for entry in content]
    if not all(isinstance(label, str) for label in labels):
        raise FileError(_("{file}: the names of its classes must be text.").format(file=name))
    return [label.strip() for label in labels]
