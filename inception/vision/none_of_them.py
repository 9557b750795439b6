"""Whether a picture shows none of the classes, asked of all networks that come with the project together.

One network alone can be sure of a thing that it never learnt. Another one, of another build, is seldom sure of the same
thing: where one of them is unsure, the picture shows none of the classes, it seems. docs/experiments.md has what else
was tried.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from ..paths import BUNDLED, OTHERS, TOGETHER
from ..runtime.pool import networks
from ..runtime.predictor import PictureNetwork, certainty
from ..weights.choice import WeightsKind
from ..weights.known import known_weights
from ..words import _
from .photographs import OTHER

CHOICE, QUOTED = "choice", "quoted"  # what a picture of `OTHERS` was used for
SURE_95 = 1.959964  # standard deviations that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Together:
    """The rule of several networks."""

    threshold: float  # a picture shows none of the classes if the least certainty is below this
    weights: Mapping[str, str]  # the tags of the networks, and the SHA-256 of the files it was set with

    def is_none(self, certainties: Iterable[float]) -> bool:
        """Whether a picture seems to show none of the classes, by the `certainty` of each of the networks."""
        return min(certainties) < self.threshold


def together() -> Together:
    """The rule that came with the project."""
    return Together(**json.loads(TOGETHER.read_text(encoding="utf-8")))


def fingerprint(tag: str) -> str:
    """The SHA-256 of a bundled network's file."""
    return hashlib.sha256((BUNDLED / f"{tag}.safetensors").read_bytes()).hexdigest()


def partners(network: PictureNetwork, size: tuple[int, int]) -> list[str]:
    """The tags of the networks to ask besides one at (width, height) pixels; none where it has to judge alone.

    It does unless it is one of those of `together`, all of them are here, and the size is that of their training.
    """
    known = known_weights()
    if network.weights.kind is not WeightsKind.BUNDLED or size != (network.input_size, network.input_size):
        return []
    tags = list(together().weights)
    if network.weights.name not in tags or any(tag not in known for tag in tags):
        return []
    return [tag for tag in tags if tag != network.weights.name]


def says_none(network: PictureNetwork, classes: pd.DataFrame, prepared: Image.Image) -> bool:
    """Whether a prepared picture seems to show none of the classes, by what `classify` gave and the other networks.

    The others see the very picture that the network saw. Raises OutOfMemory.
    """
    others = partners(network, prepared.size)
    if not others:
        return network.is_none(classes)
    asked = (networks.predictor(known_weights()[tag].variant, tag, str(network.device)) for tag in others)
    return together().is_none([certainty(classes), *(certainty(other.classify(prepared)) for other in asked)])


@dataclass(frozen=True)
class Refusals:
    """Of how many pictures it was said that they show none of the classes."""

    pictures: int
    refused: int

    @property
    def share(self) -> float:
        """Of the pictures."""
        return self.refused / self.pictures

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the share (Wilson 1927), for other pictures of the kind."""
        n, share, z = self.pictures, self.share, SURE_95
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        return middle - half, middle + half

    def __str__(self) -> str:
        """The share, and the interval with the number of pictures in brackets."""
        low, high = self.interval
        text = _("{share:.0%} ({pictures} pictures, 95% interval {low:.0%} to {high:.0%})")
        return text.format(share=self.share, pictures=self.pictures, low=low, high=high)


@cache
def others_table(path: Path = OTHERS) -> pd.DataFrame:
    """Every picture that measures "none of them": columns use, package, file, shows, author, licence, source, answers.

    Of each network: "TAG answer", "TAG probability", "TAG certainty" and "TAG none"; "together none" of all. It is read
    once, so nobody may change it.
    """
    return pd.read_csv(path, keep_default_na=False)


def refusals(table: pd.DataFrame, judge: str) -> Refusals:
    """How often pictures of none of the classes that had no say in any choice were refused, rightly.

    judge: the tag of a network, or "together".
    """
    return _refused(table[(table["use"] == QUOTED) & (table["shows"] == OTHER)], judge)


def wrong_refusals(table: pd.DataFrame, judge: str) -> Refusals:
    """How often the project's photographs of one of the classes were refused, wrongly; arguments as of `refusals`."""
    own = table["package"] == ""
    return _refused(table[own & (table["shows"] != OTHER)], judge)


def classified(network: PictureNetwork, pictures: Iterable[Image.Image]) -> list[pd.DataFrame]:
    """What `classify` gives for each picture at the size of the network's training."""
    size = network.input_size, network.input_size
    return [network.classify(network.prepare(picture, size)) for picture in pictures]


def answers(asked: Sequence[PictureNetwork], tables: Sequence[Sequence[pd.DataFrame]], rule: Together) -> pd.DataFrame:
    """What networks said of pictures, each as `classified` gives it, and all together: columns as of `others_table`."""
    columns: dict[str, list[Any]] = {}
    for network, found in zip(asked, tables, strict=True):
        tag = network.weights.name
        columns[f"{tag} answer"] = [table["label"].iloc[0] for table in found]
        columns[f"{tag} probability"] = [round(table["probability"].iloc[0], 4) for table in found]
        columns[f"{tag} certainty"] = [round(certainty(table), 4) for table in found]
        columns[f"{tag} none"] = [network.is_none(table) for table in found]
    each = zip(*(map(certainty, found) for found in tables), strict=True)
    return pd.DataFrame({**columns, "together none": [rule.is_none(certainties) for certainties in each]})


def _refused(table: pd.DataFrame, judge: str) -> Refusals:
    return Refusals(len(table), int(table[f"{judge} none"].sum()))
