"""The training race: do shortcuts make Inception train faster?

Small versions of the three networks, and of Inception-ResNet-v2 without its shortcuts and with unscaled residuals,
learn CIFAR-10 by the same recipe and at about the same cost a picture, each from several seeds. What came out is one
table with a row for every epoch of every run.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch

from ..graph.layer_graph import LayerGraph
from ..graph.op import Op
from ..graph.trace import trace
from ..words import N_, _
from .cifar10 import training_pictures
from .recipe import Recipe, TrainingError, read_recipe, train

SEEDS = (0, 1, 2)
# The backward pass costs about twice the forward pass: it computes the gradients of the inputs and of the weights.
PASSES = 3

V2 = Recipe(
    "inception_resnet_v2",
    width=0.125,
    repeats=(5, 10, 5),
    epochs=8,
    batch=64,
    learning_rate=0.05,
    pictures=8000,
)
# With these widths a picture costs every network about as many MACs as V2, which has half of its blocks.
COMPETITORS = {
    "v4": replace(V2, model="inception_v4", width=0.104, repeats=(4, 7, 3)),
    "v1": replace(V2, model="inception_resnet_v1", width=0.142, repeats=(5, 10, 6)),
    "v2": V2,
    "v2_cut": replace(V2, shortcuts=False),
    "v2_unscaled": replace(V2, scale=1.0),
}
# Translated where they are shown.
TITLES = {
    "v4": N_("Inception-v4"),
    "v1": N_("Inception-ResNet-v1"),
    "v2": N_("Inception-ResNet-v2"),
    "v2_cut": N_("v2 without shortcuts"),
    "v2_unscaled": N_("v2 with scale 1"),
}


def graph_of(recipe: Recipe) -> LayerGraph:
    """The trace of a recipe's network: what a picture costs it, and its parameters; cut shortcuts change neither."""
    return trace(recipe.model, recipe.size, **recipe.overrides())


def race_runs() -> dict[str, Recipe]:
    """The runs of the race by name. A seed's runs follow each other, so that what slows the machine slows all alike."""
    return {f"{key}-{seed}": replace(recipe, seed=seed) for seed in SEEDS for key, recipe in COMPETITORS.items()}


def run_race(data: Path, runs: Path, report: Callable[[str], None]) -> pd.DataFrame:
    """Trains all runs, one on each core at a time, and returns their `curves`.

    data: folder with CIFAR-10's binary batches. runs: folder in which every run has its own; runs that are done are
    not repeated, and one that was stopped goes on where it was. report: gets a line for every run.
    Raises DataError, and TrainingError when a run's folder belongs to another recipe.
    """
    recipes = race_runs()
    waiting = {
        name: recipe for name, recipe in recipes.items() if _epochs_done(runs / name, recipe) < recipe.all_epochs
    }
    report(_("{done} of {runs} runs are done.").format(done=len(recipes) - len(waiting), runs=len(recipes)))
    if waiting:
        training_pictures(data)  # raises here, and not in every process
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            started = {pool.submit(_run, recipe, data, runs / name): name for name, recipe in waiting.items()}
            try:
                for count, run in enumerate(as_completed(started), len(recipes) - len(waiting) + 1):
                    sentence = _("{run}: {accuracy:.1%} of the held-out pictures ({count} of {runs}).")
                    report(sentence.format(run=started[run], accuracy=run.result(), count=count, runs=len(recipes)))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return curves(runs)


def curves(runs: Path) -> pd.DataFrame:
    """One row for every epoch of the race's runs in a folder.

    run, competitor (key of `COMPETITORS`), epoch; model, width, repeats, size, scale, shortcuts (missing for a network
    that is designed without) and seed as in `Recipe`, which the last column, recipe, has whole, as JSON; parameters of
    the network; since the start of the run: pictures seen, macs spent on them (see `PASSES`) and seconds of one core;
    training_loss and held_out_loss in nats, held_out_accuracy as a share.
    """
    tables = []
    for name, recipe in race_runs().items():
        log = pd.read_csv(runs / name / "log.csv")
        graph = graph_of(recipe)
        pictures = (log["steps"] * recipe.batch).cumsum()
        fields = {
            "run": name,
            "competitor": name.rpartition("-")[0],
            "epoch": log["epoch"],
            "model": recipe.model,
            "width": recipe.width,
            "repeats": " ".join(map(str, recipe.repeats or ())),
            "size": recipe.size,
            "scale": recipe.scale,
            "shortcuts": recipe.shortcuts if any(layer.op == Op.RESIDUAL_SUM for layer in graph.layers) else None,
            "seed": recipe.seed,
            "parameters": graph.params,
            "pictures": pictures,
            "macs": PASSES * graph.macs * pictures,
            "seconds": log["cpu_seconds"].cumsum().round(1),
            "training_loss": log["training_loss"].round(5),
            "held_out_loss": log["held_out_loss"].round(5),
            "held_out_accuracy": log["held_out_accuracy"],
            "recipe": json.dumps(asdict(recipe)),
        }
        tables.append(pd.DataFrame(fields))
    return pd.concat(tables, ignore_index=True)


def _epochs_done(folder: Path, recipe: Recipe) -> int:
    if not (folder / "log.csv").is_file():
        return 0
    if read_recipe(folder) != recipe:
        sentence = _("{folder}: holds a run of another recipe; choose another folder or delete this one.")
        raise TrainingError(sentence.format(folder=folder))
    return len(pd.read_csv(folder / "log.csv"))


def _run(recipe: Recipe, data: Path, folder: Path) -> float:
    """Trains to the end, on one core; the share of held-out pictures that the network has right then."""
    torch.set_num_threads(1)
    for _epoch in train(recipe, training_pictures(data), folder):
        pass
    return float(pd.read_csv(folder / "log.csv")["held_out_accuracy"].iloc[-1])
