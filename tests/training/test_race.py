"""The race is fair by the trace's count, runs whole, goes on where it stopped, and its table says what was measured."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import torchinfo

from inception.graph.trace import trace
from inception.models.inception_resnet import INCEPTION_RESNET_V1, INCEPTION_RESNET_V2
from inception.training import race
from inception.training import recipe as training
from inception.training.cifar10 import DataError, Pictures
from inception.training.race import COMPETITORS, SEEDS, V2, graph_of, race_runs, run_race
from inception.training.recipe import Recipe, TrainingError, read_recipe


class InTurn(Executor):
    """In place of a pool of processes: runs everything here, at once."""

    def __init__(self, *_: object):
        pass

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def small_race() -> Iterator[None]:
    """A race of two competitors and two seeds over forty flat pictures, in this process."""
    tiny = replace(V2, width=0.03, repeats=(1, 1, 1), size=75, epochs=2, batch=8, pictures=16)
    labels = torch.arange(40) % 10
    pictures: Pictures = (25 * labels)[:, None, None, None].expand(40, 3, 32, 32).to(torch.uint8), labels
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "HELD_OUT", 8)
        patched.setattr(training, "MIXED_ON_CPU", False)
        patched.setattr(race, "COMPETITORS", {"v2": tiny, "v2_cut": replace(tiny, shortcuts=False)})
        patched.setattr(race, "SEEDS", (0, 1))
        patched.setattr(race, "ProcessPoolExecutor", InTurn)
        patched.setattr(race, "training_pictures", lambda _: pictures)
        patched.setattr(torch, "set_num_threads", lambda _: None)
        yield


@pytest.fixture
def small() -> Iterator[None]:
    """For one test, the small race in the place of the real one."""
    with small_race():
        yield


@dataclass(frozen=True)
class Raced:
    """A small race that was run whole."""

    runs: Path
    table: pd.DataFrame
    said: list[str]


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> Raced:
    """The same one for all tests, which leave its folder as it is."""
    folder, said = tmp_path_factory.mktemp("race"), list[str]()
    with small_race():
        table = run_race(folder, folder / "runs", said.append)
    return Raced(folder / "runs", table, said)


def test_competitors_cost_the_same_a_picture() -> None:
    costs = {key: graph_of(recipe).macs for key, recipe in COMPETITORS.items()}
    for key, macs in costs.items():
        assert macs == pytest.approx(costs["v2"], rel=0.02), key


def test_the_cost_is_torchinfos_too() -> None:
    for key in ("v4", "v1", "v2_cut"):
        recipe = COMPETITORS[key]
        summary = torchinfo.summary(recipe.build(), (1, 3, recipe.size, recipe.size), verbose=0)
        assert graph_of(recipe).params == summary.total_params
        # torchinfo counts the parameters of batch norms and biases as operations, too: less than a percent.
        assert graph_of(recipe).macs == pytest.approx(summary.total_mult_adds, rel=0.01)


def test_blocks_are_as_the_page_says() -> None:
    """Its limits: Inception-ResNet-v2 has half of its blocks, the others have all."""
    assert V2.repeats == tuple(count // 2 for count in INCEPTION_RESNET_V2.repeats)
    assert COMPETITORS["v1"].repeats == INCEPTION_RESNET_V1.repeats
    full, ours = (
        {layer.block for layer in graph.layers} for graph in (trace("inception_v4"), graph_of(COMPETITORS["v4"]))
    )
    assert ours == full


def test_competitors_differ_in_nothing_else() -> None:
    for key, recipe in COMPETITORS.items():
        same = replace(recipe, model=V2.model, width=V2.width, repeats=V2.repeats, scale=None, shortcuts=True)
        assert same == V2, key
    assert replace(COMPETITORS["v2_cut"], shortcuts=True) == replace(COMPETITORS["v2_unscaled"], scale=None) == V2


def test_every_competitor_runs_from_three_seeds_at_least() -> None:
    runs = race_runs()
    assert len(SEEDS) >= 3
    assert len(runs) == len(set(runs.values())) == len(COMPETITORS) * len(SEEDS)


@pytest.mark.usefixtures("small")
def test_the_table_says_what_was_run(raced: Raced) -> None:
    said, table = raced.said, raced.table
    assert said[0] == "0 of 4 runs are done."
    assert sorted(text.split(":")[0] for text in said[1:]) == ["v2-0", "v2-1", "v2_cut-0", "v2_cut-1"]
    assert table["run"].tolist() == [run for run in ("v2-0", "v2_cut-0", "v2-1", "v2_cut-1") for _ in (1, 2)]
    for run, rows in table.groupby("run"):
        log = pd.read_csv(raced.runs / str(run) / "log.csv")
        recipe = read_recipe(raced.runs / str(run))
        assert rows["held_out_accuracy"].tolist() == log["held_out_accuracy"].tolist()
        assert rows["seconds"].tolist() == pytest.approx(log["cpu_seconds"].cumsum().tolist(), abs=0.06)
        assert rows["pictures"].tolist() == [16, 32]
        assert rows["macs"].tolist() == [3 * 16 * graph_of(recipe).macs, 3 * 32 * graph_of(recipe).macs]
        stored = json.loads(rows["recipe"].iloc[0])
        assert Recipe(**stored | {"repeats": tuple(stored["repeats"])}) == recipe
        assert rows["shortcuts"].eq(recipe.shortcuts).all()
    assert table["competitor"].tolist() == ["v2", "v2", "v2_cut", "v2_cut"] * 2


@pytest.mark.usefixtures("small")
def test_a_race_goes_on_where_it_stopped(raced: Raced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = training.train
    epochs: list[tuple[int, int]] = []

    def stopping(recipe: Recipe, *args: Any) -> Any:
        for row in trained(recipe, *args):
            epochs.append((recipe.seed, row.epoch))
            yield row
            if len(epochs) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(race, "train", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_race(tmp_path, tmp_path / "parts", lambda _: None)
    said: list[str] = []
    parts = run_race(tmp_path, tmp_path / "parts", said.append)
    assert said[0] == "1 of 4 runs are done."
    assert len(epochs) == 8, "no epoch twice"
    pd.testing.assert_frame_equal(parts.drop(columns="seconds"), raced.table.drop(columns="seconds"))

    said.clear()
    run_race(tmp_path, tmp_path / "parts", said.append)
    assert said == ["4 of 4 runs are done."]


@pytest.mark.usefixtures("small")
def test_a_folder_of_another_race_is_refused(raced: Raced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {key: replace(recipe, learning_rate=0.01) for key, recipe in race.COMPETITORS.items()}
    monkeypatch.setattr(race, "COMPETITORS", changed)
    with pytest.raises(TrainingError, match=r"v2-0: holds a run of another recipe"):
        run_race(tmp_path, raced.runs, lambda _: None)


def test_absent_data_is_one_sentence_and_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        run_race(tmp_path, tmp_path / "runs", lambda _: None)
    assert not (tmp_path / "runs").exists()
