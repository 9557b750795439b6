"""Diagrams: golden DOT text, the paper's figures, the trace's edges, exported files, and threads.

`python -m tests.views.test_diagram` writes the golden files anew. Look at the difference before you commit it, and
at the diagrams themselves: a changed box or edge is a changed network, unless the style was changed.
"""

import io
import os
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import unescape
from itertools import pairwise, product
from pathlib import Path

import psutil
import pygraphviz
import pypdf
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from inception import LayerGraph, list_models, trace
from inception.cli import main as cli
from inception.graph.blocks import BlockType, block_types, find_block
from inception.graph.layer import Layer
from inception.views.diagram import (
    DIAGRAM_FORMATS,
    DiagramError,
    diagram_caption,
    diagram_dot,
    diagram_file,
    diagram_svg,
    node_name,
    parts_by_name,
    render,
)
from inception.views.overview import overview_dot

from ..graphs import zoo_graph
from ..reference import assert_one_sentence

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
DRAWN = ["inception_v4", "inception_resnet_v1", "inception_resnet_v2"]
SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"


@cache
def graph_of(name: str) -> LayerGraph:
    return zoo_graph(name)


def types_of(name: str) -> dict[str, BlockType]:
    return {block.title: block for block in block_types(graph_of(name).layers)}


def golden_diagrams() -> Iterator[tuple[str, str]]:
    """Name of the file and DOT text of every golden diagram."""
    for name in list_models():
        yield f"{name}.overview.dot", overview_dot(graph_of(name))
        if name in DRAWN:
            for title, block in types_of(name).items():
                yield f"{name}.{title.lower().replace(', ', '-')}.dot", diagram_dot(block.layers, title)


def test_golden_diagrams() -> None:
    diagrams = dict(golden_diagrams())
    assert sorted(diagrams) == sorted(file.name for file in GOLDEN.iterdir())
    for name, dot in diagrams.items():
        assert dot.splitlines() == (GOLDEN / name).read_text(encoding="utf-8").splitlines(), name


def parse(dot: str) -> pygraphviz.AGraph:
    return pygraphviz.AGraph(string=dot)


def texts(dot: str, box: str) -> list[str]:
    """The lines of a box."""
    drawn = parse(dot)
    label = drawn.get_node(box).attr["label"]
    return [unescape(line) for line in re.sub(r"<[^>]*>", "\n", label).split("\n") if line]


def columns(layers: Sequence[Layer], dot: str) -> dict[str, list[str]]:
    """The boxes of each branch of a block as the figures write them: '3x3 conv (96, V)'."""
    found: dict[str, list[str]] = {}
    for layer in layers:
        head, details, *_ = texts(dot, node_name(layer))
        found.setdefault(layer.branch, []).append(f"{head} ({details})")
    return found


@pytest.mark.parametrize(
    ("model", "title", "expected"),
    [
        (  # Fig. 4
            "inception_v4",
            "Inception-A",
            {
                "Branch_0": ["1x1 conv (96)"],
                "Branch_1": ["1x1 conv (64)", "3x3 conv (96)"],
                "Branch_2": ["1x1 conv (64)", "3x3 conv (96)", "3x3 conv (96)"],
                "Branch_3": ["3x3 avg pool (384)", "1x1 conv (96)"],
                "": ["filter concat (384)"],
            },
        ),
        (  # Fig. 7 with Table 1
            "inception_v4",
            "Reduction-A",
            {
                "Branch_0": ["3x3 conv (384, stride 2, V)"],
                "Branch_1": ["1x1 conv (192)", "3x3 conv (224)", "3x3 conv (256, stride 2, V)"],
                "Branch_2": ["3x3 max pool (384, stride 2, V)"],
                "": ["filter concat (1024)"],
            },
        ),
        (  # Fig. 10
            "inception_resnet_v1",
            "Inception-ResNet-A",
            {
                "Branch_0": ["1x1 conv (32)"],
                "Branch_1": ["1x1 conv (32)", "3x3 conv (32)"],
                "Branch_2": ["1x1 conv (32)", "3x3 conv (32)", "3x3 conv (32)"],
                "": ["filter concat (96)", "1x1 conv (256, linear)", "+ (256, residual x 0.17)"],
            },
        ),
        (  # Fig. 17, 1154 corrected
            "inception_resnet_v2.paper",
            "Inception-ResNet-B",
            {
                "Branch_0": ["1x1 conv (192)"],
                "Branch_1": ["1x1 conv (128)", "1x7 conv (160)", "7x1 conv (192)"],
                "": ["filter concat (384)", "1x1 conv (1152, linear)", "+ (1152, residual x 0.1)"],
            },
        ),
        (  # Fig. 9: average pooling, dropout (keep 0.8), softmax
            "inception_v4",
            "Head",
            {"": ["8x8 avg pool (1536)", "dropout (1536)", "flatten (1536)", "linear (1000)"]},
        ),
    ],
)
def test_boxes_say_what_the_figures_say(model: str, title: str, expected: dict[str, list[str]]) -> None:
    block = types_of(model)[title]
    assert columns(block.layers, diagram_dot(block.layers, title)) == expected


