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
from ..training.bundle import Scores, write_bundle, write_tables
from ..training.bundle import evaluate as measure
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
from ..weights.known import known_accuracy, known_weights
from ..words import N_, _, ngettext
from .options import WHOLE, AsJson, Device, Model, one_of
from .output import write
from .vision import network_of

RUNS = Path("runs")
CIFAR_10 = Path("data/cifar-10")

Data = Annotated[Path, Parameter(help=N_("Folder of CIFAR-10's binary batches, which are fetched if it has none."))]


def train(  # long: two thirds are its options and their help
    model: Model,
    /,
    *,
    data: Annotated[
        Path,
        Parameter(
            help=N_(
                "Folder with a folder of pictures for each class; or of CIFAR-10's binary batches, which are fetched "
                "if it has none."
            )
        ),
    ] = CIFAR_10,
    device: Device = "cpu",
    weights: Annotated[
        str | None,
        Parameter(
            help=N_(
                "On your own pictures: a tag, a file or 'untrained' to start from. By default the first on this "
                "machine."
            )
        ),
    ] = None,
    train_all: Annotated[
        bool,
        Parameter(
            name="--all",
            help=N_("On your own pictures: train all of the network, not only a new classifier on what it sees."),
        ),
    ] = False,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help=N_("On your own pictures: the file to write. By default runs/MODEL.FOLDER.safetensors."),
        ),
    ] = None,
    folder: Annotated[
        Path | None, Parameter(help=N_("On CIFAR-10: where the run is saved. By default runs/MODEL."))
    ] = None,
    width: Annotated[float, Parameter(help=N_("Channels, as a multiple of the network's own."))] = Recipe.width,
    size: Annotated[
        int, WHOLE, Parameter(help=N_("Pixels of a side to which the 32-pixel pictures are scaled up."))
    ] = Recipe.size,
    cycle_size: Annotated[
        int | None,
        WHOLE,
        Parameter(
            help=N_(
                "Pixels of a side in the cycles, if they are not to have those of --size, which the finish then has."
            )
        ),
    ] = Recipe.cycle_size,
    epochs: Annotated[int, WHOLE, Parameter(help=N_("Times over the training pictures in a cycle."))] = Recipe.epochs,
    cycles: Annotated[
        int,
        WHOLE,
        Parameter(help=N_("How often the learning rate rises and falls; a finished run goes on with more of them.")),
    ] = Recipe.cycles,
    finish: Annotated[
        int,
        WHOLE,
        Parameter(help=N_("Epochs after the cycles in which pictures hardly vary; a finished run goes on with them.")),
    ] = Recipe.finish,
    batch: Annotated[int, WHOLE, Parameter(help=N_("Pictures in a step."))] = Recipe.batch,
    outliers: Annotated[
        int, WHOLE, Parameter(help=N_("Drawn pictures of none of the classes in a step, beside the batch."))
    ] = Recipe.outliers,
    learning_rate: Annotated[
        float | None, Parameter(help=N_("Learning rate at its peak. By default 0.1, and 0.01 for --all."))
    ] = None,
    seed: Annotated[int, WHOLE, Parameter(help=N_("Seed of weights, order and variations."))] = Recipe.seed,
    init: Annotated[str, one_of(INITS, N_("What convolutions start from."))] = Recipe.init,
) -> str:
    """Train a network on CIFAR-10, or on a folder of your own pictures, and measure it."""
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
        sentence = _("--weights, --all and --output are for a folder of class folders, which {folder} is not")
        raise InputError(sentence.format(folder=data))
    return _train_on_cifar10(recipe, data, device, folder or RUNS / model)


