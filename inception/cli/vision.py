"""The commands that run a network on pictures: `predict` and `similarity`."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..runtime.devices import DTYPES
from ..runtime.image import load_image
from ..runtime.predictor import Predictor
from ..vision.faces import cosine_matrix, distance_matrix
from ..weights.checkpoint import CheckpointError
from ..weights.choice import UNTRAINED, WeightsChoice, available_weights
from ..zoo import VARIANTS

CLASSIFIER, EMBEDDER = "inception_v4", "inception_resnet_v1"


def add_commands(commands: Any, common: type[argparse.ArgumentParser]) -> None:
    """Adds them to argparse's subparsers."""
    options = common(add_help=False)
    options.add_argument("--weights", metavar="W", help="a known tag, a file, or 'untrained' (default: what is here)")
    options.add_argument("--device", default="cpu", metavar="D", help="cpu, cuda or mps (default: cpu)")
    options.add_argument("--dtype", choices=DTYPES, default="float32", help="default: float32")
    options.add_argument("--json", action="store_true", help="as JSON instead of lines to read")

    command = commands.add_parser("predict", parents=[options], help="what pictures show, by a model with weights")
    command.add_argument("images", metavar="IMAGE", nargs="+", type=Path)
    command.add_argument("--model", metavar="M", default=CLASSIFIER, help=f"default: {CLASSIFIER}")
    command.add_argument("--top", type=int, default=5, metavar="K", help="how many classes (default: 5)")
    command.set_defaults(run=predict)

    command = commands.add_parser("similarity", parents=[options], help="how far apart two faces are")
    command.add_argument("first", metavar="IMAGE", type=Path)
    command.add_argument("second", metavar="IMAGE", type=Path)
    command.add_argument("--model", metavar="M", default=EMBEDDER, help=f"default: {EMBEDDER}")
    command.set_defaults(run=similarity)


def predict(args: argparse.Namespace) -> str:
    """One entry a picture: file, model, weights, device, ms of the second run, and the top classes."""
    if args.top < 1:
        raise InputError(f"--top must be at least 1, not {args.top}")
    images = [load_image(path) for path in args.images]
    network = _network(args)
    if network.embeds:
        raise InputError(f"{args.model} gives embeddings, not classes; 'similarity' compares them")
    size = network.input_size, network.input_size
    entries = []
    lines = [] if network.trained else ["untrained weights: the classes mean nothing"]
    for path, image in zip(args.images, images, strict=True):
        prepared = network.prepare(image, size)
        table = network.classify(prepared)
        began = time.perf_counter()
        network.classify(prepared)  # the first run of a network prepares its memory
        ms = round(1e3 * (time.perf_counter() - began), 1)
        top = table.head(args.top)
        entries.append(
            {
                "file": str(path),
                "model": network.name,
                "weights": network.weights.given,
                "device": str(network.device),
                "ms": ms,
                "top": top[["label", "index", "probability"]].to_dict("records"),
            }
        )
        lines.append(f"{path} ({ms} ms)")
        if network.is_none(table):
            lines.append(f"  none of the {len(network.labels)} classes, it seems; nearest are")
        lines += [f"  {chance:7.2%}  {label}" for label, chance in zip(top["label"], top["probability"], strict=True)]
    if args.json:
        return json.dumps(entries, indent=1) + "\n"
    return "\n".join(lines) + "\n"


def similarity(args: argparse.Namespace) -> str:
    """Euclidean distance and cosine of the embeddings of two pictures' centres."""
    images = [load_image(path) for path in (args.first, args.second)]
    network = _network(args)
    if not network.embeds:
        raise InputError(f"{args.model} names classes and gives no embeddings; {EMBEDDER} does")
    size = network.input_size, network.input_size
    embeddings = [network.embed(network.prepare(image, size)) for image in images]
    found = {
        "distance": float(distance_matrix(embeddings)[0, 1]),
        "cosine": float(cosine_matrix(embeddings)[0, 1]),
    }
    if args.json:
        return json.dumps(found) + "\n"
    note = "" if network.trained else "untrained weights: the distance means nothing\n"
    return f"{note}distance {found['distance']:.4f}, cosine {found['cosine']:.4f}\n"


def _network(args: argparse.Namespace) -> Predictor:
    if args.weights is not None:
        weights = WeightsChoice.of(args.weights)
    else:
        here = available_weights(args.model) if args.model in VARIANTS else []
        if args.run is similarity:
            here = [weights for weights in here if not weights.num_classes]
        if not here and args.model in VARIANTS:
            raise CheckpointError(
                f"no weights for {args.model} are on this machine: name a file with --weights, or 'untrained' to run "
                "random ones"
            )
        weights = here[0] if here else UNTRAINED
    return Predictor(args.model, weights, args.device, DTYPES[args.dtype])