def test_a_convolution_with_batch_norm_and_relu_is_not_linear() -> None:
    block = types_of("inception_resnet_v2.keras_blog")["Inception-ResNet-A"]
    assert columns(block.layers, diagram_dot(block.layers, ""))[""][1] == "1x1 conv (384)"


def test_boxes_have_tf_slim_s_names() -> None:
    block = types_of("inception_resnet_v2")["Inception-A"]
    dot = diagram_dot(block.layers, block.title)
    named = {texts(dot, node_name(layer))[-1] for layer in block.layers if layer.op != "concat"}
    assert named == {layer.layer for layer in block.layers if layer.op != "concat"}
    assert "Conv2d_0b_5x5" in named


def test_a_sum_has_its_relu_apart_where_there_is_one() -> None:
    types = types_of("inception_resnet_v2")
    with_relu, plain = types["Inception-ResNet-C"], types["Inception-ResNet-C, last"]
    assert "label=ReLU" in diagram_dot(with_relu.layers, "")
    assert "label=ReLU" not in diagram_dot(plain.layers, "")


def layer_edges(dot: str) -> list[tuple[int, int]]:
    """The edges of a diagram between layers' indexes, those inside a layer left out; 0 where it hands on."""
    edges = [tuple(int(re.sub(r"to.*|layer|from|part.*", "", end) or 0) for end in edge) for edge in parse(dot).edges()]
    return sorted((tail, head) for tail, head in edges if tail != head)


@pytest.mark.parametrize("units", [True, False])
@pytest.mark.parametrize("name", list_models())
def test_edges_are_the_trace_s(name: str, units: bool) -> None:
    graph = graph_of(name)
    for title, block in types_of(name).items():
        inside = {layer.index for layer in block.layers}
        last = [(block.layers[-1].index, 0)]
        expected = sorted([(source, target) for source, target in graph.edges if target in inside] + last)
        assert layer_edges(diagram_dot(block.layers, title, units)) == expected, title


@pytest.mark.parametrize("name", DRAWN)
def test_parts_apart_are_the_trace_s(name: str) -> None:
    for title, block in types_of(name).items():
        drawn = parse(diagram_dot(block.layers, title, units=False))
        names = parts_by_name(block.layers)
        assert set(names) == {node for node in drawn if node.startswith("layer")}
        for layer in block.layers:
            boxes = [node_name(layer, n) for n in range(1, len(layer.parts) + 1)]
            assert all(drawn.has_edge(*pair) for pair in pairwise(boxes))
            assert [names[box] for box in boxes] == [(layer, part) for part in layer.parts]
    assert {part.op for _, part in parts_by_name(graph_of(name).layers).values()} >= {"conv", "batch norm", "relu"}