def _has_own_pictures(data: Path) -> bool:
    """Whether a folder has class folders; raises InputError for one with files that are none of CIFAR-10's."""
    if not data.is_dir() or any((data / name).is_file() for name in cifar10.TRAINING_FILES | cifar10.TEST_FILES):
        return False
    if folders := class_folders(data):
        return bool(folders)
    if any(data.iterdir()):
        sentence = _("{folder}: has neither folders of pictures, one for each class, nor CIFAR-10's binary batches")
        raise InputError(sentence.format(folder=data))
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
        names = and_list([f"--{name.replace('_', '-')}" for name in unused])
        sentence = ngettext(
            "{options} is not for a classifier alone", "{options} are not for a classifier alone", len(unused)
        )
        if train_all:
            sentence = ngettext(
                "{options} is not for your own pictures", "{options} are not for your own pictures", len(unused)
            )
        raise InputError(sentence.format(options=names))
    rate = LEARNING_RATE if learning_rate is None else learning_rate
    training = OwnTraining(train_all, recipe.epochs, recipe.batch, rate, recipe.seed)
    path = output or RUNS / f"{recipe.model}.{data.resolve().name}.safetensors"
    network = network_of(recipe.model, weights, device)
    sentence = _("from {weights}; if it is interrupted, nothing is written, and it starts again")
    _tell(sentence.format(weights=_(network.weights.label)))
    pictures = find_pictures(data, recipe.seed, _tell)
    model, share = train_on(network, pictures, training, _tell)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(file_of(model, network, data, pictures, training, share), path)
    found = _("{file}: {measured}; {classes}")
    return found.format(file=path, measured=measured(share), classes=and_list(list(pictures.names))) + "\n"


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
        sentence = _(
            "epoch {epoch} of {epochs}: training loss {loss:.3f}, held-out accuracy {accuracy:.2%}, {seconds:.0f} s"
        ).format(
            epoch=row.epoch,
            epochs=recipe.all_epochs,
            loss=row.training_loss,
            accuracy=row.held_out_accuracy,
            seconds=row.seconds,
        )
        print(f"\r{sentence}", file=sys.stderr)
    print(_("measuring it on the test pictures…"), file=sys.stderr)
    weights = write_bundle(folder, pictures, cifar10.test_pictures(data), folder)
    accuracy = _(known_accuracy(weights.accuracy))
    return _("{file}: {measured}").format(file=f"{folder / weights.tag}.safetensors", measured=accuracy) + "\n"


def evaluate(
    model: Annotated[
        str | None,
        Parameter(
            help=N_("A name that the command models lists. By default every network that comes with this project.")
        ),
    ] = None,
    /,
    *,
    weights: Annotated[
        str | None, Parameter(help=N_("A tag or a file. By default those that come with this project."))
    ] = None,
    data: Data = CIFAR_10,
    device: Device = "cpu",
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help=N_(
                "Folder into which to write the confusion matrix and the answers for the project's photographs, as CSV."
            ),
        ),
    ] = None,
) -> str:
    """Measure networks on CIFAR-10's 10,000 test pictures."""
    if weights and not model:
        raise InputError(_("--weights needs a MODEL"))
    own = {tag: known.variant for tag, known in known_weights().items() if not known.published}
    chosen = own
    if model and weights:
        chosen = {weights: model}
    elif model:
        chosen = {tag: variant for tag, variant in own.items() if variant == model}
        if not chosen:
            sentence = _("no weights of {network} come with this project; name some with --weights")
            raise CheckpointError(sentence.format(network=model))
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
        lines.append(_in_words(tag, found))
    return json.dumps(entries, indent=1) + "\n" if as_json else "\n".join(lines) + "\n"


def _in_words(tag: str, found: Scores) -> str:
    """What was measured, in a line."""
    return _(
        "{tag}: {top_1:.2%} top-1, {top_3:.2%} top-3, expected calibration error {error:.4f}, on {count:,} pictures"
    ).format(tag=tag, top_1=found.accuracy, top_3=found.top_3, error=found.calibration_error, count=found.pictures)


def race(
    *,
    data: Data = CIFAR_10,
    folder: Annotated[Path, Parameter(help=N_("Folder of its runs."))] = RUNS / "race",
    output: Annotated[
        Path,
        Parameter(
            name=["--output", "-o"],
            show_default=False,
            help=N_("CSV file of the curves. By default the one that the page shows."),
        ),
    ] = RACE_CURVES,
) -> str:
    """Train the small networks that the page Training race compares."""
    cifar10.fetch(data)
    table = run_race(data, folder, lambda line: print(line, file=sys.stderr))
    output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(output, table.to_csv(index=False, lineterminator="\n").encode())
    written = ngettext("{file}: {count} row", "{file}: {count} rows", len(table))
    return written.format(file=output, count=len(table)) + "\n"


def _progress(epoch: int, step: int, steps: int, loss: float) -> None:
    sentence = _("epoch {epoch}: step {step} of {steps}, loss {loss:.3f}")
    print("\r" + sentence.format(epoch=epoch, step=step, steps=steps, loss=loss), end=" ", file=sys.stderr, flush=True)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
