"""A training run learns, goes on where it was stopped as if it had not been, and keeps its folder whole."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inception.models.inception_resnet import ResidualBlock
from inception.training import recipe as training
from inception.training.augment import MILD, STRONG, Variation, augmented
from inception.training.cifar10 import Pictures
from inception.training.recipe import (
    LOG_COLUMNS,
    Recipe,
    TrainingError,
    learning_rate,
    read_recipe,
    train,
    trained_model,
)

TINY = Recipe("inception_resnet_v2", width=0.03, repeats=(1, 1, 1), size=75, epochs=2, batch=8, learning_rate=0.05)


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Pictures:
    """Forty flat pictures of which eight are held out; the class is the brightness."""
    monkeypatch.setattr(training, "HELD_OUT", 8)
    # A convolution of one channel in bfloat16 now and then gives NaN on the CPU, and the first takes a minute.
    monkeypatch.setattr(training, "MIXED_ON_CPU", False)
    labels = torch.arange(40) % 10
    return (25 * labels)[:, None, None, None].expand(40, 3, 32, 32).to(torch.uint8).contiguous(), labels


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return trained_model(folder)[1].state_dict()


def test_a_stopped_run_goes_on_as_if_it_had_not_been(pictures: Pictures, tmp_path: Path) -> None:
    whole = list(train(TINY, pictures, tmp_path / "whole"))
    first = train(TINY, pictures, tmp_path / "parts")
    next(first)
    first.close()
    rest = list(train(TINY, pictures, tmp_path / "parts"))
    assert [row.epoch for row in whole] == [1, 2]
    assert [row.epoch for row in rest] == [2]
    assert rest[0].training_loss == whole[1].training_loss
    parts = weights(tmp_path / "parts")
    for key, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, parts[key]), key
    assert list(train(TINY, pictures, tmp_path / "parts")) == [], "nothing is left to do"


def test_the_log_has_a_row_an_epoch(pictures: Pictures, tmp_path: Path) -> None:
    rows = list(train(TINY, pictures, tmp_path))
    with (tmp_path / "log.csv").open(newline="") as file:
        log = list(csv.DictReader(file))
    assert list(log[0]) == LOG_COLUMNS
    assert [int(row["steps"]) for row in log] == [4, 4], "32 pictures in batches of 8"
    assert float(log[1]["held_out_loss"]) == rows[1].held_out_loss
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "recipe.json", "state.pt"]


def test_a_write_that_fails_leaves_the_epoch_before(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(TINY, pictures, tmp_path)
    next(run)
    before = (tmp_path / "state.pt").read_bytes()

    def full(content: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="disk full"):
        next(run)
    assert (tmp_path / "state.pt").read_bytes() == before
    trained_model(tmp_path)


def test_it_learns(pictures: Pictures, tmp_path: Path) -> None:
    rows = list(train(replace(TINY, epochs=8, width=0.06), pictures, tmp_path))
    assert rows[-1].training_loss < rows[0].training_loss - 0.1


def test_another_recipe_does_not_touch_the_folder(pictures: Pictures, tmp_path: Path) -> None:
    next(train(TINY, pictures, tmp_path))
    with pytest.raises(TrainingError, match="another recipe"):
        next(train(replace(TINY, seed=1), pictures, tmp_path))


def test_an_empty_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training"):
        trained_model(tmp_path)


def test_same_seed_same_network() -> None:
    first, second, other = TINY.build(), TINY.build(), replace(TINY, seed=1).build()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_he_start_has_the_variance_of_the_paper() -> None:
    """Two over the inputs of the backward convolution (He et al. 2015, equation 14); the head stays PyTorch's."""
    recipe = Recipe("inception_v4", seed=3, init="he")
    model, again, default = recipe.build(), recipe.build(), replace(recipe, init="default").build()
    for (name, module), same, other in zip(model.named_modules(), again.modules(), default.modules(), strict=True):
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 5000:  # of fewer the spread varies more
            assert torch.equal(module.weight, same.get_parameter("weight"))
            height, width = module.kernel_size
            expected = (2 / (height * width * module.out_channels)) ** 0.5
            assert module.weight.std().item() == pytest.approx(expected, rel=0.05), name
        if isinstance(module, nn.Linear):
            assert torch.equal(module.weight, other.get_parameter("weight"))


