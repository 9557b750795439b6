"""Medians, and the row that reports one against a goal."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Row:
    """What was measured: `value` with its unit, the goal it should stay at or under, if any, and the raw figures."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        goal = "" if self.goal is None else f" (goal {self.goal:.2f}{'' if self.value <= self.goal else ', missed'})"
        return f"{self.value:6.2f} {self.unit}{goal}  {self.what}{f': {self.detail}' if self.detail else ''}"


def compare(
    what: str, ours: Callable[[], Any], theirs: Callable[[], Any], goal: float | None = None, runs: int = 9
) -> Row:
    """Ratio of the medians of `runs` calls of each, taken in turns after a warm-up, so that both meet one machine."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    mine, other = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return Row(what, mine / other, "x", goal, f"{mine * 1e3:.1f} ms / {other * 1e3:.1f} ms")


def seconds(call: Callable[[], Any]) -> float:
    """Wall-clock seconds of one call, without garbage collection in it, as timeit measures."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start
    finally:
        gc.enable()
