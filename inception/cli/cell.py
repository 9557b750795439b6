"""The command `cell`: one number of a network on a picture, taken apart."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..runtime.crop import Crop, Fit, parse_box
from ..runtime.image import load_image
from ..vision.cell_arithmetic import CellArithmetic, explain_cell
from ..vision.cell_picture import draw_arithmetic, steps_of
from ..vision.cell_text import channel_name, meaning, place_name, short, source_name
from ..vision.maps import png_bytes
from ..words import N_, _
from .options import WHOLE, AsJson, Device, InputSize, Model
from .output import UsageError, write
from .vision import CLASSIFIER, BoxOf, Download, Dtype, Fitted, Image, Weights, network_of

SUFFIXES = (".csv", ".png", ".json")


def cell(
    image: Image,
    /,
    *,
    layer: Annotated[str, Parameter(help=N_("A path or a name of the layer table."))],
    channel: Annotated[int, WHOLE, Parameter(help=N_("From 0; of the linear layer the class."))],
    row: Annotated[int, WHOLE, Parameter(help=N_("From 0, as columns."))] = 0,
    column: Annotated[int, WHOLE, Parameter(help=N_("From 0, as rows."))] = 0,
    model: Model = CLASSIFIER,
    weights: Weights = None,
    download: Download = False,
    size: InputSize = None,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    fit: Fitted = Fit.CENTRE,
    box: BoxOf = None,
    as_json: AsJson = False,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help=N_("File to write: .csv with every multiplication, .png with a picture, or .json."),
        ),
    ] = None,
) -> str | None:
    """Take one number of a layer apart into the sum of products that it is."""
    if output and output.suffix.lower() not in SUFFIXES:
        sentence = _("{file!r} has none of the suffixes {known}")
        raise UsageError(sentence.format(file=str(output), known=", ".join(SUFFIXES)))
    crop, picture = Crop(parse_box(box) if box else None, Fit(fit)), load_image(image)
    network = network_of(model, weights, device, dtype, download=download)
    prepared = network.prepare(picture, size or (network.input_size, network.input_size), crop)
    found = explain_cell(network, prepared, layer, channel, row, column)
    text = json.dumps(found.as_json()) + "\n"
    if output is None:
        return text if as_json else "\n".join(_lines(found)) + "\n"
    if output.suffix.lower() == ".csv":
        write(found.table().to_csv(index=False, lineterminator="\n").encode(), output)
    else:
        write(png_bytes(draw_arithmetic(found)) if output.suffix.lower() == ".png" else text.encode(), output)
    return None


def _lines(found: CellArithmetic) -> list[str]:
    """What was found, to be read."""
    where = _("{layer}, channel {channel}, row {row}, column {column}: {value}")
    lines = [
        where.format(
            layer=place_name(found.layer), channel=found.channel, row=found.row, column=found.column,
            value=short(found.value),
        ),
        meaning(found),
    ]  # fmt: skip
    for term in found.terms:
        channel = channel_name(found.graph, term.source, term.channel)
        source = source_name(found.graph, term.source)
        lines.append(f"  {short(term.value, signed=True):>9}  {channel}, {source}")
    return [*lines, *(f"  {line}" for line in steps_of(found))]