def test_learning_rate_rises_and_falls_once() -> None:
    ends = TINY.epochs - 1e-9
    rates = [learning_rate(TINY, ends * i / 100) for i in range(101)]
    peak = rates.index(max(rates))
    assert rates[peak] == pytest.approx(TINY.learning_rate)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[0] == pytest.approx(0.05 * TINY.learning_rate)
    assert rates[-1] == pytest.approx(0.001 * TINY.learning_rate)


def test_learning_rate_of_the_finish_falls_from_three_tenths() -> None:
    recipe = replace(TINY, cycles=2, finish=3)
    rates = [learning_rate(recipe, recipe.cycled + i / 100) for i in range(301)]
    assert rates[0] == pytest.approx(0.3 * TINY.learning_rate)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0.3 * 0.001 * TINY.learning_rate)
    assert learning_rate(recipe, 0.3) == learning_rate(TINY, 0.3)


def test_held_out_pictures_are_the_same_for_every_run_and_never_learnt(pictures: Pictures) -> None:
    numbered = torch.arange(40)
    (kept, _), (held, _) = training.split((numbered, numbered))
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(40))
    assert torch.equal(training.split((numbered, numbered))[1][0], held)


CUT = replace(TINY, repeats=(2, 2, 2), width=0.06, shortcuts=False)


def blocks(model: nn.Module) -> Iterator[ResidualBlock]:
    return (module for module in model.modules() if isinstance(module, ResidualBlock))


def test_a_cut_block_hands_on_its_branches_alone() -> None:
    """Against the branches, the concatenation, the 1x1 and the ReLU, written out, for a block of each kind."""
    for block in blocks(CUT.build().eval()):
        x = torch.randn(2, block.out_channels, 3, 3)
        branches = [getattr(block, name)(x) for name in block.branches]
        weight, bias = block.Conv2d_1x1.parameters()
        residual = nn.functional.conv2d(torch.cat(branches, 1), weight, bias)
        assert torch.equal(block(x), residual if block.relu is None else residual.clamp(min=0))
        assert not torch.allclose(block(x), block(x + 1)), "it depends on its input, through the branches"


def test_cutting_changes_neither_weights_nor_their_number() -> None:
    whole, cut = replace(CUT, shortcuts=True).build().state_dict(), CUT.build().state_dict()
    assert list(whole) == list(cut)
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_without_shortcuts_the_gradient_still_reaches_the_stem() -> None:
    for recipe in (CUT, replace(CUT, shortcuts=True)):
        model = recipe.build().train()
        nn.functional.cross_entropy(model(torch.randn(4, 3, 75, 75)), torch.arange(4)).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.get_submodule("stem").parameters())


def test_without_shortcuts_nothing_goes_round_the_branches() -> None:
    """With all branches silent, only shortcuts let the picture reach the head."""

    def answers(recipe: Recipe) -> Tensor:
        model = recipe.build().eval()
        for block in blocks(model):
            nn.init.zeros_(block.Conv2d_1x1.get_parameter("weight"))
        with torch.no_grad():
            return model(torch.randn(2, 3, 75, 75, generator=torch.Generator().manual_seed(0)))

    cut, whole = answers(CUT), answers(replace(CUT, shortcuts=True))
    assert torch.equal(cut[0], cut[1])
    assert not torch.equal(whole[0], whole[1])


def test_scale_of_the_sums() -> None:
    model = replace(TINY, repeats=(2, 2, 2), scale=0.5).build()
    assert [block.residual_sum.scale for block in blocks(model)] == [0.5] * 5 + [1.0], "the plain last block stays"
    assert [block.residual_sum.scale for block in blocks(TINY.build())] == [0.17, 0.1, 1.0]