@pytest.mark.parametrize("name", DRAWN)
def test_branches_stand_side_by_side_in_order(name: str) -> None:
    for title, block in types_of(name).items():
        inside = {layer.index for layer in block.layers}
        first = [layer for layer in block.layers if not inside.intersection(layer.inputs)]
        drawn = parse(diagram_dot(block.layers, title))
        drawn.layout(prog="dot")
        places = [tuple(map(float, drawn.get_node(node_name(layer)).attr["pos"].split(","))) for layer in first]
        assert [x for x, _ in places] == sorted(x for x, _ in places), title
        assert len({y for _, y in places}) == 1, title


@pytest.mark.parametrize("units", [True, False])
def test_ids_in_svg(units: bool) -> None:
    for block in types_of("inception_resnet_v2").values():
        svg = diagram_svg(diagram_dot(block.layers, block.title, units), block.title)
        ids = [g.get("id") for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == "node"]
        layers = [id for id in ids if id and not id.startswith("node")]
        assert len(ids) == len(set(ids))
        assert set(layers) <= set(parts_by_name(block.layers))
        assert {node_name(layer) for layer in block.layers} <= set(layers)


NAMES = [
    '<script>"&]>',
    "a\\",
    "\\N\\L",
    "&lt;",
    "-->",
    "<b>x</b>",
    "🦊 ünï",
    "%s {0} | }",
    "bell\x07half\ud800",
    'charset="x"',
]


def shown(text: str) -> str:
    return re.sub("[\x07\ud800]", "\N{REPLACEMENT CHARACTER}", text)


class Odd(nn.Module):
    """Reads one input twice, splits it and joins it again, under names that nobody should give."""

    def __init__(self) -> None:
        super().__init__()
        self.names = nn.Sequential(OrderedDict((name, nn.Conv2d(4, 4, 1)) for name in NAMES))

    def forward(self, x: Tensor) -> Tensor:
        left, right = torch.chunk(self.names(x), 2, dim=1)
        return torch.cat([right, left, right], dim=1) + torch.cat([left, left, left], dim=1)


@pytest.mark.parametrize("units", [True, False])
@pytest.mark.parametrize("title", NAMES)
def test_text_is_escaped(title: str, units: bool) -> None:
    layers = trace(Odd(), (4, 8, 8)).layers
    for part in (layers, layers[3:5]):
        svg = ET.fromstring(diagram_svg(diagram_dot(part, title, units), title))
        assert {element.tag.removeprefix(SVG) for element in svg.iter()} <= {
            *("svg", "g", "title", "a", "path", "polygon", "text")
        }
        assert svg.get("aria-label") == shown(title)
        lines = {element.text for element in svg.iter(f"{SVG}text")}
        hovers = " ".join(element.get(f"{XLINK}title", "") for element in svg.iter(f"{SVG}a"))
        for layer in part:
            if layer.op == "conv":
                assert shown(layer.layer) in lines
                assert f"{shown(layer.path)}: 4x8x8 to 4x8x8" in hovers


@pytest.mark.parametrize("format", DIAGRAM_FORMATS)
@pytest.mark.parametrize("caption", NAMES)
def test_captions_are_escaped(caption: str, format: str) -> None:
    data = diagram_file(diagram_dot(trace(Odd(), (4, 8, 8)).layers, caption), format, caption)
    if format == "svg":
        assert shown(caption) in [element.text for element in ET.fromstring(data).iter(f"{SVG}text")]
    if format == "dot":
        assert render(data.decode(), "svg")


def exported(format: str) -> tuple[bytes, Sequence[Layer]]:
    graph = graph_of("inception_v4")
    block = types_of("inception_v4")["Inception-C"]
    return diagram_file(
        diagram_dot(block.layers, block.title), format, diagram_caption(graph, block.title)
    ), block.layers


CAPTION = "Inception-C of inception_v4 (input 3x299x299), inception-explorer 0.1.0"


def test_caption_has_the_version_of_the_project() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert diagram_caption(graph_of("inception_v4"), "Inception-C") == CAPTION.replace("0.1.0", version[1])


