"""Rows of a bench, and how what they report is measured."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

Clock = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """A claim and what was measured of it.

    what: the claim in words. unit: of the value. goal: what the value should stay at or under, if anything.
    value: None as long as nothing was measured. detail: the raw figures; where there is no value, the reason.
    failed: whether measuring it raised an error.
    """

    what: str
    unit: str
    goal: float | None = None
    value: float | None = None
    detail: str = ""
    failed: bool = False

    def without_value(self, error: Exception, failed: bool = True) -> "Row":
        """The row with the error's first line as its reason; not `failed` where this machine cannot measure it."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        return replace(self, value=None, detail=reason, failed=failed)

    @property
    def text(self) -> str:
        what = f"{self.what}: {self.detail}" if self.detail else self.what
        if self.value is None:
            return f"{'failed' if self.failed else '–':>6}  {what}"
        goal = "" if self.goal is None else f" (goal {self.goal:.2f}{'' if self.value <= self.goal else ', missed'})"
        return f"{self.value:6.2f} {self.unit}{goal}  {what}"


def measured(rows: Sequence[Row], measure: Callable[[], Sequence[tuple[float, str]]]) -> list[Row]:
    """The rows with the value and the detail that `measure` returns for each; all of them failed if it raises."""
    try:
        return [replace(row, value=value, detail=detail) for row, (value, detail) in zip(rows, measure(), strict=True)]
    except Exception as error:  # whatever it is, the rows after these are measured all the same
        return [row.without_value(error) for row in rows]


def compare(
    what: str,
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    goal: float | None = None,
    runs: int = 9,
    clock: Clock = time.perf_counter,
) -> Row:
    """Ratio of the medians of `runs` calls of each, taken in turns after a warm-up, so that both meet one machine.

    A single run has no warm-up: it shows that the row can be measured, and its figure means nothing.
    """

    def ratio() -> list[tuple[float, str]]:
        if runs > 1:
            ours()
            theirs()
        pairs = [(seconds(ours, clock), seconds(theirs, clock)) for _ in range(runs)]
        mine, other = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
        return [(mine / other, f"{mine * 1e3:.1f} ms / {other * 1e3:.1f} ms")]

    return measured([Row(what, "x", goal)], ratio)[0]


def seconds(call: Callable[[], Any], clock: Clock = time.perf_counter) -> float:
    """Seconds of one call by a clock, that on the wall by default; without garbage collection, as timeit measures."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        call()
        return clock() - start
    finally:
        gc.enable()