@pytest.mark.parametrize("change", [{"scale": 1.0}, {"shortcuts": False}])
def test_a_network_without_sums_has_neither_scale_nor_shortcuts(
    change: dict[str, float], pictures: Pictures, tmp_path: Path
) -> None:
    recipe = Recipe("inception_v4", width=0.03, repeats=(1, 1, 1), **change)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="no residual sums"):
        next(train(recipe, pictures, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_batch_larger_than_all_pictures_is_refused(pictures: Pictures, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="32 pictures to learn from, not 33"):
        next(train(replace(TINY, batch=33), pictures, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_contradictions_are_refused() -> None:
    with pytest.raises(TrainingError, match="no residual to scale"):
        replace(CUT, scale=1.0)
    with pytest.raises(TrainingError, match="do not fill a batch of 8"):
        replace(TINY, pictures=7)
    for count in (-1, 9):
        with pytest.raises(TrainingError, match="as many outliers as pictures"):
            replace(TINY, outliers=count)
    with pytest.raises(TrainingError, match="one of default, he"):
        replace(TINY, init="xavier")


def test_outliers_belong_to_no_class(pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step has them beside its batch, wants the same of every class for them, and does not count them as right."""
    steps: list[tuple[Tensor, Tensor]] = []
    cross_entropy = F.cross_entropy

    def noted(logits: Tensor, wanted: Tensor, **options: Any) -> Tensor:
        steps.append((logits, wanted))
        return cross_entropy(logits, wanted, **options)

    monkeypatch.setattr(F, "cross_entropy", noted)
    [row] = train(replace(TINY, epochs=1, outliers=3), pictures, tmp_path)
    right = 0
    for logits, wanted in steps[: row.steps]:
        assert len(logits) == len(wanted) == TINY.batch + 3
        assert wanted[: TINY.batch].max(dim=1).values.tolist() == [1.0] * TINY.batch
        assert wanted[TINY.batch :].unique().tolist() == [pytest.approx(0.1)]
        right += int((logits.argmax(1) == wanted.argmax(1))[: TINY.batch].sum())
    assert row.training_accuracy == right / (row.steps * TINY.batch)


def test_fewer_pictures(pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of the pictures to learn from, always the same; the held-out ones stay."""
    seen: list[Tensor] = []

    def noted(images: Tensor, size: int, generator: torch.Generator, variation: Variation) -> Tensor:
        seen.append(images)
        return augmented(images, size, generator, variation)

    held: list[int] = []
    logits_of = training.logits_of

    def counted(forward: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        held.append(len(images))
        return logits_of(forward, images)

    monkeypatch.setattr(training, "augmented", noted)
    monkeypatch.setattr(training, "logits_of", counted)
    # Each picture has a brightness of its own.
    numbered = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(40, 3, 32, 32).contiguous(), pictures[1]
    rows = list(train(replace(TINY, pictures=16), numbered, tmp_path))
    assert [row.steps for row in rows] == [2, 2]
    few = training.split(numbered)[0][0][:16, 0, 0, 0]
    for epoch in (seen[:2], seen[2:]):
        assert sorted(torch.cat(epoch)[:, 0, 0, 0].tolist()) == sorted(few.tolist())
    assert held == [8, 8]
    with pytest.raises(TrainingError, match="There are 32 pictures"):
        next(train(replace(TINY, pictures=33), numbered, tmp_path / "more"))


def test_recipes_from_before_there_were_races(tmp_path: Path) -> None:
    content = asdict(TINY)
    for name in ("cycles", "finish", "scale", "shortcuts", "pictures", "cycle_size"):
        del content[name]
    (tmp_path / "recipe.json").write_text(json.dumps(content))
    assert training.read_recipe(tmp_path) == TINY


def test_a_cut_network_is_read_back_cut(pictures: Pictures, tmp_path: Path) -> None:
    run = train(replace(CUT, epochs=1), pictures, tmp_path)
    next(run)
    recipe, model = trained_model(tmp_path)
    assert recipe == replace(CUT, epochs=1)
    block = next(blocks(model))
    x = torch.randn(1, block.out_channels, 3, 3)
    assert not torch.equal(block.residual_sum(x, x + 1), x)
    assert torch.equal(block.residual_sum(x, x + 1), x + 1)


def test_a_finished_run_goes_on_with_another_cycle(pictures: Pictures, tmp_path: Path) -> None:
    """Two cycles in one go and one after the other are the same run, and the learning rate rises a second time."""
    twice = replace(TINY, cycles=2)
    whole = list(train(twice, pictures, tmp_path / "whole"))
    first = list(train(TINY, pictures, tmp_path / "parts"))
    rest = list(train(twice, pictures, tmp_path / "parts"))
    assert [row.epoch for row in first + rest] == [1, 2, 3, 4]
    assert [row.training_loss for row in first + rest] == [row.training_loss for row in whole]
    assert whole[2].learning_rate == whole[0].learning_rate > whole[1].learning_rate
    assert read_recipe(tmp_path / "parts") == twice
    with pytest.raises(TrainingError, match="another recipe"):
        list(train(TINY, pictures, tmp_path / "parts"))


def test_a_finished_run_goes_on_with_a_finish(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one go or afterwards it is the same run; its pictures vary less; nothing can follow it."""
    variations: list[Variation] = []

    def noted(images: Tensor, size: int, generator: torch.Generator, variation: Variation) -> Tensor:
        variations.append(variation)
        return augmented(images, size, generator, variation)

    monkeypatch.setattr(training, "augmented", noted)
    ending = replace(TINY, finish=1)
    whole = list(train(ending, pictures, tmp_path / "whole"))
    steps = whole[0].steps
    assert variations == [STRONG] * steps * TINY.epochs + [MILD] * steps
    first = list(train(TINY, pictures, tmp_path / "parts"))
    rest = list(train(ending, pictures, tmp_path / "parts"))
    assert [row.training_loss for row in first + rest] == [row.training_loss for row in whole]
    for other in (TINY, replace(ending, cycles=2), replace(ending, finish=2)):
        with pytest.raises(TrainingError, match="another recipe"):
            list(train(other, pictures, tmp_path / "parts"))
    assert read_recipe(tmp_path / "parts") == ending


def test_cycles_at_a_size_of_their_own_end_in_a_finish_at_the_final_one(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, bool]] = []

    def noted(model: nn.Module, x: Tensor) -> Tensor:
        seen.append((x.shape[-1], model.training))
        return forward(model, x)

    forward = training._forward
    monkeypatch.setattr(training, "_forward", noted)
    growing = replace(TINY, size=80, cycle_size=75, finish=1)
    whole = list(train(growing, pictures, tmp_path / "whole"))
    epoch = [True] * whole[0].steps + [False]
    assert seen == [(75, mode) for mode in epoch * TINY.epochs] + [(80, mode) for mode in epoch]
    first = train(growing, pictures, tmp_path / "parts")
    next(first)
    first.close()
    rest = list(train(growing, pictures, tmp_path / "parts"))
    assert [row.training_loss for row in rest] == [row.training_loss for row in whole[1:]]
    with pytest.raises(TrainingError, match="need a finish"):
        replace(TINY, cycle_size=75)


def test_cycles_at_a_size_of_their_own_do_not_follow_those_at_another(pictures: Pictures, tmp_path: Path) -> None:
    """The sentence is about the folder: the recipe itself is a good one."""
    list(train(TINY, pictures, tmp_path))
    with pytest.raises(TrainingError, match="another recipe"):
        list(train(replace(TINY, cycle_size=75, finish=1), pictures, tmp_path))


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"cycles": 0}, {"batch": 1}, {"finish": -1}])
def test_recipes_of_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match=r"at least|fewer than none"):
        replace(TINY, **wrong)
