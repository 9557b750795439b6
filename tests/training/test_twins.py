"""The training demonstration: it learns, pauses, its twins differ in what they should, and it leaves nothing behind."""

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

from inception.models.surgery import ResidualError
from inception.runtime.preprocess import to_input
from inception.runtime.turns import Places, forward_lock
from inception.studies.residual import RELEASED, UNSCALED, random_crop
from inception.training import twins
from inception.training.race import COMPETITORS
from inception.training.recipe import TrainingError
from inception.training.twins import (
    SIZE,
    FixedCrops,
    History,
    RandomCrops,
    Setting,
    Step,
    Training,
    Twin,
    train,
    twin_of,
)
from inception.weights.preprocessing import TIMM_V4
from inception.zoo import create_model

PICTURES = [Image.linear_gradient("L").convert("RGB"), Image.new("RGB", (100, 90), (200, 40, 10))]
EXAMPLES = RandomCrops(PICTURES)
V1 = "inception_resnet_v1"


def twin(name: str = V1, **changes: Any) -> Twin:
    """A network that takes a step in some hundredths of a second."""
    return Twin(name, **{"width": 0.06, "repeats": (1, 2, 2), "scales": RELEASED, **changes})


def setting(*twins: Twin, **changes: Any) -> Setting:
    """A run of a fraction of a second."""
    return Setting(twins or (twin(),), **{"pictures": 6, "steps": 3, "profiled": True, **changes})


def curve(steps: list[Step], number: int = 0) -> list[float]:
    return [step.loss for step in steps if step.twin == number]


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

    monkeypatch.setattr(twins, "create_model", noted(create_model))
    return references


@pytest.mark.parametrize("name", ["inception_resnet_v1", "inception_resnet_v2"])
def test_training_lowers_the_loss(name: str) -> None:
    losses = curve(list(train(setting(twin(name), steps=15), EXAMPLES)))
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

    monkeypatch.setattr(twins, "create_model", create)
    steps = list(train(setting(steps=2, learning_rate=0.2), EXAMPLES))

    generator = random.Random(0)
    model = kept[0].train()
    next(module for module in model.modules() if isinstance(module, nn.Dropout)).eval()
    for step in steps:
        batch = torch.cat([to_input(random_crop(PICTURES[i % 2], SIZE, generator), TIMM_V4) for i in range(6)])
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
    steps = list(train(setting(twin(), twin()), EXAMPLES))
    assert [(step.number, step.twin) for step in steps] == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]
    assert curve(steps, 0) == curve(steps, 1)


def test_twins_differ_in_nothing_but_the_scale() -> None:
    first, second = (step.profile for step in train(setting(twin(), twin(scales=UNSCALED), steps=1), EXAMPLES))
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
    run = train(setting(twin(), twin(scales=UNSCALED), steps=100), EXAMPLES)
    for _ in range(3):
        next(run)
    assert len(models) == 2
    assert any(model() is not None for model in models)
    assert not forward_lock.locked(), "between two steps others have their turn"
    run.close()
    gc.collect()
    assert [model() for model in models] == [None] * 2
    assert set(threading.enumerate()) == threads
    assert list(run) == []


def test_ending_leaves_nothing_behind(models: list[weakref.ref[nn.Module]]) -> None:
    history = History(setting())
    for step in train(history.setting, EXAMPLES):
        history.add(step)
    del step
    gc.collect()
    assert [model() for model in models] == [None]


def test_so_many_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "long_work", Places(most=1))
    first = train(setting(), EXAMPLES)
    next(first)

    def stop(before: int) -> None:
        raise InterruptedError(before)

    with pytest.raises(InterruptedError, match="0"):
        next(train(setting(), EXAMPLES, stop))
    first.close()
    with pytest.raises(ResidualError, match="no residual sums"):
        next(train(setting(twin("inception_v4")), EXAMPLES))
    assert len(list(train(setting(), EXAMPLES))) == 3, "the place is free again, after an error too"


def test_a_run_has_a_bound_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "SECONDS", 0)
    assert len(list(train(setting(steps=100), EXAMPLES))) == 1


def test_a_twin_that_overflows_takes_no_more_steps() -> None:
    losses = curve(list(train(setting(steps=20, learning_rate=1e30), EXAMPLES)))
    assert len(losses) < 20
    assert all(math.isfinite(loss) for loss in losses[:-1])
    assert not math.isfinite(losses[-1])


