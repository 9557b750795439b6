"""Measuring: what is counted, what is compared with what, and that it can be stopped. No test looks at a clock."""

import math
import threading
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from inception.runtime import speed
from inception.runtime.crop import Crop, CropError
from inception.runtime.engines import load_network
from inception.runtime.predictor import KEPT_PASSES, PictureNetwork, Predictor
from inception.runtime.speed import (
    COMPARISON_COLUMNS,
    MIN_RUNS,
    Comparison,
    Setting,
    SpeedError,
    Timing,
    compare_outputs,
    compare_settings,
    comparison_table,
    measure,
    offered_settings,
)
from inception.runtime.turns import OutOfMemory, forward_lock

NAME = "inception_resnet_v1"
SIZE = (75, 75)
PICTURES = [Image.effect_noise((90, 80), spread).convert("RGB") for spread in (20, 90)]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SECONDS", 0)


def test_a_timing_is_the_median_of_warm_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Predictor(NAME)
    prepared = [network.prepare(picture, SIZE) for picture in PICTURES]
    calls = list[int]()
    outputs = network.outputs

    def counted(images: Sequence[Image.Image]) -> NDArray[np.float32]:
        calls.append(len(images))
        return outputs(images)

    monkeypatch.setattr(network, "outputs", counted)
    timing = measure(network, prepared)
    passes = network.milliseconds((2, 3, *SIZE))
    assert calls == [2] * (1 + MIN_RUNS), "one to warm up"
    assert (timing.runs, timing.batch) == (MIN_RUNS, 2)
    assert timing.milliseconds == sorted(passes)[1]
    assert timing.images_per_second == pytest.approx(2000 / timing.milliseconds)
    assert (timing.engine, timing.device, timing.dtype) == ("eager", "cpu", "float32")
    assert (timing.weight_bytes, timing.peak_bytes) == (network.nbytes, None)
    assert measure(network, prepared) == timing, "passes that were made before count"
    assert len(calls) == 1 + MIN_RUNS
    assert measure(network, prepared, seconds=60).runs == KEPT_PASSES


def test_every_engine_in_every_dtype_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = offered_settings()
    assert len(set(offered)) == len(offered)
    for engine in ("eager", "folded"):
        for dtype in ("float32", "bfloat16"):
            assert Setting(engine, "cpu", dtype) in offered
    monkeypatch.setattr(speed, "devices", lambda: ["cpu", "mps"])
    assert set(offered_settings()) - set(offered) >= {Setting("folded", "mps", "float16")}


def test_outputs_are_compared_as_probabilities() -> None:
    expected = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]], dtype=np.float32))
    outputs = np.log(np.array([[0.6, 0.3, 0.1], [0.1, 0.4, 0.5]], dtype=np.float32)) + 5
    agreement, difference = compare_outputs(outputs, expected)
    assert agreement == 0.5
    assert difference == pytest.approx(0.1)
    agreement, difference = compare_outputs(outputs, outputs + np.float32(0.25), embeds=True)
    assert math.isnan(agreement)
    assert difference == pytest.approx(0.25)


def test_settings_are_measured_one_by_one_against_the_plain_network() -> None:
    settings = [Setting("folded", "cpu", "float32"), Setting("folded", "cpu", "bfloat16")]
    rows = list(compare_settings(NAME, None, SIZE, PICTURES, (1, 3), settings))
    plain = Setting("plain", "cpu", "float32")
    assert [(row.setting, row.batch) for row in rows] == [(s, n) for s in (plain, *settings) for n in (1, 3)]
    for row, base in zip(rows, rows[:2] * 3, strict=True):
        assert row.timing is not None
        assert base.timing is not None
        assert row.timing.batch == row.batch
        assert row.speedup == base.timing.milliseconds / row.timing.milliseconds
    assert [row.largest_difference for row in rows[:2]] == [0, 0]
    assert max(row.largest_difference for row in rows[2:4]) < 1e-5 < min(row.largest_difference for row in rows[4:])


def test_top1_of_classes_is_compared() -> None:
    folded = Setting("folded", "cpu", "float32")
    rows = list(compare_settings("inception_v4", "inception_v4.cifar10", SIZE, PICTURES, [1], [folded]))
    assert [row.top1_agreement for row in rows] == [1, 1]


def test_what_cannot_be_measured_says_why_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def outputs(self: PictureNetwork, prepared: Sequence[Image.Image]) -> None:
        raise OutOfMemory("There is too little memory.")

    def load(engine: str, *arguments: object) -> PictureNetwork:
        network = load_network(engine, *arguments)  # type: ignore[arg-type]
        if engine == "eager":
            monkeypatch.setattr(network, "outputs", lambda prepared: outputs(network, prepared))
        return network

    monkeypatch.setattr(speed, "load_network", load)
    settings = [
        Setting("folded", "cuda", "float32"),
        Setting("eager", "cpu", "float32"),
        Setting("folded", "cpu", "float32"),
    ]
    rows = list(compare_settings(NAME, None, SIZE, PICTURES, [1], settings))
    problems = ["", "PyTorch finds no cuda device on this machine.", "There is too little memory.", ""]
    assert [row.problem for row in rows] == problems
    assert [row.timing is None for row in rows] == [bool(problem) for problem in problems]
    table = comparison_table(rows)
    assert table["problem"].tolist() == problems
    assert table["milliseconds"].isna().tolist() == [bool(problem) for problem in problems]


def test_it_can_be_stopped_and_leaves_turns_to_others() -> None:
    rows = compare_settings(NAME, None, SIZE, PICTURES, [1])
    next(rows)
    assert not forward_lock.locked(), "between two rows others have their turn"
    with pytest.raises(SpeedError, match="Someone else is measuring"):
        next(compare_settings(NAME, None, SIZE, PICTURES, [1]))
    rows.close()
    again = compare_settings(NAME, None, SIZE, PICTURES, [1])
    assert next(again).setting.engine == "plain"
    again.close()
    with pytest.raises(ValueError, match="unknown model"):
        next(compare_settings("no such", None, SIZE, PICTURES))
    with pytest.raises(CropError, match="does not lie inside"):
        next(compare_settings(NAME, None, SIZE, PICTURES, crop=Crop((0, 0, 9999, 10))))
    last = compare_settings(NAME, None, SIZE, PICTURES, [1])
    next(last)
    last.close()


def test_the_table_has_a_row_each() -> None:
    timing = Timing("folded", "cpu", "bfloat16", 8, 400.0, 5, 1000, 2000)
    setting = Setting("folded", "cpu", "bfloat16")
    table = comparison_table([Comparison(setting, 8, timing, 2.0, 0.875, 0.01)])
    assert list(table) == list(COMPARISON_COLUMNS)
    expected = ["folded", "cpu", "bfloat16", 8, 400.0, 20.0, 5, 1000, 2000, 2.0, 0.875, 0.01, ""]
    assert table.iloc[0].tolist() == expected
    assert isinstance(comparison_table([]), pd.DataFrame)


def test_who_has_patience_waits_for_the_measurement_before() -> None:
    """As a press on Speed does whose visit still makes the measurement that the page opens on."""
    before = compare_settings(NAME, None, SIZE, PICTURES, [1], [])
    next(before)
    ending = threading.Timer(0.1, before.close)
    ending.start()
    assert len(list(compare_settings(NAME, None, SIZE, PICTURES, [1], [], patience=60))) == 1
    ending.join()
