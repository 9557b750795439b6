"""What came out of the training race: means and spreads over seeds, when an accuracy was reached, who was faster."""

from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Literal

import pandas as pd

from ..paths import BUNDLED, RACE_CURVES
from .race import PASSES, TITLES

EFFORTS = ("pictures", "macs", "seconds")  # what a run has spent, in columns of the curves
PUBLISHED = ("v4", "v1", "v2")  # the competitors that are the paper's networks
STEP = 0.05  # between targets


def read_curves(path: Path = RACE_CURVES) -> pd.DataFrame | None:
    """The table that `race.curves` made, or None where nothing was measured yet."""
    return pd.read_csv(path) if path.is_file() else None


def bundled_logs(folder: Path = BUNDLED) -> dict[str, pd.DataFrame]:
    """The log of the training of each checkpoint in a folder, by its tag; columns as in `recipe.Epoch`."""
    return {path.name.removesuffix(".log.csv"): pd.read_csv(path) for path in sorted(folder.glob("*.log.csv"))}


def bands(curves: pd.DataFrame, effort: str, quantity: str) -> pd.DataFrame:
    """Mean and standard deviation over the seeds: one row for each competitor and epoch.

    effort: one of `EFFORTS`, of which the mean is x. quantity: a column of the curves. Columns competitor, epoch, x,
    mean, low and high: the mean less and plus one standard deviation, or the mean where there is one seed.
    """
    groups = curves.groupby(["competitor", "epoch"], sort=False)
    mean, spread = groups[quantity].mean(), groups[quantity].std().fillna(0.0)
    columns = {"x": groups[effort].mean(), "mean": mean, "low": mean - spread, "high": mean + spread}
    return pd.DataFrame(columns).reset_index()


def spent(run: pd.DataFrame, effort: str, target: float) -> float:
    """What a run (its rows of the curves) had spent when its held-out accuracy first was `target`; inf if it never was.

    Linear between the ends of two epochs; what is reached by the end of the first counts as reached there.
    """
    x, y = run[effort].tolist(), run["held_out_accuracy"].tolist()
    for i, accuracy in enumerate(y):
        if accuracy >= target:
            if i == 0:
                return float(x[0])
            return float(x[i - 1] + (x[i] - x[i - 1]) * (target - y[i - 1]) / (accuracy - y[i - 1]))
    return inf


def targets(curves: pd.DataFrame) -> list[float]:
    """The accuracies in steps of 5 % that a run reached later than in its first epoch, before which none is known."""
    best = curves.groupby("run")["held_out_accuracy"].max().max()
    start = curves[curves["epoch"] == curves["epoch"].min()]["held_out_accuracy"].max()
    steps = [round(i * STEP, 2) for i in range(1, round(1 / STEP) + 1)]
    return [step for step in steps if start < step <= best] or [round(best, 3)]


def common_target(curves: pd.DataFrame) -> float:
    """The highest of the `targets` that every run of the paper's networks reached, else the lowest."""
    theirs = curves[curves["competitor"].isin(PUBLISHED)]
    least = theirs.groupby("run")["held_out_accuracy"].max().min()
    return max((target for target in targets(curves) if target <= least), default=targets(curves)[0])


def race_summary(curves: pd.DataFrame, target: float) -> pd.DataFrame:
    """One row a competitor, means and standard deviations over its seeds.

    competitor, title, runs, parameters, macs_a_picture (forward), accuracy and accuracy_spread (held-out, after the
    last epoch), reached (how many runs reached the `target`), and for each of `EFFORTS` what they had spent then, NAME
    and NAME_spread: missing unless all did.
    """
    rows = []
    for key, theirs in curves.groupby("competitor", sort=False):
        runs = [run for _, run in theirs.groupby("run", sort=False)]
        last = pd.Series([run["held_out_accuracy"].iloc[-1] for run in runs])
        row: dict[str, object] = {
            "competitor": key,
            "title": TITLES[str(key)],
            "runs": len(runs),
            "parameters": theirs["parameters"].iloc[0],
            "macs_a_picture": theirs["macs"].iloc[0] / theirs["pictures"].iloc[0] / PASSES,
            "accuracy": last.mean(),
            "accuracy_spread": last.std(),
        }
        for effort in EFFORTS:
            costs = pd.Series([spent(run, effort, target) for run in runs])
            row["reached"] = int((costs < inf).sum())
            complete = row["reached"] == len(runs)
            row[effort] = costs.mean() if complete else nan
            row[f"{effort}_spread"] = costs.std() if complete else nan
        rows.append(row)
    return pd.DataFrame(rows)


Verdict = Literal["first", "second", "open"]


@dataclass(frozen=True)
class Comparison:
    """Two competitors on the way to an accuracy, and at the end."""

    first: str  # key of a competitor
    second: str
    target: float  # the accuracy, a share
    pictures: tuple[float, float]  # that each took to reach it, mean over its runs; inf where not all runs did
    reached: tuple[int, int]  # how many runs of each reached it
    runs: tuple[int, int]  # of each
    faster: Verdict  # who took fewer pictures; "open" unless every run of one took fewer than every run of the other
    better: Verdict  # the same for the accuracy after the last epoch
    lead: float  # the first's mean accuracy after the last epoch, less the second's


def compare(curves: pd.DataFrame, first: str, second: str, target: float) -> Comparison:
    """The comparison of two competitors at a target accuracy."""
    runs = [[run for _, run in curves[curves["competitor"] == key].groupby("run")] for key in (first, second)]
    a, b = ([spent(run, "pictures", target) for run in theirs] for theirs in runs)
    last_a, last_b = ([float(run["held_out_accuracy"].iloc[-1]) for run in theirs] for theirs in runs)
    return Comparison(
        first=first,
        second=second,
        target=target,
        pictures=(sum(a) / len(a), sum(b) / len(b)),
        reached=(sum(x < inf for x in a), sum(x < inf for x in b)),
        runs=(len(a), len(b)),
        faster=_below(a, b),
        better=_below([-x for x in last_a], [-x for x in last_b]),
        lead=sum(last_a) / len(last_a) - sum(last_b) / len(last_b),
    )


def _below(a: list[float], b: list[float]) -> Verdict:
    """Which of two sets lies below the other, whole."""
    return "first" if max(a) < min(b) else "second" if max(b) < min(a) else "open"
