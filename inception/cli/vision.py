"""The commands that run a network on pictures: `predict` and `similarity`."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from pandas import isna
from PIL.Image import Image as Pixels

from ..errors import InputError
from ..runtime.crop import Crop, Fit, parse_box
from ..runtime.devices import DTYPES, use_threads
from ..runtime.image import load_image
from ..runtime.predictor import Predictor
from ..studies.lfw import THRESHOLD
from ..vision.faces import FaceError, FacePicture, Origin, embed_face, face_picture, pair_table
from ..vision.none_of_them import says_none
from ..weights.checkpoint import CheckpointError
from ..weights.choice import UNTRAINED, WeightsChoice
from ..weights.labels import read_labels
from ..zoo import VARIANTS, AbsentWeightsError, available_weights, fetched, names_classes
from .options import WHOLE, AsJson, Device, Model, Whole, one_of

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
    network = network_of(model, weights, device, dtype, download=download)
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
        if says_none(network, table, prepared):
            lines.append(f"  none of the {len(network.labels)} classes, it seems; nearest are")
        lines += [f"  {chance:7.2%}  {label}" for label, chance in zip(best["label"], best["probability"], strict=True)]
    if as_json:
        return json.dumps(entries, indent=1) + "\n"
    return "\n".join(lines) + "\n"


FaceNumber = Annotated[int | None, WHOLE]


def similarity(
    first: Image,
    second: Image,
    /,
    *,
    first_face: FaceNumber = None,
    second_face: FaceNumber = None,
    first_box: str | None = None,
    second_box: str | None = None,
    cropped: bool = False,
    model: Model = EMBEDDER,
    weights: Weights = None,
    download: Download = False,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    as_json: AsJson = False,
) -> str:
    """Say how far apart two faces are, and with trained weights whether they are the same person.

    The largest face that is found in each picture is cut out, with a margin, and stretched to the model's size. The
    embeddings are compared by Euclidean distance and cosine.

    Args:
        first_face: Which of several faces in the first picture; 1 is the largest.
        second_face: Which of several faces in the second picture.
        first_box: The face in the first picture, instead of one that is found: LEFT,TOP,RIGHT,BOTTOM in its pixels.
        second_box: The face in the second picture.
        cropped: Both pictures are faces that were cut out before: take them whole.
    """
    asked = ((first, first_face, first_box), (second, second_face, second_box))
    images = [load_image(path) for path, _, _ in asked]
    pictures = [
        _face(path, image, number, box, cropped) for image, (path, number, box) in zip(images, asked, strict=True)
    ]
    network = network_of(model, weights, device, dtype, embeds=True, download=download)
    if not network.embeds:
        raise InputError(f"{model} names classes and gives no embeddings; {EMBEDDER} does")
    # The two files can have one name.
    faces = [embed_face(network, replace(picture, name=str(i))) for i, picture in enumerate(pictures)]
    pair = pair_table(faces, THRESHOLD).iloc[0]
    found = {
        "distance": float(pair["distance"]),
        "cosine": float(pair["cosine"]),
        "same": None if isna(pair["same"]) else bool(pair["same"]),
        "threshold": THRESHOLD,
        "pictures": [_crop_entry(picture, image) for picture, image in zip(pictures, images, strict=True)],
    }
    return json.dumps(found) + "\n" if as_json else "\n".join([*network.remarks, _similarity_lines(found)])


def _face(path: Path, image: Pixels, number: int | None, box: str | None, cropped: bool) -> FacePicture:
    """A picture with the crop that was asked for; raises FaceError where no face is found."""
    if sum((number is not None, box is not None, cropped)) > 1:
        raise InputError("a face is named by its number, by a box, or the picture is cropped: choose one of the three")
    if cropped or box is not None:
        whole = FacePicture(str(path), image, (), None)
        return whole.with_box(parse_box(box) if box is not None else (0, 0, *image.size))
    picture = face_picture(image, str(path))
    if number is not None:
        return picture.with_found(number - 1)
    if picture.crop is None:
        raise FaceError(f"{path}: no face was found; draw a box round one with --first-box or --second-box")
    return picture


def _crop_entry(picture: FacePicture, image: Pixels) -> dict[str, Any]:
    """What was cut out of which picture; the box in pixels of the file, which can be larger than what is looked at."""
    assert picture.crop is not None  # `_face` saw to that
    return {
        "file": picture.name,
        "faces": len(picture.found),
        "origin": picture.crop.origin.value,
        "box": [edge * image.width / picture.image.width for edge in picture.crop.box],
    }


def _similarity_lines(found: dict[str, Any]) -> str:
    """What `similarity` found, to be read."""
    lines = []
    for entry in found["pictures"]:
        box = ",".join(f"{edge:.0f}" for edge in entry["box"])
        several = f", one of {entry['faces']} faces" if entry["faces"] > 1 else ""
        how = "the box" if entry["origin"] == Origin.DRAWN else "face found at"
        lines.append(f"{entry['file']}: {how} {box}{several}")
    lines.append(f"distance {found['distance']:.4f}, cosine {found['cosine']:.4f}")
    if found["same"] is None:
        lines.append("no verdict: the weights are untrained, so the distance means nothing")
    else:
        verdict = "the same person" if found["same"] else "different persons"
        lines.append(f"{verdict}: the same is what is at most {found['threshold']:.2f} apart")
    return "\n".join(lines) + "\n"


def network_of(
    name: str, weights: str | None, device: str, dtype: str = "float32", embeds: bool = False, download: bool = False
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