def test_svg_is_xml_with_its_text_as_text() -> None:
    data, layers = exported("svg")
    svg = ET.fromstring(data)
    assert svg.tag == f"{SVG}svg"
    lines = [element.text for element in svg.iter(f"{SVG}text")]
    assert CAPTION in lines
    assert {layer.layer for layer in layers if layer.op != "concat"} <= set(lines)
    assert {element.get("font-family") for element in svg.iter(f"{SVG}text")} == {"Helvetica,Arial,sans-serif"}
    assert svg[0].find(f"{SVG}polygon").get("fill") == "white"  # type: ignore[union-attr]
    assert not [element for element in svg.iter() if "script" in element.tag or "href" in "".join(element.keys())]


def test_pdf_has_the_names_as_text_and_embeds_its_fonts() -> None:
    data, layers = exported("pdf")
    (page,) = pypdf.PdfReader(io.BytesIO(data)).pages
    # Some fonts, DejaVu Sans among them, have one sign for "fi"; who searches in a PDF finds it as two letters.
    text = unicodedata.normalize("NFKC", page.extract_text())
    assert CAPTION in text
    assert all(layer.layer in text for layer in layers if layer.op != "concat")
    assert text.count("filter concat") == 3
    for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
        descriptor = font.get_object().get("/FontDescriptor") or font["/DescendantFonts"][0]["/FontDescriptor"]
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_png_is_twice_as_large_as_on_a_screen_and_white() -> None:
    picture = Image.open(io.BytesIO(exported("png")[0]))
    on_screen = Image.open(io.BytesIO(render(exported("dot")[0].decode(), "png")))
    assert picture.width == pytest.approx(2 * on_screen.width, abs=3)
    assert picture.height == pytest.approx(2 * on_screen.height, abs=3)
    assert picture.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)


def test_dot_is_the_diagram_with_its_caption() -> None:
    data, layers = exported("dot")
    drawn = parse(data.decode())
    assert {node_name(layer) for layer in layers} <= set(drawn)
    assert CAPTION in drawn.graph_attr["label"]
    assert drawn.graph_attr["bgcolor"] == "white"


@pytest.mark.slow
def test_the_same_bytes_in_another_process_at_another_time(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.views.test_diagram import DIAGRAM_FORMATS, exported\n"
        "for format in DIAGRAM_FORMATS: (Path(sys.argv[1]) / format).write_bytes(exported(format)[0])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, env=environment, check=True)
    for format in DIAGRAM_FORMATS:
        assert (tmp_path / format).read_bytes() == exported(format)[0], format


def test_an_unknown_format_gets_one_sentence() -> None:
    with pytest.raises(DiagramError, match="unknown format 'gif'; known: svg, png, pdf, dot") as caught:
        diagram_file("digraph {}", "gif", "")
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("text", ["", "hello", "digraph {", "digraph { a -> }", 'digraph { a [label="x] }'])
def test_text_that_is_not_dot_gets_one_sentence_and_spoils_nothing(text: str) -> None:
    dot = exported("dot")[0].decode()
    before = render(dot, "svg")
    for _ in range(3):
        with pytest.raises(DiagramError, match="not DOT") as caught:
            render(text, "svg")
        assert_one_sentence(caught.value)
        assert render(dot, "svg") == before


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads take turns as often as Python can; without the lock Graphviz then aborts the process."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless_threads")
def test_eight_threads_draw_what_one_draws() -> None:
    graph = graph_of("inception_resnet_v2")
    dots = [diagram_dot(block.layers, block.title) for block in block_types(graph.layers)] + [overview_dot(graph)]
    jobs = [*product(dots, ["svg", "pdf"]), ("digraph {", "svg")] * 8

    def draw(job: tuple[str, str]) -> bytes:
        try:
            return diagram_file(*job, "caption")
        except DiagramError as error:
            return str(error).encode()

    alone = {job: draw(job) for job in set(jobs)}
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, jobs)) == [alone[job] for job in jobs]