def test_history_keeps_curves_and_both_ends() -> None:
    history = History(setting(twin(), twin(scales=UNSCALED)))
    assert history.curves().empty
    steps = list(train(history.setting, EXAMPLES))
    for step in steps:
        history.add(step)
    curves = history.curves()
    assert curves["twin"].tolist() == [0, 1] * 3
    assert curves["number"].tolist() == [1, 1, 2, 2, 3, 3]
    for column in ("loss", "accuracy", "gradient_norm", "dead_share"):
        assert curves[column].tolist() == [getattr(step, column) for step in steps]
    for number in (0, 1):
        pd.testing.assert_frame_equal(history.first[number], steps[number].profile)
        pd.testing.assert_frame_equal(history.last[number], steps[4 + number].profile)


def test_twins_are_compared_at_the_last_step_that_both_took() -> None:
    """A run stopped between its twins, and one of which a twin overflowed in its second step."""

    def kept(*taken: tuple[int, int]) -> History:
        history = History(setting(twin(), twin(scales=UNSCALED), steps=9))
        for index, number in taken:
            history.add(Step(index, number, 1.0, 1.0, 0.0, 0.0, pd.DataFrame({"at": [(index, number)]})))
        return history

    assert kept((0, 1)).last == {}
    assert kept((0, 1)).shared_curves().empty
    for history in (kept((0, 1), (1, 1), (0, 2), (1, 2), (0, 3)), kept((0, 1), (1, 1), (0, 2), (1, 2), (1, 3), (1, 4))):
        assert [history.last[index]["at"].tolist() for index in (0, 1)] == [[(0, 2)], [(1, 2)]]
        assert history.shared_curves()["number"].tolist() == [1, 1, 2, 2]
        assert history.curves()["number"].max() > 2, "the curves are drawn whole"


def test_results_are_of_the_steps_that_all_twins_took() -> None:
    history = History(setting(twin(), twin(scales=UNSCALED), steps=9))
    # Losses, norms of the gradient and dead shares of both twins; only the first one took the third step.
    taken = [(0, 1, 4.0, 8.0, 0.1), (1, 1, 6.0, 9.0, 0.2), (0, 2, 2.0, 7.0, 0.3), (1, 2, 3.0, 6.0, 0.4)]
    for index, number, loss, norm, dead in [*taken, (0, 3, 99.0, 99.0, 0.9)]:
        step = Step(index, number, loss, accuracy=0.0, gradient_norm=norm, dead_share=dead, profile=pd.DataFrame())
        history.add(step)
    assert history.results() == [(2, 8.0, 3.0, 0.3), (2, 9.0, 4.5, 0.4)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 401},
        {"pictures": 1},
        {"pictures": 33},
        {"learning_rate": 0},
        {"learning_rate": float("nan")},
    ],
)
def test_settings_out_of_bounds_are_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match=r"^[A-Z].*\.$"):
        setting(**wrong)


@pytest.mark.parametrize("width", [0.3, 0, -1.0, float("nan")])
def test_widths_out_of_bounds_are_one_sentence(width: float) -> None:
    with pytest.raises(TrainingError, match=r"^The width .*\.$"):
        twin(width=width)


def test_scales_out_of_range_are_refused() -> None:
    with pytest.raises(ResidualError):
        twin(scales=(0.1, 0.2, 2.0))


def test_accuracy_is_of_the_batch_before_the_step() -> None:
    """A network that has learnt two flat colours apart is right about all of a batch; at first it cannot be."""
    steps = list(train(setting(twin(scales=None), steps=20, profiled=False), EXAMPLES))
    assert steps[-1].accuracy == 1
    assert {round(6 * step.accuracy, 9) for step in steps} <= set(range(7)), "of six pictures"
    assert steps[0].profile.empty
    assert math.isnan(steps[0].dead_share)


def test_other_networks_see_the_same_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """v4, v1 and v2 without shortcuts, side by side."""
    seen: list[torch.Tensor] = []
    take_step = twins._step

    def noted(*args: Any) -> Step:
        seen.append(args[4])
        return take_step(*args)

    monkeypatch.setattr(twins, "_step", noted)
    three = (twin("inception_v4", scales=None), twin(), twin("inception_resnet_v2", scales=None, shortcuts=False))
    steps = list(train(setting(*three, profiled=False, steps=2), EXAMPLES))
    assert [step.twin for step in steps] == [0, 1, 2] * 2
    assert all(torch.equal(seen[0], other) for other in seen[1:3])
    assert not torch.equal(seen[0], seen[3])
    assert len({step.loss for step in steps}) == 6


