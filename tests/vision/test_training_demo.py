"""The training demonstration: it learns, its twins differ in nothing but the scale, and it leaves nothing behind."""

import copy
import gc
import math
import random
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from inception.models import create_model
from inception.models.weights import TIMM_V4
from inception.vision import training_demo
from inception.vision.predictor import forward_lock
from inception.vision.preprocess import to_input
from inception.vision.residual import RELEASED, UNSCALED, ResidualError, random_crop
from inception.vision.training_demo import SIZE, History, Setting, Step, TrainingError, train

EXAMPLES = [Image.linear_gradient("L").convert("RGB"), Image.new("RGB", (100, 90), (200, 40, 10))]


def setting(**changes: Any) -> Setting:
    """A run of a fraction of a second."""
    return Setting(
        **{
            "name": "inception_resnet_v1",
            "scales": (RELEASED,),
            "width": 0.06,
            "repeats": (1, 2, 2),
            "pictures": 6,
            "steps": 3,
            **changes,
        }
    )


def curve(steps: list[Step], twin: int = 0) -> list[float]:
    return [step.loss for step in steps if step.twin == twin]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[nn.Module]]:
    """References to all models that the training makes, twins included."""
    references: list[weakref.ref[nn.Module]] = []

    def noted(make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        def made(*args: Any, **kwargs: Any) -> nn.Module:
            model = make(*args, **kwargs)
            references.append(weakref.ref(model))
            return model

        return made

    monkeypatch.setattr(training_demo, "create_model", noted(create_model))
    monkeypatch.setattr(training_demo, "deepcopy", noted(copy.deepcopy))
    return references


@pytest.mark.parametrize("name", ["inception_resnet_v1", "inception_resnet_v2"])
def test_training_lowers_the_loss(name: str) -> None:
    losses = curve(list(train(setting(name=name, steps=15), EXAMPLES)))
    assert len(losses) == 15
    assert losses[0] == pytest.approx(math.log(2), abs=0.4), "two classes, nothing learned yet"
    assert sum(losses[-3:]) < 0.3 * sum(losses[:3])


def test_two_steps_against_a_computation_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """RMSProp as in the paper's section 4: v = 0.9 v + 0.1 g², and w moves by -rate · g / (sqrt(v) + 1)."""
    kept: list[nn.Module] = []

    def create(*args: Any, **kwargs: Any) -> nn.Module:
        model = create_model(*args, **kwargs)
        kept.append(copy.deepcopy(model))
        return model

    monkeypatch.setattr(training_demo, "create_model", create)
    steps = list(train(setting(steps=2, learning_rate=0.2), EXAMPLES))

    generator = random.Random(0)
    model = kept[0].train()
    next(module for module in model.modules() if isinstance(module, nn.Dropout)).eval()
    for step in steps:
        batch = torch.cat([to_input(random_crop(EXAMPLES[i % 2], SIZE, generator), TIMM_V4) for i in range(6)])
        loss = F.cross_entropy(model(batch), torch.tensor([0, 1, 0, 1, 0, 1]))
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        squares = sum(float(gradient.double().square().sum()) for gradient in gradients)
        assert step.loss == pytest.approx(loss.item(), rel=1e-3)
        assert step.gradient_norm == pytest.approx(squares**0.5, rel=1e-2)
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter.sub_(0.2 * gradient / ((0.1 * gradient.square()).sqrt() + 1))
    assert [(step.twin, step.number) for step in steps] == [(0, 1), (0, 2)]
    assert list(steps[0].profile["scale"].unique()) == [*RELEASED, 1.0], "the last block keeps its 1"
    assert steps[0].dead_share == steps[0].profile["dead"].sum() / steps[0].profile["channels"].sum()


def test_equal_twins_stay_equal() -> None:
    steps = list(train(setting(scales=(RELEASED, RELEASED)), EXAMPLES))
    assert [(step.number, step.twin) for step in steps] == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]
    assert curve(steps, 0) == curve(steps, 1)


