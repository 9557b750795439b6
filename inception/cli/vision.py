"""The commands that run a network on pictures: `predict` and `similarity`."""

import json
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..errors import InputError
from ..runtime.crop import Crop, Fit, parse_box
from ..runtime.devices import DTYPES, use_threads
from ..runtime.image import load_image
from ..runtime.predictor import Predictor
from ..vision.faces import cosine_matrix, distance_matrix
from ..weights.checkpoint import CheckpointError
from ..weights.choice import UNTRAINED, WeightsChoice
from ..weights.labels import read_labels
from ..zoo import VARIANTS, AbsentWeightsError, available_weights, fetched, names_classes
from .options import AsJson, Device, Model, Whole, one_of

CLASSIFIER, EMBEDDER = "inception_v4", "inception_resnet_v1"

Image = Annotated[Path, Parameter(help="A picture: JPEG, PNG, WebP, GIF, BMP or TIFF.")]
Weights = Annotated[
    str | None,
    Parameter(
        help="A known tag, a file, or 'untrained' for random ones. By default the first that are on this machine."
    ),
]
Fitted = Annotated[str, one_of(list(Fit), f"What becomes of another shape than the model's: {', '.join(Fit)}.")]


BoxOf = Annotated[
    str | None,
    Parameter(
        help="The part that the model gets: LEFT,TOP,RIGHT,BOTTOM in the picture's pixels. By default all of it."
    ),
]
Download = Annotated[bool, Parameter(help="Fetch known weights that are not on this machine.")]
Labels = Annotated[
    Path | None,
    Parameter(help="Names of the classes: text with one a line, or JSON with a list, or from index to name."),
]
Dtype = Annotated[str, one_of(DTYPES, f"What the network computes in: {', '.join(DTYPES)}.")]


def predict(
    image: Image,
    /,
    *images: Image,
    model: Model = CLASSIFIER,
    weights: Weights = None,
    labels: Labels = None,
    download: Download = False,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    fit: Fitted = Fit.CENTRE,
    box: BoxOf = None,
    top: Whole = 5,
    as_json: AsJson = False,
) -> str:
    """Say what pictures show, by a model with weights.

    As JSON, one entry a picture: file, model, weights, device, milliseconds of the second run, and the top classes.

    Args:
        top: How many classes of each picture.
    """
    if top < 1:
        raise InputError(f"--top must be at least 1, not {top}")
    crop, paths = Crop(parse_box(box) if box else None, Fit(fit)), [image, *images]
    pictures = [load_image(path) for path in paths]
    network = _network(model, weights, device, dtype, download)
    if network.embeds:
        raise InputError(f"{model} gives embeddings, not classes; 'similarity' compares them")
    if labels is not None:
        network.labels = list(read_labels(labels, count=len(network.labels)))
    size = network.input_size, network.input_size
    entries = []
    lines = list(network.remarks) if network.trained else ["untrained weights: the classes mean nothing"]
    for path, picture in zip(paths, pictures, strict=True):
        prepared = network.prepare(picture, size, crop)
        table = network.classify(prepared)
        began = time.perf_counter()
        network.classify(prepared)  # the first run of a network prepares its memory
        ms = round(1e3 * (time.perf_counter() - began), 1)
        best = table.head(top)
        entries.append(
            {
                "file": str(path),
                "model": network.name,
                "weights": network.weights.given,
                **({"remarks": network.remarks} if network.remarks else {}),
                "device": str(network.device),
                "ms": ms,
                "top": best[["label", "index", "probability"]].to_dict("records"),
            }
        )
        lines.append(f"{path} ({ms} ms)")
        if network.is_none(table):
            lines.append(f"  none of the {len(network.labels)} classes, it seems; nearest are")
        lines += [f"  {chance:7.2%}  {label}" for label, chance in zip(best["label"], best["probability"], strict=True)]
    if as_json:
        return json.dumps(entries, indent=1) + "\n"
    return "\n".join(lines) + "\n"


def similarity(
    first: Image,
    second: Image,
    /,
    *,
    model: Model = EMBEDDER,
    weights: Weights = None,
    download: Download = False,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    as_json: AsJson = False,
) -> str:
    """Say how far apart two faces are.

    They are compared by Euclidean distance and cosine of the embeddings of the pictures' centres.
    """
    images = [load_image(path) for path in (first, second)]
    network = _network(model, weights, device, dtype, download, embeds=True)
    if not network.embeds:
        raise InputError(f"{model} names classes and gives no embeddings; {EMBEDDER} does")
    size = network.input_size, network.input_size
    embeddings = [network.embed(network.prepare(image, size)) for image in images]
    found = {
        "distance": float(distance_matrix(embeddings)[0, 1]),
        "cosine": float(cosine_matrix(embeddings)[0, 1]),
    }
    if as_json:
        return json.dumps(found) + "\n"
    notes = network.remarks if network.trained else ["untrained weights: the distance means nothing"]
    note = "".join(f"{sentence}\n" for sentence in notes)
    return f"{note}distance {found['distance']:.4f}, cosine {found['cosine']:.4f}\n"


def _network(
    name: str, weights: str | None, device: str, dtype: str, download: bool, embeds: bool = False
) -> Predictor:
    """The network to run; without `weights` with the first on this machine that name classes, or that embed."""
    use_threads()
    if weights is not None:
        choice = WeightsChoice.of(weights)
    else:
        here = available_weights(name) if name in VARIANTS else []
        here = [found for found in here if embeds != names_classes(name, found)] or here
        if not here and name in VARIANTS:
            raise CheckpointError(
                f"no weights for {name} are on this machine: name a file with --weights, or 'untrained' to run "
                "random ones"
            )
        choice = here[0] if here else UNTRAINED
    try:
        return Predictor(name, fetched(choice) if download else choice, device, DTYPES[dtype])
    except AbsentWeightsError as error:
        raise AbsentWeightsError(error.tag, "--download") from error
