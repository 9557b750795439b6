"""Long maps in little time: rounding that keeps the map, a coarse map first, an end between two layers."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from captum.attr import IntegratedGradients, Occlusion
from PIL import Image

from inception.paths import PHOTOGRAPHS
from inception.runtime.image import load_image
from inception.runtime.onednn import quick_in_bfloat16
from inception.runtime.predictor import Predictor
from inception.runtime.turns import forward_lock
from inception.vision.attributions import gradients, occlusion
from inception.vision.attributions.attribution import Attribution
from inception.vision.attributions.score import Check, go_on
from inception.words import Filled

CPU = torch.device("cpu")
STEPS, WINDOWS = 8, 5
METHODS = {"gradients": (gradients.integrated_gradients, STEPS), "occlusion": (occlusion.occlusion, WINDOWS)}


@cache
def bundled() -> tuple[Predictor, Image.Image, int]:
    """A trained network, a photograph, and what the network says of it."""
    network = Predictor("inception_v4", "inception_v4.cifar10")
    prepared = network.prepare(load_image(PHOTOGRAPHS / "bird" / "kingfisher.jpg"), (112, 112))
    return network, prepared, int(network.classify(prepared)["index"].iloc[0])


def found(method: str, quick: bool = False, check: Check = go_on, seen: list[Attribution] | None = None) -> Attribution:
    network, prepared, target = bundled()
    explain, count = METHODS[method]
    shown = [] if seen is None else seen
    return explain(network, prepared, target, count, quick=quick, preview=shown.append, check=check)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    return pd.Series(one.ravel()).rank().corr(pd.Series(other.ravel()).rank())


def test_both_are_what_captum_computes() -> None:
    network, prepared, target = bundled()
    picture, black = network.to_input(prepared), network.to_input(Image.new("RGB", prepared.size))

    def score(x: torch.Tensor) -> torch.Tensor:
        return network.model(x)[:, target]

    expected = IntegratedGradients(score).attribute(picture, black, n_steps=STEPS, internal_batch_size=1)
    values = expected[0].sum(dim=0).detach().numpy()
    assert np.abs(found("gradients").values - values).max() < 1e-3 * np.abs(values).max()
    step = -(-112 // (WINDOWS + 1))
    expected = Occlusion(score).attribute(picture, (3, 2 * step, 2 * step), (3, step, step), baselines=0)
    values = expected[0, 0].detach().numpy()
    assert np.abs(found("occlusion").values - values).max() < 1e-3 * np.abs(values).max()


@pytest.mark.parametrize("method", METHODS)
def test_quick_maps_are_the_same_maps(method: str) -> None:
    if not quick_in_bfloat16(CPU):
        pytest.skip("this processor is not quick in bfloat16")
    exact, quick = found(method), found(method, quick=True)
    assert rank_correlation(exact.values, quick.values) >= 0.98
    assert (exact.values != quick.values).any(), "it is rounded"


def test_where_rounding_shows_windows_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "ROUNDING", 0.0)
    exact, quick = found("occlusion"), found("occlusion", quick=True)
    assert np.abs(exact.values - quick.values).max() < 1e-4 * np.abs(exact.values).max()


def test_a_processor_without_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (gradients, occlusion):
        monkeypatch.setattr(module, "quick_in_bfloat16", lambda _device: False)
    for method in METHODS:
        assert (found(method).values == found(method, quick=True).values).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_coarse_map_comes_first(method: str) -> None:
    """Of a few passes, before most of the work; it resembles the map that follows."""
    seen: list[Attribution] = []
    exact = found(method, seen=seen)
    assert len(seen) == 1
    assert seen[0].values.shape == exact.values.shape
    assert seen[0].score == exact.score
    assert rank_correlation(seen[0].values, exact.values) > 0.3


def test_the_first_windows_are_spread_over_the_picture() -> None:
    frame = occlusion._Frame.of((112, 112), 8)
    order = frame.coarse_first()
    assert len(order) == len(set(order)) == 64
    assert set(order[:9]) == {(row, column) for row in (0, 4, 7) for column in (0, 4, 7)}
    falls = {window: float(i) for i, window in enumerate(order[:9])}
    blocks = frame.blocks(falls)
    assert blocks[0, 0] == 0
    assert blocks[-1, -1] == 8
    assert set(np.unique(blocks)) == set(range(9))


class Stop(BaseException):  # as Streamlit's, which is no Exception
    pass


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("quick", [False, True])
def test_it_ends_between_two_layers(method: str, quick: bool) -> None:
    """After the check that raises, no other layer runs, forward or backward."""
    for last in (3, 900):
        calls = 0

        def check(last: int = last) -> None:
            nonlocal calls
            calls += 1
            if calls == last:
                raise Stop

        with pytest.raises(Stop):
            found(method, quick, check)
        assert calls == last, "nothing runs after it"
        assert not forward_lock.locked()
    network = bundled()[0]
    assert not any(module._forward_hooks for module in network.model.modules()), "the hooks are on a private copy"


def test_the_backward_pass_is_checked_too() -> None:
    forward, both = 0, 0

    def count_forward() -> None:
        nonlocal forward
        forward += not torch.is_grad_enabled()

    def count() -> None:
        nonlocal both
        both += 1

    found("occlusion", check=count_forward)
    found("gradients", check=count)
    passes = forward / (1 + 7)  # one for the whole picture, and batches of at most 4 out of 9 and 16
    assert both > 1.5 * passes * (1 + STEPS // gradients.STEP_BATCH), "more than the forward passes make"


def test_smoothing_keeps_the_sum_and_drops_the_rest() -> None:
    values = np.random.default_rng(0).normal(size=(112, 112)).astype(np.float32)
    smooth = Attribution(values, True, Filled(""), 0.0).smoothed(32).values
    assert smooth.shape == values.shape
    assert smooth.mean() == pytest.approx(values.mean(), abs=0.005)
    assert smooth.std() < 0.4 * values.std()
    level = np.full((112, 90), 3, dtype=np.float32)
    assert np.allclose(Attribution(level, True, Filled(""), 0.0).smoothed(32).values, 3)
