"""The folded network and its blocks as drawings with the chosen picture in them: from the photograph to the answer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from inception import LayerGraph, words
from inception.graph.layer import Layer
from inception.views.diagram import DIAGRAM_FORMATS, PICTURE_FORMATS, diagram_file, node_name
from inception.views.notes import NO_NOTES, Notes
from inception.views.overview import Box, Level, SizeBy, overview_boxes, overview_dot
from inception.views.thumbnails import with_pictures
from inception.vision.every_layer import PictureRun, layers_to_look_into, run_picture
from inception.vision.maps import png_bytes, thumbnail
from inception.words import _
from pages.parts.diagrams import diagram_export, svg_of
from pages.parts.kept import kept
from pages.parts.subject import Subject
from pages.parts.tables import exports, file_export

MOST = 8  # passes whose maps a session keeps


@dataclass(frozen=True)
class NetworkDrawing:
    """What is drawn of a network, and what its boxes stand for."""

    svg: str  # for `components.diagram`, which reports a click by the id of the box
    dot: str  # its text in Graphviz's DOT, which has room for the maps
    boxes: dict[str, Box]  # by id
    pictures: dict[str, list[bytes]]  # PNG files of the maps in each box by its id, and of the picture; may be empty


def network_drawing(
    graph: LayerGraph,
    subject: Subject | None = None,
    level: Level = "block",
    size_by: SizeBy = "channels",
    opened: Collection[str] = (),
    notes: Notes = NO_NOTES,
) -> NetworkDrawing:
    """The folded network; with a subject each box carries its strongest maps of the picture, in a pass that is kept.

    graph: the subject's where there is one. level, size_by, opened, notes: as `overview_dot` takes them.
    """
    boxes = {box.id: box for box in overview_boxes(graph, level)}
    title, pictures = _("Overview of {network}").format(network=graph.name), {}
    if subject:
        title = _("The picture on its way through {network}").format(network=graph.name)
        shown = {id: box.layers[-1] for id, box in boxes.items()}
        for id in opened:
            shown |= {node_name(layer): layer for run in boxes[id].runs for layer in run.blocks[0]}
        run = run_of(subject, list(shown.values()))
        notes = with_maps(notes, run)
        pictures = pictures_of(subject, run, shown) | {"input": [picture_png(subject)]}

    def drawn() -> str:
        return overview_dot(graph, level, size_by, opened, notes=notes)

    # Without colours it is the same for every picture.
    key = (graph.name, graph.input_size, len(graph.layers), level, size_by, tuple(opened), subject and subject.key[:2])
    rooms = tuple(sorted(notes.maps.items()))
    dot = drawn() if notes.colouring else kept("overview_dot", (key, rooms, words.current()), drawn)
    return NetworkDrawing(with_pictures(svg_of(dot, title), pictures), dot, boxes, pictures)


def run_of(subject: Subject, wanted: Sequence[Layer]) -> PictureRun:
    """What the picture becomes in the wanted layers, in one pass; kept until the subject changes."""
    layers = layers_to_look_into(subject.graph, wanted)

    def look() -> PictureRun:
        return run_picture(subject.quick, subject.prepared, subject.graph, layers)

    return kept("picture_run", (subject.key, tuple(layer.index for layer in layers)), look, MOST)


def with_maps(notes: Notes, run: PictureRun) -> Notes:
    """Notes with room for the maps of a pass."""
    return replace(notes, maps={index: len(response.maps) for index, response in run.responses.items()})


def pictures_of(subject: Subject, run: PictureRun, shown: dict[str, Layer]) -> dict[str, list[bytes]]:
    """The maps of layers as PNG files, under the names that `shown` has for the layers."""
    files: dict[int, list[bytes]] = kept("map_pictures", subject.key, dict)
    for layer in shown.values():
        if layer.index not in files:
            files[layer.index] = [png_bytes(thumbnail(one), quick=True) for one in run.responses[layer.index].maps]
    return {name: files[layer.index] for name, layer in shown.items()}


def picture_png(subject: Subject) -> bytes:
    """What the network sees of the picture, small, as a PNG file."""

    def small() -> bytes:
        image = subject.prepared.copy()
        image.thumbnail((168, 168))
        return png_bytes(image, quick=True)

    return kept("picture_png", subject.key, small)


def drawing_export(drawing: NetworkDrawing, name: str, caption: str) -> None:
    """The same for the folded network; with the picture in it as formats that can carry maps."""
    if not drawing.pictures:
        diagram_export(drawing.dot, name, caption)
        return
    files = {format: (f".{format}", DIAGRAM_FORMATS[format]) for format in PICTURE_FORMATS}

    def write(format: str) -> bytes:
        return diagram_file(drawing.dot, format, caption, pictures=drawing.pictures)

    with exports(name):
        file_export(_("Download this diagram"), files, name, write)