def test_twins_differ_in_nothing_but_the_scale() -> None:
    first, second = (step.profile for step in train(setting(scales=(RELEASED, UNSCALED), steps=1), EXAMPLES))
    assert first["shortcut_norm"].iloc[0] == second["shortcut_norm"].iloc[0], "up to the first sum all is the same"
    unscaled = first["residual_norm"].iloc[0] / RELEASED[0]
    assert second["residual_norm"].iloc[0] == pytest.approx(unscaled)
    assert list(second["scale"].unique()) == [1.0]


def test_same_seed_same_run_and_no_one_elses_random_numbers() -> None:
    runs = []
    for elsewhere, seed in enumerate((3, 3, 4)):
        torch.manual_seed(elsewhere)
        before = torch.random.get_rng_state()
        runs.append(curve(list(train(setting(seed=seed), EXAMPLES))))
        assert torch.equal(torch.random.get_rng_state(), before)
    assert runs[0] == runs[1] != runs[2]


def test_stopping_leaves_nothing_behind(models: list[weakref.ref[nn.Module]]) -> None:
    threads = set(threading.enumerate())
    run = train(setting(scales=(RELEASED, UNSCALED), steps=100), EXAMPLES)
    for _ in range(3):
        next(run)
    assert len(models) == 3
    assert any(model() is not None for model in models)
    assert not forward_lock.locked(), "between two steps others have their turn"
    run.close()
    gc.collect()
    assert [model() for model in models] == [None] * 3
    assert set(threading.enumerate()) == threads
    assert list(run) == []


def test_ending_leaves_nothing_behind(models: list[weakref.ref[nn.Module]]) -> None:
    history = History(setting())
    for step in train(history.setting, EXAMPLES):
        history.add(step)
    del step
    gc.collect()
    assert [model() for model in models] == [None] * 2


def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_demo, "_places", threading.BoundedSemaphore(1))
    first = train(setting(), EXAMPLES)
    next(first)
    with pytest.raises(TrainingError, match="try again"):
        next(train(setting(), EXAMPLES))
    first.close()
    with pytest.raises(ResidualError, match="no residual sums"):
        next(train(setting(name="inception_v4", repeats=None), EXAMPLES))
    assert len(list(train(setting(), EXAMPLES))) == 3, "the place is free again, after an error too"


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_demo, "SECONDS", 0)
    assert len(list(train(setting(steps=100), EXAMPLES))) == 1


def test_a_twin_that_overflows_takes_no_more_steps() -> None:
    losses = curve(list(train(setting(steps=20, learning_rate=1e30), EXAMPLES)))
    assert len(losses) < 20
    assert all(math.isfinite(loss) for loss in losses[:-1])
    assert not math.isfinite(losses[-1])


def test_history_keeps_curves_and_both_ends() -> None:
    history = History(setting(scales=(RELEASED, UNSCALED)))
    assert history.curves().empty
    steps = list(train(history.setting, EXAMPLES))
    for step in steps:
        history.add(step)
    curves = history.curves()
    assert curves["twin"].tolist() == [0, 1] * 3
    assert curves["number"].tolist() == [1, 1, 2, 2, 3, 3]
    for column in ("loss", "gradient_norm", "dead_share"):
        assert curves[column].tolist() == [getattr(step, column) for step in steps]
    for twin in (0, 1):
        pd.testing.assert_frame_equal(history.first[twin], steps[twin].profile)
        pd.testing.assert_frame_equal(history.last[twin], steps[4 + twin].profile)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0.3},
        {"width": 0},
        {"steps": 0},
        {"steps": 101},
        {"pictures": 1},
        {"pictures": 33},
        {"learning_rate": 0},
        {"learning_rate": float("nan")},
    ],
)
def test_settings_out_of_bounds_are_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match=r"^[A-Z].*\.$"):
        setting(**wrong)


def test_scales_out_of_range_are_refused() -> None:
    with pytest.raises(ResidualError):
        setting(scales=(RELEASED, (0.1, 0.2, 2.0)))