def test_cut_twin_starts_from_the_same_weights_without_the_sums() -> None:
    run = Training(setting(twin(scales=None), twin(scales=None, shortcuts=False), profiled=False), EXAMPLES)
    (whole, _), (cut, _) = run._twins.values()
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), cut.parameters(), strict=True))
    x = torch.randn(4, 3, *SIZE)
    assert not torch.allclose(whole(x), cut(x))


def test_a_pause_changes_nothing(models: list[weakref.ref[nn.Module]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Paused after two of five steps, the run goes on as if it had not been; meanwhile its place is another's."""
    monkeypatch.setattr(twins, "long_work", Places(most=1))
    what = setting(twin(), twin(scales=UNSCALED), steps=5)
    whole = list(train(what, EXAMPLES))
    run = Training(what, EXAMPLES)
    parts: list[Step] = []
    steps = run.steps()
    for _ in range(2):
        parts += next(steps)
    steps.close()
    assert not run.done
    kept = [parameter for model, _ in run._twins.values() for parameter in model.parameters()]
    assert all(parameter.grad is None for parameter in kept), "gradients do not wait in memory"
    torch.manual_seed(7)
    assert len(list(train(setting(), EXAMPLES))) == 3
    for more in run.steps():
        parts += more
    assert run.done
    assert list(run.steps()) == []
    assert [(s.twin, s.number, s.loss) for s in parts] == [(s.twin, s.number, s.loss) for s in whole]
    del run, steps, kept
    gc.collect()
    assert not any(model() for model in models)


def test_smooth_curves_are_means_of_the_last_steps() -> None:
    history = History(setting(twin(), twin(scales=UNSCALED)))
    for number, losses in enumerate([(4.0, 1.0), (2.0, 1.0), (6.0, 4.0)], 1):
        for index, loss in enumerate(losses):
            history.add(Step(index, number, loss, loss / 10, 0.0, 0.0, pd.DataFrame()))
    smooth = history.smooth(2)
    assert smooth["loss"].tolist() == [4.0, 1.0, 3.0, 1.0, 4.0, 2.5]
    assert smooth["accuracy"].tolist() == pytest.approx([0.4, 0.1, 0.3, 0.1, 0.4, 0.25])
    assert history.steps == 3
    assert history.curves()["loss"].tolist() == [4.0, 1.0, 2.0, 1.0, 6.0, 4.0]


def test_fixed_crops_are_equally_many_of_each_class() -> None:
    red, blue = (Image.new("RGB", (90, 80), color) for color in ("red", "blue"))
    crops = FixedCrops([(red, "b"), (blue, "a"), (PICTURES[0], "b")], 12)
    assert crops.labels == ["a", "b"]
    assert crops.classes == 2
    assert all(crop.size == SIZE[::-1] for crop in crops.crops)
    generator = crops.batches(4, 0)
    batches = [next(generator) for _ in range(6)]
    for first in (0, 3):  # a pass over twelve is three batches
        labels = torch.cat([labels for _, labels in batches[first : first + 3]])
        assert labels.bincount().tolist() == [6, 6]
    for pictures, labels in batches:
        assert pictures.shape == (4, 3, *SIZE)
        is_blue = (pictures[:, 2] > 0.9).all(dim=(1, 2)) & (pictures[:, 0] < -0.9).all(dim=(1, 2))
        assert is_blue.tolist() == (labels == 0).tolist(), "the label is that of the picture"
    assert torch.equal(next(crops.batches(12, 0))[0], next(crops.batches(12, 0))[0])
    assert not torch.equal(next(crops.batches(12, 0))[0], next(crops.batches(12, 1))[0])


def test_the_competitors_of_the_race_are_the_same_networks_here() -> None:
    """Same numbers out of a recipe's own network and of its twin, from the same seed."""
    for recipe in COMPETITORS.values():
        twins = (twin_of(recipe),)
        run = Training(Setting(twins, seed=recipe.seed), RandomCrops(PICTURES * 5))
        ((model, _),) = run._twins.values()
        x = torch.randn(2, 3, *SIZE)
        with torch.no_grad():
            assert torch.equal(model(x), recipe.build().train()(x))
