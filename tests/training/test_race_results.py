"""Means, spreads and verdicts of the race against numbers worked out by hand."""

from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inception.training.race_results import (
    bands,
    bundled_logs,
    common_target,
    compare,
    race_summary,
    read_curves,
    spent,
    targets,
)

EPOCH = 1000  # pictures


def table(**runs: list[list[float]]) -> pd.DataFrame:
    """Curves of competitors from the accuracies of their runs, epoch by epoch; a picture costs 2 MACs, 0.01 s."""
    rows = [
        {
            "run": f"{key}-{seed}",
            "competitor": key,
            "epoch": epoch,
            "parameters": 10,
            "pictures": EPOCH * epoch,
            "macs": 2 * EPOCH * epoch,
            "seconds": 10.0 * epoch + seed,
            "held_out_accuracy": accuracy,
        }
        for key, accuracies in runs.items()
        for seed, run in enumerate(accuracies)
        for epoch, accuracy in enumerate(run, 1)
    ]
    return pd.DataFrame(rows)


CURVES = table(
    v4=[[0.2, 0.3, 0.42], [0.2, 0.32, 0.40], [0.2, 0.28, 0.44]],
    v1=[[0.2, 0.4, 0.5], [0.2, 0.4, 0.6], [0.2, 0.4, 0.55]],
    v2=[[0.3, 0.4, 0.5], [0.3, 0.5, 0.6], [0.25, 0.45, 0.55]],
    v2_cut=[[0.1, 0.1, 0.2], [0.1, 0.15, 0.3], [0.1, 0.2, 0.45]],
)


@pytest.mark.parametrize(
    ("accuracies", "target", "pictures"),
    [
        ([0.2, 0.4, 0.5], 0.4, 2 * EPOCH),
        ([0.2, 0.4, 0.5], 0.3, 1.5 * EPOCH),
        ([0.2, 0.4, 0.5], 0.1, EPOCH),
        ([0.2, 0.4, 0.5], 0.51, inf),
        ([0.2, 0.4, 0.1, 0.5], 0.35, 1.75 * EPOCH),
    ],
)
def test_what_was_spent_until_a_target(accuracies: list[float], target: float, pictures: float) -> None:
    run = table(v2=[accuracies])
    assert spent(run, "pictures", target) == pytest.approx(pictures)
    assert spent(run, "macs", target) == pytest.approx(2 * pictures)


def test_summary_by_hand() -> None:
    summary = race_summary(CURVES, 0.4)
    v4, v1, v2, cut = summary.to_dict("records")
    assert [row["competitor"] for row in (v4, v1, v2, cut)] == ["v4", "v1", "v2", "v2_cut"]
    assert v4["accuracy"] == pytest.approx(0.42)
    assert v4["accuracy_spread"] == pytest.approx(np.std([0.42, 0.40, 0.44], ddof=1))
    expected = [2000 + 1000 * 10 / 12, 3000, 2000 + 1000 * 12 / 16]
    assert v4["pictures"] == pytest.approx(np.mean(expected))
    assert v4["pictures_spread"] == pytest.approx(np.std(expected, ddof=1))
    assert v4["macs"] == pytest.approx(2 * np.mean(expected))
    assert v4["macs_a_picture"] == pytest.approx(2 / 3), "forward: a third of what training on it costs"
    assert summary["reached"].tolist() == [3, 3, 3, 1]
    assert np.isnan([cut["pictures"], cut["pictures_spread"], cut["seconds"]]).all(), "no mean over some"
    assert v2["title"] == "Inception-ResNet-v2"


def test_bands_by_hand() -> None:
    rows = bands(CURVES, "seconds", "held_out_accuracy")
    (last,) = rows[(rows["competitor"] == "v1") & (rows["epoch"] == 3)].to_dict("records")
    assert last["x"] == pytest.approx(31)
    assert last["mean"] == pytest.approx(0.55)
    assert last["high"] - last["mean"] == pytest.approx(np.std([0.5, 0.6, 0.55], ddof=1))
    assert last["mean"] - last["low"] == pytest.approx(last["high"] - last["mean"])
    assert len(rows) == 12
    alone = bands(table(v2=[[0.1, 0.2]]), "pictures", "held_out_accuracy")
    assert alone["low"].tolist() == alone["mean"].tolist() == [0.1, 0.2]


def test_targets_are_those_that_tell_runs_apart() -> None:
    assert targets(CURVES) == [0.35, 0.4, 0.45, 0.5, 0.55, 0.6], "one had 0.3 after its first epoch"
    assert common_target(CURVES) == 0.4, "the slowest run of v4 reached just this; that of v2_cut does not count"
    assert targets(table(v2=[[0.12, 0.12]])) == [0.12]


def test_verdicts() -> None:
    cut = compare(CURVES, "v2", "v2_cut", 0.4)
    assert (cut.faster, cut.better) == ("first", "first")
    assert cut.reached == (3, 1)
    assert cut.pictures[0] == pytest.approx((2000 + 1500 + 1750) / 3)
    assert cut.pictures[1] == inf
    assert cut.lead == pytest.approx(0.55 - 0.95 / 3)
    back = compare(CURVES, "v2_cut", "v2", 0.4)
    assert (back.faster, back.better) == ("second", "second")
    close = compare(CURVES, "v2", "v1", 0.4)
    assert (close.faster, close.better) == ("open", "open"), "v2's slowest run is as fast as v1's"
    assert compare(CURVES, "v2", "v2_cut", 0.99).faster == "open", "no one got there"


def test_nothing_measured_yet(tmp_path: Path) -> None:
    assert read_curves(tmp_path / "curves.csv") is None
    assert bundled_logs(tmp_path) == {}


def test_logs_by_tag(tmp_path: Path) -> None:
    (tmp_path / "mine.cifar10.log.csv").write_text("epoch,held_out_accuracy\n1,0.5\n")
    (tmp_path / "mine.cifar10.confusion.csv").write_text("class\n")
    logs = bundled_logs(tmp_path)
    assert list(logs) == ["mine.cifar10"]
    assert logs["mine.cifar10"]["held_out_accuracy"].tolist() == [0.5]
