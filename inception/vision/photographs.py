"""The project's photographs of CIFAR-10's classes, and of none of them: real pictures that no one trained on."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from ..paths import PHOTOGRAPHS
from ..runtime.image import load_image
from ..runtime.predictor import PictureNetwork

FOLDER = PHOTOGRAPHS
LIST = FOLDER / "photographs.csv"
OTHER = "other"  # label of those that show none of the classes


def labelled() -> dict[Path, str]:
    """The files and what each shows: one of the ten classes or `OTHER`."""
    with LIST.open(encoding="utf-8", newline="") as lines:
        return {FOLDER / row["file"]: row["label"] for row in csv.DictReader(lines)}


@cache
def cut_out() -> frozenset[str]:
    """The files, as in `answers`, that were cropped to what they show or put on white; the others are as they came."""
    photographs = pd.read_csv(LIST)
    return frozenset(
        photographs["file"][photographs["source"].str.contains("cropped to the object|cut-out", regex=True)]
    )


def answers(network: PictureNetwork) -> pd.DataFrame:
    """What a network of these classes makes of each photograph.

    Columns file, label, answer (the most probable class), probability (of it), rank (of the label, from 1; missing
    for `OTHER`) and none (whether it says that the photograph shows none of the classes).
    """
    size = network.input_size, network.input_size
    rows = []
    for path, label in labelled().items():
        table = network.classify(network.prepare(load_image(path), size))
        labels = table["label"].tolist()
        rows.append(
            {
                "file": str(path.relative_to(FOLDER)),
                "label": label,
                "answer": labels[0],
                "probability": table["probability"].iloc[0],
                "rank": labels.index(label) + 1 if label in labels else None,
                "none": network.is_none(table),
            }
        )
    return pd.DataFrame(rows).astype({"rank": "Int64"})


@dataclass(frozen=True)
class Hits:
    """How well a network does on the photographs."""

    known: int  # how many show one of the classes
    others: int  # how many show none of them
    top_1: float  # share of the known ones whose class came first
    top_3: float  # share of the known ones whose class was among the first three
    known_refused: float  # share of the known ones of which the network says that they show none of the classes
    others_refused: float  # share of the others of which it says so, rightly


def hits(answers: pd.DataFrame) -> Hits:
    """The shares in a table of `answers`."""
    known, others = answers[answers["label"] != OTHER], answers[answers["label"] == OTHER]
    return Hits(
        known=len(known),
        others=len(others),
        top_1=float((known["rank"] == 1).mean()),
        top_3=float((known["rank"] <= 3).mean()),
        known_refused=float(known["none"].mean()),
        others_refused=float(others["none"].mean()),
    )
