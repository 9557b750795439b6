"""Names of classes."""

import csv

from ..paths import ASSETS

IMAGENET_LABELS = "imagenet_classes.csv"


def class_labels(count: int, names: str | tuple[str, ...] | None = None) -> list[str]:
    """The `names`, or those in a file of assets/, by default ImageNet-1k's where there are as many; else numbers."""
    if isinstance(names, tuple):
        return list(names)
    with (ASSETS / (names or IMAGENET_LABELS)).open(encoding="utf-8", newline="") as lines:
        labels = [row["label"] for row in csv.DictReader(lines)]
    return labels if count == len(labels) else [f"class {i}" for i in range(count)]
