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
from ..words import N_, _
from ..zoo import VARIANTS, AbsentWeightsError, available_weights, fetched, names_classes
from .options import WHOLE, AsJson, Device, Model, one_of

CLASSIFIER, EMBEDDER = "inception_v4", "inception_resnet_v1"

Image = Annotated[Path, Parameter(help=N_("A picture: JPEG, PNG, WebP, GIF, BMP or TIFF."))]
Weights = Annotated[
    str | None,
    Parameter(
        help=N_("A known tag, a file, or 'untrained' for random ones. By default the first that are on this machine.")
    ),
]
Fitted = Annotated[str, one_of(list(Fit), N_("What becomes of another shape than the model's."))]


BoxOf = Annotated[
    str | None,
    Parameter(
        help=N_("The part that the model gets: LEFT,TOP,RIGHT,BOTTOM in the picture's pixels. By default all of it.")
    ),
]
Download = Annotated[bool, Parameter(help=N_("Fetch known weights that are not on this machine."))]
Labels = Annotated[
    Path | None,
    Parameter(help=N_("Names of the classes: text with one a line, or JSON with a list, or from index to name.")),
]
Dtype = Annotated[str, one_of(DTYPES, N_("What the network computes in."))]


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
    top: Annotated[int, WHOLE, Parameter(help=N_("How many classes of each picture."))] = 5,
    as_json: AsJson = False,
) -> str:
    """Say what pictures show, by a model with weights."""
    if top < 1:
        raise InputError(_("--top must be at least 1, not {value}").format(value=top))
    crop, paths = Crop(parse_box(box) if box else None, Fit(fit)), [image, *images]
    pictures = [load_image(path) for path in paths]
    network = network_of(model, weights, device, dtype, download=download)
    if network.embeds:
        sentence = _("{network} gives embeddings, not classes; 'similarity' compares them")
        raise InputError(sentence.format(network=model))
    if labels is not None:
        network.labels = list(read_labels(labels, count=len(network.labels)))
    size = network.input_size, network.input_size
    entries = []
    lines = [_(remark) for remark in network.remarks]
    if not network.trained:
        lines = [_("untrained weights: the classes mean nothing")]
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
        lines.append(_("{file} ({ms} ms)").format(file=path, ms=ms))
        if says_none(network, table, prepared):
            sentence = _("none of the {count} classes, it seems; nearest are")
            lines.append("  " + sentence.format(count=len(network.labels)))
        lines += [f"  {chance:7.2%}  {label}" for label, chance in zip(best["label"], best["probability"], strict=True)]
    if as_json:
        return json.dumps(entries, indent=1) + "\n"
    return "\n".join(lines) + "\n"


def similarity(
    first: Image,
    second: Image,
    /,
    *,
    first_face: Annotated[
        int | None, WHOLE, Parameter(help=N_("Which of several faces in the first picture; 1 is the largest."))
    ] = None,
    second_face: Annotated[
        int | None, WHOLE, Parameter(help=N_("Which of several faces in the second picture."))
    ] = None,
    first_box: Annotated[
        str | None,
        Parameter(
            help=N_("The face in the first picture, instead of one that is found: LEFT,TOP,RIGHT,BOTTOM in its pixels.")
        ),
    ] = None,
    second_box: Annotated[str | None, Parameter(help=N_("The face in the second picture."))] = None,
    cropped: Annotated[
        bool, Parameter(help=N_("Both pictures are faces that were cut out before: take them whole."))
    ] = False,
    model: Model = EMBEDDER,
    weights: Weights = None,
    download: Download = False,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    as_json: AsJson = False,
) -> str:
    """Say how far apart two faces are, and with trained weights whether they are the same person."""
    asked = ((first, first_face, first_box), (second, second_face, second_box))
    images = [load_image(path) for path, *_rest in asked]
    pictures = [
        _face(path, image, number, box, cropped) for image, (path, number, box) in zip(images, asked, strict=True)
    ]
    network = network_of(model, weights, device, dtype, embeds=True, download=download)
    if not network.embeds:
        sentence = _("{network} names classes and gives no embeddings; {other} does")
        raise InputError(sentence.format(network=model, other=EMBEDDER))
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
    return json.dumps(found) + "\n" if as_json else "\n".join([*map(_, network.remarks), _similarity_lines(found)])


def _face(path: Path, image: Pixels, number: int | None, box: str | None, cropped: bool) -> FacePicture:
    """A picture with the crop that was asked for; raises FaceError where no face is found."""
    if sum((number is not None, box is not None, cropped)) > 1:
        raise InputError(
            _("a face is named by its number, by a box, or the picture is cropped: choose one of the three")
        )
    if cropped or box is not None:
        whole = FacePicture(str(path), image, (), None)
        return whole.with_box(parse_box(box) if box is not None else (0, 0, *image.size))
    picture = face_picture(image, str(path))
    if number is not None:
        return picture.with_found(number - 1)
    if picture.crop is None:
        sentence = _("{file}: no face was found; draw a box round one with --first-box or --second-box")
        raise FaceError(sentence.format(file=path))
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
        if entry["origin"] == Origin.DRAWN:
            sentence = _("{file}: the box {box}")
            if entry["faces"] > 1:
                sentence = _("{file}: the box {box}, one of {count} faces")
        else:
            sentence = _("{file}: face found at {box}")
            if entry["faces"] > 1:
                sentence = _("{file}: face found at {box}, one of {count} faces")
        lines.append(sentence.format(file=entry["file"], box=box, count=entry["faces"]))
    distances = _("distance {distance:.4f}, cosine {cosine:.4f}")
    lines.append(distances.format(distance=found["distance"], cosine=found["cosine"]))
    if found["same"] is None:
        lines.append(_("no verdict: the weights are untrained, so the distance means nothing"))
    else:
        verdict = _("different persons: the same is what is at most {threshold:.2f} apart")
        if found["same"]:
            verdict = _("the same person: the same is what is at most {threshold:.2f} apart")
        lines.append(verdict.format(threshold=found["threshold"]))
    return "\n".join(lines) + "\n"


def network_of(
    name: str, weights: str | None, device: str, dtype: str = "float32", embeds: bool = False, download: bool = False
) -> Predictor:
    """The network to run; without `weights` with the first on this machine that name classes, or that embed."""
    use_threads()
    choice = weights_of(name, weights, embeds)
    try:
        return Predictor(name, fetched(choice) if download else choice, device, DTYPES[dtype])
    except AbsentWeightsError as error:
        raise AbsentWeightsError(error.tag, "--download") from error


def weights_of(name: str, weights: str | None, embeds: bool = False) -> WeightsChoice:
    """The weights that were asked for, else the first on this machine that name classes, or that embed."""
    if weights is not None:
        return WeightsChoice.of(weights)
    here = available_weights(name) if name in VARIANTS else []
    here = [found for found in here if embeds != names_classes(name, found)] or here
    if not here and name in VARIANTS:
        sentence = _(
            "no weights for {network} are on this machine: name a file with --weights, or 'untrained' to run "
            "random ones"
        )
        raise CheckpointError(sentence.format(network=name))
    return here[0] if here else UNTRAINED
