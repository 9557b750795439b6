"""A training run learns, goes on where it was stopped as if it had not been, and keeps its folder whole."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inception.training import recipe as training
from inception.training.cifar10 import Pictures
from inception.training.recipe import LOG_COLUMNS, Recipe, TrainingError, learning_rate, train, trained_model

TINY = Recipe("inception_resnet_v2", width=0.03, repeats=(1, 1, 1), size=75, epochs=2, batch=8, learning_rate=0.05)


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Pictures:
    """Forty flat pictures of which eight are held out; the class is the brightness."""
    monkeypatch.setattr(training, "HELD_OUT", 8)
    # A convolution of one channel in bfloat16 now and then gives NaN on the CPU, and the first takes a minute.
    monkeypatch.setattr(training, "MIXED", False)
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
    for key, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "parts")[key]), key
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


def test_learning_rate_rises_and_falls_once() -> None:
    rates = [learning_rate(TINY, i / 100) for i in range(101)]
    peak = rates.index(max(rates))
    assert rates[peak] == pytest.approx(TINY.learning_rate)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[0] == pytest.approx(0.05 * TINY.learning_rate)
    assert rates[-1] == pytest.approx(0.001 * TINY.learning_rate)


def test_held_out_pictures_are_the_same_for_every_run_and_never_learnt(pictures: Pictures) -> None:
    numbered = torch.arange(40)
    (kept, _), (held, _) = training.split((numbered, numbered))
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(40))
    assert torch.equal(training.split((numbered, numbered))[1][0], held)