def test_memory_does_not_grow_with_the_number_of_diagrams() -> None:
    process = psutil.Process()
    dot = exported("dot")[0].decode()
    for _ in range(50):
        render(dot, "svg")
    before = process.memory_info().rss
    for _ in range(300):
        render(dot, "svg")
    assert process.memory_info().rss - before < 4_000_000  # graphs left open are several times that


def test_find_block_by_title_and_by_tf_slim_s_names() -> None:
    layers = graph_of("inception_resnet_v2").layers
    for name, title in {
        "Stem": "Stem",
        "stem": "Stem",
        "Conv2d_4a_3x3": "Stem",
        "Mixed_5b": "Inception-A",
        "inception-resnet-a": "Inception-ResNet-A",
        "BLOCK35": "Inception-ResNet-A",
        "Block35_7": "Inception-ResNet-A",
        "Block8": "Inception-ResNet-C",
        "Inception-ResNet-C, last": "Inception-ResNet-C, last",
        "Logits": "Head",
    }.items():
        assert find_block(layers, name).title == title
    assert find_block(graph_of("inception_v4").layers, "Mixed_6c").title == "Inception-B"


def test_an_unknown_block_gets_one_sentence_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no block 'Mixed_9z'; known: Stem; Inception-A \(Mixed_5b\); ") as caught:
        find_block(graph_of("inception_resnet_v2").layers, "Mixed_9z")
    assert_one_sentence(caught.value)


def run(capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    """Exit status of `diagram` and what it wrote; standard error must be one sentence, or nothing after success."""
    status = cli.main(["diagram", *argv])
    out, err = capfd.readouterr()
    if status:
        assert out == ""
        assert re.fullmatch(r"python -m inception: [^\n]+\n", err)
        assert_one_sentence(ValueError(err.removesuffix("\n")))
    else:
        assert err == ""
    return status, out or err


V4 = "inception_v4"


@pytest.mark.parametrize("format", DIAGRAM_FORMATS)
def test_command_writes_what_the_library_draws(format: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / f"a.{format}"
    assert run(capfd, V4, "--block", "mixed_7b", "-o", str(path)) == (0, "")
    assert path.read_bytes() == exported(format)[0]


def test_command_draws_the_folded_network(capfd: pytest.CaptureFixture[str]) -> None:
    graph = trace(V4, (96, 128))
    for level in ("stage", "block"):
        status, out = run(capfd, V4, "--size", "96x128", "--level", level, "--format", "dot")
        expected = diagram_file(overview_dot(graph, level), "dot", diagram_caption(graph, "Overview"))
        assert (status, out) == (0, expected.decode())
    assert run(capfd, V4, "--size", "96x128", "--format", "dot") == (0, out)
    assert run(capfd, V4)[1].startswith("<?xml")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["inception_v5"], "unknown model 'inception_v5'"),
        ([V4, "--block", "Block35"], "there is no block 'Block35'; known: Stem; Inception-A (Mixed_5b-5e); "),
        ([V4, "--level", "layer"], "name one of its blocks with --block"),
        ([V4, "--level", "stage", "--block", "Stem"], "leave out --block"),
        ([V4, "--level", "node"], "'node'"),
        ([V4, "--format", "gif"], "'gif'"),
        ([V4, "-o", "a.gif"], "'a.gif' has none of the suffixes .svg, .png, .pdf, .dot"),
        ([V4, "--size", "74"], "the grid vanishes at"),
    ],
)
def test_command_refuses_in_one_sentence(
    argv: list[str], says: str, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, text = run(capfd, *argv)
    assert status == 2
    assert says in text
    assert list(tmp_path.iterdir()) == []


def test_command_shows_dot_on_a_terminal_and_spares_it_png_and_pdf(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    assert run(capfd, V4)[1].startswith("digraph ")
    for format in ("png", "pdf"):
        status, text = run(capfd, V4, "--format", format)
        assert status == 2
        assert f"{format} is not text" in text


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for file in GOLDEN.iterdir():
        file.unlink()
    for name, dot in golden_diagrams():
        (GOLDEN / name).write_text(dot, encoding="utf-8")
