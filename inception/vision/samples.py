"""The pictures that the app offers: two or three of each of CIFAR-10's classes, and some of none of them."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from pathlib import Path

import pandas as pd

from ..paths import ASSETS, SAMPLE_LIST
from .photographs import OTHER
from .titles import picture_title


class Group(Enum):
    """What networks of the ten classes make of a sample."""

    KNOWN = auto()  # every bundled network names it rightly, and none says that it shows none of the classes
    HARD = auto()  # it shows one of the classes, but not every network knows it
    NONE = auto()  # it shows none of the classes


@dataclass(frozen=True)
class Sample:
    """A picture that comes with the project."""

    name: str
    path: Path
    shows: str  # one of CIFAR-10's classes or `OTHER`
    group: Group

    @property
    def title(self) -> str:
        """Its name for people, and in the address."""
        return picture_title(self.name)


def sample_table() -> pd.DataFrame:
    """Columns name, file (below assets/) and shows, and of each network those of `none_of_them.others_table`."""
    return pd.read_csv(SAMPLE_LIST)


def samples() -> dict[str, Sample]:
    """By name, in the order in which they are offered."""
    return dict(_samples())


@cache
def _samples() -> dict[str, Sample]:
    table = sample_table()
    right = table.filter(regex=" answer$").eq(table["shows"], axis=0).all(axis=1)
    refused = table.filter(regex=" none$").any(axis=1)
    return {
        name: Sample(name, ASSETS / file, shows, _group(shows, known))
        for name, file, shows, known in zip(table["name"], table["file"], table["shows"], right & ~refused, strict=True)
    }


def one_of_each() -> list[Sample]:
    """The first sample of each of the ten classes."""
    first: dict[str, Sample] = {}
    for sample in samples().values():
        if sample.shows != OTHER:
            first.setdefault(sample.shows, sample)
    return list(first.values())


def _group(shows: str, known: bool) -> Group:
    if shows == OTHER:
        return Group.NONE
    return Group.KNOWN if known else Group.HARD
