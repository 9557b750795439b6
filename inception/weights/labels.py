"""Names of classes."""

import csv

from ..paths import ASSETS

IMAGENET_LABELS = "imagenet_classes.csv"


def class_labels(count: int, names: str | tuple[str, ...] | None = None) -> list[str]:
    """As many names of classes as `count`.

    names: the names themselves, or a file in assets/ that has them; by default ImageNet-1k's. Where the file has
    another number of names, classes are numbered instead: "class 0".
    """
    if isinstance(names, tuple):
        return list(names)
    with (ASSETS / (names or IMAGENET_LABELS)).open(encoding="utf-8", newline="") as lines:
        labels = [row["label"] for row in csv.DictReader(lines)]
    return labels if count == len(labels) else [f"class {i}" for i in range(count)]
