"""The commands that train networks and measure them: `train`, `evaluate` and `race`."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
from cyclopts import Parameter

from ..errors import InputError
from ..files import replace_file
from ..graph.trace import trace
from ..paths import RACE_CURVES
from ..runtime.devices import check_device, use_threads
from ..runtime.predictor import Predictor
from ..text import and_list
from ..training import cifar10
from ..training.bundle import evaluate as measure
from ..training.bundle import write_bundle, write_tables
from ..training.own_pictures import (
    LEARNING_RATE,
    OwnTraining,
    class_folders,
    file_of,
    find_pictures,
    measured,
    train_on,
)
from ..training.race import run_race
from ..training.recipe import INITS, Recipe
from ..training.recipe import train as epochs_of
from ..vision.photographs import answers
from ..weights.checkpoint import CheckpointError
from ..weights.known import known_weights
from .options import WHOLE, AsJson, Device, File, Model, Whole
from .output import write
from .vision import network_of

RUNS = Path("runs")
CIFAR_10 = Path("data/cifar-10")

Data = Annotated[Path, Parameter(help="Folder of CIFAR-10's binary batches, which are fetched if it has none.")]


def train(  # long: two thirds are its options and their help
    model: Model,
    /,
    *,
    data: Annotated[
        Path,
        Parameter(
            help="Folder with a folder of pictures for each class; or of CIFAR-10's binary batches, which are fetched "
            "if it has none."
        ),
    ] = CIFAR_10,
    device: Device = "cpu",
    weights: str | None = None,
    train_all: Annotated[bool, Parameter(name="--all")] = False,
    output: File = None,
    folder: Path | None = None,
    width: float = Recipe.width,
    size: Whole = Recipe.size,
    cycle_size: Annotated[int | None, WHOLE] = Recipe.cycle_size,
    epochs: Whole = Recipe.epochs,
    cycles: Whole = Recipe.cycles,
    finish: Whole = Recipe.finish,
    batch: Whole = Recipe.batch,
    outliers: Whole = Recipe.outliers,
    learning_rate: float | None = None,
    seed: Whole = Recipe.seed,
    init: Annotated[str, Parameter(help=f"What convolutions start from: {' or '.join(INITS)}.")] = Recipe.init,
) -> str:
    """Train a network on CIFAR-10, or on a folder of your own pictures, and measure it.

    On CIFAR-10 a run that was stopped goes on where its last epoch ended; on your own pictures it writes nothing before
    its end, and starts again. Standard error says how far it is.

    Args:
        weights: On your own pictures: a tag, a file or 'untrained' to start from. By default the first on this machine.
        train_all: On your own pictures: train all of the network, not only a new classifier on what it sees.
        output: On your own pictures: the file to write. By default runs/MODEL.FOLDER.safetensors.
        folder: On CIFAR-10: where the run is saved. By default runs/MODEL.
        width: Channels, as a multiple of the network's own.
        size: Pixels of a side to which the 32-pixel pictures are scaled up.
        cycle_size: Pixels of a side in the cycles, if they are not to have those of --size, which the finish then has.
        epochs: Times over the training pictures in a cycle.
        cycles: How often the learning rate rises and falls; a finished run goes on with more of them.
        finish: Epochs after the cycles in which pictures hardly vary; a finished run goes on with them.
        batch: Pictures in a step.
        outliers: Drawn pictures of none of the classes in a step, beside the batch.
        learning_rate: Learning rate at its peak. By default 0.1, and 0.01 for --all.
        seed: Seed of weights, order and variations.
    """
    recipe = Recipe(
        model,
        width=width,
        size=size,
        epochs=epochs,
        batch=batch,
        learning_rate=Recipe.learning_rate if learning_rate is None else learning_rate,
        seed=seed,
        cycles=cycles,
        finish=finish,
        outliers=outliers,
        cycle_size=cycle_size,
        init=init,
    )
    if _has_own_pictures(data):
        return _train_on_own(recipe, learning_rate, data, device, weights, train_all, output)
    if weights or train_all or output:
        raise InputError(f"--weights, --all and --output are for a folder of class folders, which {data} is not")
    return _train_on_cifar10(recipe, data, device, folder or RUNS / model)


def _has_own_pictures(data: Path) -> bool:
    """Whether a folder has class folders; raises InputError for one with files that are none of CIFAR-10's."""
    if not data.is_dir() or any((data / name).is_file() for name in cifar10.TRAINING_FILES | cifar10.TEST_FILES):
        return False
    if folders := class_folders(data):
        return bool(folders)
    if any(data.iterdir()):
        raise InputError(f"{data}: has neither folders of pictures, one for each class, nor CIFAR-10's binary batches")
    return False


