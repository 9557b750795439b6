"""Medians of interleaved runs, and the row that reports their ratio."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """`ours` against `theirs` in seconds; `goal` is the ratio ours / theirs that we want at most, if any."""

    what: str
    ours: float
    theirs: float
    goal: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def compare(
    what: str, ours: Callable[[], Any], theirs: Callable[[], Any], goal: float | None = None, runs: int = 9
) -> Row:
    """Medians of `runs` calls of each, taken in turns after one warm-up, so that both meet the same machine."""
    ours()
    theirs()
    seconds = [(_seconds(ours), _seconds(theirs)) for _ in range(runs)]
    return Row(what, median(s[0] for s in seconds), median(s[1] for s in seconds), goal)


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
