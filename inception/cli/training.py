"""The commands that train networks and measure them: `train`, `evaluate` and `race`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError
from ..graph.trace import trace
from ..paths import RACE_CURVES
from ..runtime.devices import check_device
from ..runtime.predictor import Predictor
from ..training import cifar10
from ..training.bundle import evaluate as measure
from ..training.bundle import write_bundle, write_tables
from ..training.race import run_race
from ..training.recipe import INITS, Recipe, replace_file
from ..training.recipe import train as epochs_of
from ..vision.photographs import answers
from ..weights.checkpoint import CheckpointError
from ..weights.known import known_weights

DATA, RUNS = Path("data/cifar-10"), Path("runs")
OPTIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "width": (float, "channel multiplier"),
    "size": (int, "pixels of a side"),
    "cycle_size": (int, "pixels of a side in the cycles, if not those of --size, which the finish then has"),
    "epochs": (int, "times over the training pictures in a cycle"),
    "cycles": (int, "of the learning rate; a finished run goes on with more of them"),
    "finish": (int, "epochs after the cycles in which pictures hardly vary; a finished run goes on with them"),
    "batch": (int, "pictures in a step"),
    "outliers": (int, "drawn pictures of none of the classes in a step, beside the batch"),
    "learning_rate": (float, "at its peak"),
    "seed": (int, "of weights, order and variations"),
    "init": (str, f"what convolutions start from: {' or '.join(INITS)}"),
}


def add_commands(commands: Any, common: type[argparse.ArgumentParser]) -> None:
    """Adds them to argparse's subparsers."""
    options = common(add_help=False)
    options.add_argument(
        "--data", type=Path, default=DATA, metavar="DIR", help=f"CIFAR-10's binary batches (default: {DATA}, fetched)"
    )
    options.add_argument("--device", default="cpu", metavar="D", help="cpu, cuda or mps (default: cpu)")

    command = commands.add_parser("train", parents=[options], help="train a network on CIFAR-10 and measure it")
    command.add_argument("model", metavar="MODEL", help="a name that 'models' lists")
    command.add_argument(
        "--folder", type=Path, metavar="DIR", help=f"where it saves, and goes on if stopped (default: {RUNS}/MODEL)"
    )
    default = Recipe("")
    for name, (kind, text) in OPTIONS.items():
        value = getattr(default, name)
        command.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            default=value,
            metavar="NAME" if kind is str else "N",
            help=text if value is None else f"{text} (default: {value})",
        )
    command.set_defaults(run=train)

    command = commands.add_parser("evaluate", parents=[options], help="accuracy on CIFAR-10's 10,000 test pictures")
    command.add_argument("model", metavar="MODEL", nargs="?", help="default: every one that this project trained")
    command.add_argument("--weights", metavar="W", help="a tag or a file (default: this project's own)")
    command.add_argument("--json", action="store_true", help="as JSON instead of lines to read")
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help="where to write the confusion matrix and the answers for the project's photographs, as CSV",
    )
    command.set_defaults(run=evaluate)

    command = commands.add_parser("race", help="train the small networks that the page Training race compares")
    command.add_argument("--data", type=Path, default=DATA, metavar="DIR", help=f"CIFAR-10's batches (default: {DATA})")
    command.add_argument(
        "--folder", type=Path, default=RUNS / "race", metavar="DIR", help=f"of its runs (default: {RUNS / 'race'})"
    )
    command.add_argument(
        "-o", "--output", type=Path, default=RACE_CURVES, metavar="FILE", help=f"default: {RACE_CURVES.name}"
    )
    command.set_defaults(run=race)


def train(args: argparse.Namespace) -> str:
    """Trains, or goes on; at the end writes the bundle into the folder. One row an epoch goes to standard error."""
    recipe = Recipe(args.model, **{name: getattr(args, name) for name in OPTIONS})
    model = recipe.build()
    for size in {recipe.size_in(1), recipe.size}:
        trace(model, size)  # whatever cannot run is said before 169 MB are fetched
    check_device(args.device, torch.bfloat16)
    cifar10.fetch(args.data)
    pictures = cifar10.training_pictures(args.data)
    folder = args.folder or RUNS / args.model
    for row in epochs_of(recipe, pictures, folder, args.device, _progress):
        print(
            f"\repoch {row.epoch} of {recipe.all_epochs}: training loss {row.training_loss:.3f}, held-out accuracy "
            f"{row.held_out_accuracy:.2%}, {row.seconds:.0f} s",
            file=sys.stderr,
        )
    print("measuring it on the test pictures…", file=sys.stderr)
    weights = write_bundle(folder, pictures, cifar10.test_pictures(args.data), folder)
    return f"{folder / weights.tag}.safetensors: {weights.accuracy}\n"


def evaluate(args: argparse.Namespace) -> str:
    """One entry a checkpoint: model, weights, pictures, accuracy, top-3 accuracy and expected calibration error."""
    if args.weights and not args.model:
        raise InputError("--weights needs a MODEL")
    own = {tag: known.variant for tag, known in known_weights().items() if not known.published}
    chosen = {args.weights: args.model} if args.weights else own
    if args.model and not args.weights:
        chosen = {tag: variant for tag, variant in own.items() if variant == args.model}
        if not chosen:
            raise CheckpointError(f"no weights of {args.model} come with this project; name some with --weights")
    cifar10.fetch(args.data)
    test = cifar10.test_pictures(args.data)
    entries, lines = [], []
    for tag, variant in chosen.items():
        network = Predictor(variant, tag, args.device)
        found = measure(network, test)
        if args.output:
            write_tables(args.output, tag if tag in known_weights() else Path(tag).stem, found, answers(network))
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
    return json.dumps(entries, indent=1) + "\n" if args.json else "\n".join(lines) + "\n"


def race(args: argparse.Namespace) -> str:
    """Trains what is missing of the race and writes its curves. One line a run goes to standard error."""
    cifar10.fetch(args.data)
    table = run_race(args.data, args.folder, lambda line: print(line, file=sys.stderr))
    args.output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(args.output, table.to_csv(index=False, lineterminator="\n").encode())
    return f"{args.output}: {len(table)} rows\n"


def _progress(epoch: int, step: int, steps: int, loss: float) -> None:
    print(f"\repoch {epoch}: step {step} of {steps}, loss {loss:.3f} ", end="", file=sys.stderr, flush=True)