def _train_on_own(
    recipe: Recipe,
    learning_rate: float | None,
    data: Path,
    device: str,
    weights: str | None,
    train_all: bool,
    output: Path | None,
) -> str:
    """Trains on class folders and writes the network as one file."""
    used = ("seed", "epochs", "batch", "learning_rate") if train_all else ("seed",)
    default = Recipe(recipe.model)
    plain = replace(default, **{name: getattr(recipe, name) for name in used})
    if unused := [name for name in asdict(recipe) if getattr(recipe, name) != getattr(plain, name)]:
        where = "are" if len(unused) > 1 else "is"
        names = and_list([f"--{name.replace('_', '-')}" for name in unused])
        raise InputError(f"{names} {where} not for {'your own pictures' if train_all else 'a classifier alone'}")
    rate = LEARNING_RATE if learning_rate is None else learning_rate
    training = OwnTraining(train_all, recipe.epochs, recipe.batch, rate, recipe.seed)
    path = output or RUNS / f"{recipe.model}.{data.resolve().name}.safetensors"
    network = network_of(recipe.model, weights, device)
    _tell(f"from {network.weights.label}; if it is interrupted, nothing is written, and it starts again")
    pictures = find_pictures(data, recipe.seed, _tell)
    model, share = train_on(network, pictures, training, _tell)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(file_of(model, network, data, pictures, training, share), path)
    return f"{path}: {measured(share)}; {and_list(list(pictures.names))}\n"


def _train_on_cifar10(recipe: Recipe, data: Path, device: str, folder: Path) -> str:
    """Trains by the recipe, goes on where there is a run, and writes the bundle."""
    network = recipe.build()
    for side in {recipe.size_in(1), recipe.size}:
        trace(network, side)  # whatever cannot run is said before 169 MB are fetched
    check_device(device, torch.bfloat16)
    use_threads()
    cifar10.fetch(data)
    pictures = cifar10.training_pictures(data)
    for row in epochs_of(recipe, pictures, folder, device, _progress):
        print(
            f"\repoch {row.epoch} of {recipe.all_epochs}: training loss {row.training_loss:.3f}, held-out accuracy "
            f"{row.held_out_accuracy:.2%}, {row.seconds:.0f} s",
            file=sys.stderr,
        )
    print("measuring it on the test pictures…", file=sys.stderr)
    weights = write_bundle(folder, pictures, cifar10.test_pictures(data), folder)
    return f"{folder / weights.tag}.safetensors: {weights.accuracy}\n"


def evaluate(
    model: str | None = None,
    /,
    *,
    weights: str | None = None,
    data: Data = CIFAR_10,
    device: Device = "cpu",
    as_json: AsJson = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> str:
    """Measure networks on CIFAR-10's 10,000 test pictures.

    One entry a checkpoint: model, weights, pictures, accuracy, top-3 accuracy and expected calibration error.

    Args:
        model: A name that the command models lists. By default every network that comes with this project.
        weights: A tag or a file. By default those that come with this project.
        output: Folder into which to write the confusion matrix and the answers for the project's photographs, as CSV.
    """
    if weights and not model:
        raise InputError("--weights needs a MODEL")
    own = {tag: known.variant for tag, known in known_weights().items() if not known.published}
    chosen = own
    if model and weights:
        chosen = {weights: model}
    elif model:
        chosen = {tag: variant for tag, variant in own.items() if variant == model}
        if not chosen:
            raise CheckpointError(f"no weights of {model} come with this project; name some with --weights")
    use_threads()
    cifar10.fetch(data)
    test = cifar10.test_pictures(data)
    entries, lines = [], []
    for tag, variant in chosen.items():
        network = Predictor(variant, tag, device)
        found = measure(network, test)
        if output:
            write_tables(output, tag if tag in known_weights() else Path(tag).stem, found, answers(network))
        entries.append(
            {
                "model": variant,
                "weights": tag,
                "pictures": found.pictures,
                "accuracy": found.accuracy,
                "top_3_accuracy": found.top_3,
                "expected_calibration_error": found.calibration_error,
            }
        )
        lines.append(
            f"{tag}: {found.accuracy:.2%} top-1, {found.top_3:.2%} top-3, expected calibration error "
            f"{found.calibration_error:.4f}, on {found.pictures:,} pictures"
        )
    return json.dumps(entries, indent=1) + "\n" if as_json else "\n".join(lines) + "\n"


def race(
    *,
    data: Data = CIFAR_10,
    folder: Path = RUNS / "race",
    output: Annotated[Path, Parameter(name=["--output", "-o"], show_default=False)] = RACE_CURVES,
) -> str:
    """Train the small networks that the page Training race compares.

    What an earlier run has trained is not trained again. Standard error says how far it is.

    Args:
        folder: Folder of its runs.
        output: CSV file of the curves. By default the one that the page shows.
    """
    cifar10.fetch(data)
    table = run_race(data, folder, lambda line: print(line, file=sys.stderr))
    output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(output, table.to_csv(index=False, lineterminator="\n").encode())
    return f"{output}: {len(table)} rows\n"


def _progress(epoch: int, step: int, steps: int, loss: float) -> None:
    print(f"\repoch {epoch}: step {step} of {steps}, loss {loss:.3f} ", end="", file=sys.stderr, flush=True)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
