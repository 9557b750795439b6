"""Where the paper's figures, the released code and widely read tutorials disagree, and what each difference costs.

Every number of a `Difference` is either quoted from a source or computed here: from a trace of a variant of the zoo,
of a `Plan` with one thing changed, or of a few layers built on the spot. Figures, tables and sections without another
name are those of the paper. `differences()` is the entry.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import takewhile
from math import prod
from typing import Literal, TypeVar

import torch
from torch import nn

from ..models import create_model, get_variant
from ..models.inception_resnet import (
    INCEPTION_RESNET_V1,
    INCEPTION_RESNET_V2,
    InceptionResNet,
    Plan,
    StemResNetV2,
    linear_1x1,
)
from ..models.inception_v4 import ReductionA, StemV4
from ..models.layers import Branch, ConvUnit, channel_scaler
from ..models.zoo import KERAS_BLOG_V2, PAPER_V2
from .factorize import FACTORISED, SEPARABLE, SQUARE, Setting, calculate, pair_totals
from .graph import Layer, LayerGraph, Part, Shape
from .table import keras_params, shape_text
from .trace import TraceError, trace
from .window import Pair, Window

Value = int | float | str | tuple[int, ...]
Labels = tuple[str, str]
T = TypeVar("T")
Verdict = Literal["wrong", "differs", "right", "open"]

TOPICS = ("network", "stem", "channels", "blocks", "residual", "padding", "head", "naming", "counting", "paper")
VERDICTS: dict[Verdict, str] = {
    "wrong": "contradicts the network it describes, or itself",
    "differs": "true of one version of the network, not of another",
    "right": "holds when computed",
    "open": "cannot be settled by computing",
}


@dataclass(frozen=True)
class Source:
    """A text or a code base. url: its own address, empty where the text gives none. links: others in the text."""

    name: str
    title: str
    url: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """Who makes a claim, and where: a figure, a listing, a column."""

    source: Source
    place: str

    @property
    def text(self) -> str:
        return f"{self.source.name} ({self.place})"


@dataclass(frozen=True)
class Cost:
    """One quantity as a claim has it and as it is.

    Tuples are shapes: channels x height x width, or height x width. `said` is None where the claim names no value.
    labels: whose the two values are.
    """

    quantity: str
    said: Value | None
    real: Value
    labels: Labels = ("as said", "really")

    @property
    def difference(self) -> int | float | None:
        """The first value less the second, negative where the claim has too little; None unless both are numbers."""
        if isinstance(self.said, int | float) and isinstance(self.real, int | float):
            return self.said - self.real
        return None

    @property
    def text(self) -> str:
        """E.g. ``parameters: 100 as said, 90 really (10 more as said)``."""
        real = value_text(self.real)
        if self.said is None:
            return f"{self.quantity}: {real}"
        said = value_text(self.said)
        change = ""
        if self.difference and said != real:
            change = (
                f" ({value_text(abs(self.difference))} {'more' if self.difference > 0 else 'less'} {self.labels[0]})"
            )
        return f"{self.quantity}: {said} {self.labels[0]}, {real} {self.labels[1]}{change}"


@dataclass(frozen=True)
class Place:
    """A row of a layer table: name of the variant and path of the layer."""

    model: str
    path: str


@dataclass(frozen=True)
class Difference:
    """A claim about one of the networks, what really happens, and what the difference costs.

    id: short and stable, for links. topic: one of `TOPICS`. where: rows of the layer tables in which it can be seen.
    references: what `truth` rests on beside our models. unchecked: what no computation here can settle, and why;
    empty where everything was computed.
    """

    id: str
    topic: str
    verdict: Verdict
    claim: str
    said_by: tuple[Said, ...]
    truth: str
    where: tuple[Place, ...]
    costs: tuple[Cost, ...] = ()
    references: tuple[Source, ...] = ()
    unchecked: str = ""

    @property
    def who(self) -> str:
        return ", ".join(said.text for said in self.said_by)

    @property
    def sources(self) -> tuple[Source, ...]:
        """All texts and code bases behind the claim and the truth, once each."""
        return tuple(dict.fromkeys([*(said.source for said in self.said_by), *self.references]))

    @property
    def checkable(self) -> bool:
        """Whether all of it was computed; `unchecked` says what was not."""
        return not self.unchecked

    @property
    def cost(self) -> str:
        """The costs in words, or why there are none."""
        return "; ".join(cost.text for cost in self.costs) or self.unchecked


def value_text(value: Value) -> str:
    """A value for reading: 55,843,464, 0.17, 384x35x35."""
    if isinstance(value, tuple):
        return shape_text(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value


@cache
def differences() -> tuple[Difference, ...]:
    """All of them, by topic in the order of `TOPICS`; traced and computed at the first call."""
    topics = (
        about_network,
        about_stem,
        about_channels,
        about_blocks,
        about_residual,
        about_padding,
        about_head,
        about_naming,
        about_counting,
        about_paper,
    )
    return tuple(difference for topic in topics for difference in topic())


# Who says so

PAPER = Source(
    "the paper",
    "Szegedy, Ioffe, Vanhoucke, Alemi: Inception-v4, Inception-ResNet and the Impact of Residual Connections on "
    "Learning",
    "https://arxiv.org/abs/1602.07261",
)
PAPER_V3 = Source(
    "Inception-v3's paper",
    "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for Computer Vision, section 3.2",
    "https://arxiv.org/abs/1512.00567",
)
TF_SLIM = Source(
    "TF-Slim",
    "TensorFlow models, research/slim/nets",
    "https://github.com/tensorflow/models/tree/master/research/slim/nets",
)
ISSUE_1553 = Source(
    "a TF-Slim issue",
    "Inception-resnet v2 implementation differ from the paper",
    "https://github.com/tensorflow/models/issues/1553",
)
ISSUE_634 = Source(
    "a TF-Slim issue",
    "may be an error in slim.nets.inception_resnet_v2",
    "https://github.com/tensorflow/models/issues/634",
)
ISSUE_3313 = Source(
    "a TF-Slim issue",
    "7x1 and 1x7 filters mixed up in Inception v4",
    "https://github.com/tensorflow/models/issues/3313",
)
ISSUE_7041 = Source(
    "a TF-Slim issue",
    "inception_v4 is different from the paper",
    "https://github.com/tensorflow/models/issues/7041",
)
SLIM_CONV2D = Source(
    "TensorFlow's documentation",
    "tf.contrib.layers.conv2d (slim.conv2d), TensorFlow 1.15",
    "https://www.tensorflow.org/versions/r1.15/api_docs/python/tf/contrib/layers/conv2d",
)
KERAS = Source("Keras Applications", "InceptionResNetV2", "https://keras.io/api/applications/inceptionresnetv2/")
TIMM = Source("timm", "PyTorch Image Models", "https://github.com/huggingface/pytorch-image-models")
FACENET = Source(
    "FaceNet's code",
    "davidsandberg/facenet, src/models",
    "https://github.com/davidsandberg/facenet/tree/master/src/models",
)
FACENET_PYTORCH = Source("facenet-pytorch", "timesler/facenet-pytorch", "https://github.com/timesler/facenet-pytorch")
FACENET_TEXT = Source(
    "a FaceNet walk-through of v1",
    "深度学习--Inception-ResNet-v1网络结构",
    "https://blog.csdn.net/lovelyaiq/article/details/79026181",
)
KERAS_TEXT = Source("a Keras tutorial", "Inception-ResNet-V2")
PYTORCH_TEXT = Source(
    "a PyTorch notes post",
    "深度学习 / 图像分类 / Inception ResNet 论文笔记 (2018)",
    links=("https://arxiv.org/pdf/1602.07261.pdf",),
)
FACE_TABLE = Source(
    "a face-recognition layer table",
    "【深度学习笔记 face】基于Inception-Resnet的FaceID (2018)",
    links=("https://github.com/davidsandberg/facenet",),
)
SLIM_TEXT = Source(
    "a TF-Slim walk-through of v4 and v2",
    "【Tensorflow slim 实战】写Inception-V4 Inception-ResNet-v2结构 (2017)",
    links=("https://me.csdn.net/zj360202", "https://arxiv.org/pdf/1602.07261.pdf"),
)


# What the numbers are computed from

V4, V1, V2 = "inception_v4", "inception_resnet_v1", "inception_resnet_v2"
PAPER_NAME, BLOG_NAME, FACE_NAME = f"{V2}.paper", f"{V2}.keras_blog", f"{V2}.faceid"

# Two steps from the paper's figures to the released network, which adds Conv2d_7b and a last block without ReLU.
RELEASED_STEM = replace(PAPER_V2, stem=StemResNetV2, mixed_5b=True)
RELEASED_REPEATS = replace(RELEASED_STEM, repeats=INCEPTION_RESNET_V2.repeats)

LAST_FIELD = "receptive field of the last convolution, px"
FIGURES_AND_RELEASED = ("in the figures", "released")


@cache
def net(model: str | Plan, size: int = 0) -> LayerGraph:
    """The trace of a variant at `size` px (0: its own), or of the network of a plan (0: 299 px)."""
    if isinstance(model, str):
        return trace(model, size or get_variant(model).input_size)
    with torch.device("meta"):
        return trace(InceptionResNet(model), size or get_variant(V2).input_size)


def piece(build: Callable[[], nn.Module], shape: Shape) -> LayerGraph:
    """The trace of a few layers on an input of (channels, height, width)."""
    with torch.device("meta"):
        return trace(build(), shape)


def layer_at(graph: LayerGraph, path: str) -> Layer:
    """The layer of that path; raises KeyError where there is none."""
    return {layer.path: layer for layer in graph.layers}[path]


def window_at(layer: Layer) -> Window:
    """The window of a layer that has one."""
    assert layer.window is not None
    return layer.window


def field_at(graph: LayerGraph, layer: Layer) -> Pair:
    """Receptive field of a layer of `graph`, height and width."""
    field = graph.receptive_fields[layer.index]
    assert field is not None  # the branches of these networks agree in stride
    return field.size


def params_of(layers: Iterable[Layer]) -> int:
    return sum(layer.params for layer in layers)


def macs_of(layers: Iterable[Layer]) -> int:
    return sum(layer.macs for layer in layers)


def parts_of(layers: Iterable[Layer], op: str) -> list[Part]:
    """The operations of one kind."""
    return [part for layer in layers for part in layer.parts if part.op == op]


def norm_channels(layers: Iterable[Layer]) -> int:
    """Channels that pass a batch norm."""
    return sum(part.out_shape[0] for part in parts_of(layers, "batch norm"))


def stage(graph: LayerGraph, *titles: str) -> list[Layer]:
    """The layers of the stages with these titles."""
    return [layer for layer in graph.layers if layer.stage in titles]


def block(graph: LayerGraph, name: str) -> list[Layer]:
    """The layers of the block of that name."""
    return [layer for layer in graph.layers if layer.block == name]


def body(graph: LayerGraph) -> list[Layer]:
    """Everything before the first linear layer."""
    return list(takewhile(lambda layer: layer.op != "linear", graph.layers))


def residual_stages(graph: LayerGraph) -> list[list[Layer]]:
    """The layers of Inception-ResNet-A, -B and -C."""
    return [stage(graph, f"Inception-ResNet-{kind}") for kind in "ABC"]


def block_counts(graph: LayerGraph) -> str:
    """How many residual blocks of each kind: 10/20/10."""
    return "/".join(str(len({layer.block for layer in layers})) for layers in residual_stages(graph))


def block_channels(graph: LayerGraph) -> str:
    """Channels on which the residual blocks of each kind work: 320/1088/2080."""
    return "/".join(str(layers[-1].out_shape[0]) for layers in residual_stages(graph))


def block_scales(graph: LayerGraph) -> str:
    """Residual scale of the first block of each kind: 0.17/0.1/0.2."""
    return "/".join(f"{parts_of(layers, 'residual sum')[0].scale:g}" for layers in residual_stages(graph))


def block_grids(graph: LayerGraph) -> str:
    """Rows of the grids on which the residual blocks work: 35/17/8."""
    return "/".join(str(layers[-1].out_shape[1]) for layers in residual_stages(graph))


def last_conv(layers: Iterable[Layer]) -> Layer:
    return [layer for layer in layers if layer.op == "conv"][-1]


def droppers(graph: LayerGraph) -> list[Layer]:
    """Layers whose windows leave rows or columns of their input unreached."""
    return [layer for layer in graph.layers if layer.window and any(layer.window.dropped)]


def keras_count(graph: LayerGraph) -> int:
    """Parameters of the whole network as Keras counts."""
    return sum(keras_params(part, graph.keras_gamma) for layer in graph.layers for part in layer.parts)


def dropout_of(model: str) -> float:
    """The share of features that the variant's dropout sets to zero in training."""
    modules = create_model(model, device="meta", repeats=(1, 1, 1)).modules()
    return next(module.p for module in modules if isinstance(module, nn.Dropout))


def each(quantity: str, value: Callable[[T], Value], of: tuple[T, T], *labels: Labels) -> Cost:
    """A cost whose two values are computed alike."""
    return Cost(quantity, value(of[0]), value(of[1]), *labels)


def refusal(model: str, size: int) -> str:
    """Why a picture of `size` px is too small for the variant."""
    try:
        trace(model, size, repeats=(1, 1, 1))
    except TraceError as error:
        return str(error)
    raise ValueError(f"{model} takes {size} px.")


def whole(said: LayerGraph, real: LayerGraph, *labels: Labels) -> tuple[Cost, ...]:
    """What tells one network from another."""
    return (
        Cost("parameters", said.params, real.params, *labels),
        Cost("MACs", said.macs, real.macs, *labels),
        each(LAST_FIELD, lambda graph: field_at(graph, last_conv(graph.layers)), (said, real), *labels),
    )


def some(said: Sequence[Layer], real: Sequence[Layer], *labels: Labels) -> tuple[Cost, ...]:
    """What tells some layers from others."""
    return (
        Cost("parameters", params_of(said), params_of(real), *labels),
        Cost("MACs", macs_of(said), macs_of(real), *labels),
        Cost("output", said[-1].out_shape, real[-1].out_shape, *labels),
    )


# The differences, topic by topic


def about_network() -> list[Difference]:
    paper, released = net(PAPER_NAME), net(V2)
    face = net(FACE_NAME)
    return [
        Difference(
            id="released-is-not-the-paper",
            topic="network",
            verdict="differs",
            claim="Inception-ResNet-v2 is the network of the paper's figures.",
            said_by=(Said(PAPER, "Fig. 15 to 19"), Said(TF_SLIM, "docstring: as described in the paper")),
            truth="The network that was released, with weights, has another stem, "
            f"{block_counts(released)} instead of {block_counts(paper)} residual blocks on "
            f"{block_channels(released)} instead of {block_channels(paper)} channels, a last block without ReLU and "
            "a 1x1 convolution before the pool. Asked about it, TF-Slim's maintainers answered that the code is what "
            "the authors intended.",
            costs=whole(paper, released, FIGURES_AND_RELEASED),
            where=(Place(V2, "stem.MaxPool_5a_3x3"), Place(PAPER_NAME, "stem.Mixed_5a.concat")),
            references=(TIMM, KERAS, ISSUE_1553),
        ),
        Difference(
            id="faceid-changes",
            topic="network",
            verdict="wrong",
            claim="The face-recognition network changes the paper's a little.",
            said_by=(Said(FACE_TABLE, "above the table"),),
            truth="Row by row it is the released network, with FaceNet's bottleneck in place of the classes. Against "
            f"the paper's figures it has {block_counts(face)} instead of {block_counts(paper)} blocks, "
            f"{block_channels(face)} instead of {block_channels(paper)} channels and another stem.",
            costs=(
                Cost("blocks", block_counts(paper), block_counts(face)),
                Cost("parameters before the linear layer", params_of(body(paper)), params_of(body(face))),
                Cost("features", body(paper)[-1].out_shape, body(face)[-1].out_shape),
            ),
            where=(Place(FACE_NAME, "head.Bottleneck"), Place(FACE_NAME, "inception_a.Mixed_5b.concat")),
            references=(FACENET, TF_SLIM, PAPER),
        ),
    ]


def about_stem() -> list[Difference]:
    w = channel_scaler(1.0)
    v4, v2, v1 = net(V4), net(V2), net(V1, 299)
    v4_stem, v2_stem, v1_stem = stage(v4, "Stem"), stage(v2, "Stem"), stage(v1, "Stem")
    wide = layer_at(v4, "stem.Conv2d_2b_3x3").out_shape
    two_more = piece(lambda: nn.Sequential(ConvUnit(64, 32, 3), ConvUnit(32, 64, 3)), wide)
    listed = piece(
        lambda: nn.Sequential(
            ConvUnit(3, 32, 3, stride=2, padding="valid"),
            ConvUnit(32, 32, 3, padding="valid"),
            ConvUnit(32, 64, 3),
            ConvUnit(64, 80, 1),
            ConvUnit(80, 192, 3, padding="valid"),
        ),
        v1.input_shape,
    )
    strided = layer_at(v4, "stem.Mixed_5a.Branch_0.Conv2d_1a_3x3")
    last_pool = layer_at(v4, "stem.Mixed_5a.Branch_1.MaxPool_1a_3x3")
    unstrided = piece(lambda: ConvUnit(192, 192, 3, padding="valid"), strided.in_shapes[0])
    long_branch = [layer_at(v4, f"stem.Mixed_4a.Branch_1.{name}") for name in ("Conv2d_0b_1x7", "Conv2d_0c_7x1")]
    swapped = piece(
        lambda: nn.Sequential(ConvUnit(64, 64, (7, 1)), ConvUnit(64, 64, (1, 7))),
        long_branch[0].in_shapes[0],
    ).layers
    bare = piece(lambda: StemV4(3, w, conv=conv_as_slim_alone), v4.input_shape)

    by_code = ("as drawn", "in the code")

    def concats(layers: Sequence[Layer]) -> int:
        return sum(layer.op == "concat" for layer in layers)

    def uneven(layers: Sequence[Layer]) -> int:
        return sum(layer.window is not None and len(set(layer.window.kernel)) > 1 for layer in layers)

    return [
        Difference(
            id="v2-stem",
            topic="stem",
            verdict="differs",
            claim="Inception-ResNet-v2 begins with Inception-v4's stem, not with Inception-v3's plain convolutions.",
            said_by=(
                Said(PAPER, "Fig. 15 and 3"),
                Said(KERAS_TEXT, "text and code"),
                Said(PYTORCH_TEXT, "text"),
                Said(SLIM_TEXT, "one stem for both"),
                Said(FACENET_TEXT, "text"),
            ),
            truth="The released network keeps exactly Inception-v3's row of layers, which ends on "
            f"{v2_stem[-1].out_shape[0]} channels; one Inception block, Mixed_5b, widens them to "
            f"{stage(v2, 'Inception-A')[-1].out_shape[0]}. The costs are of all layers before the first residual "
            "block.",
            costs=some(v4_stem, stage(v2, "Stem", "Inception-A"), FIGURES_AND_RELEASED),
            where=(Place(V2, "inception_a.Mixed_5b.concat"), Place(PAPER_NAME, "stem.Mixed_5a.concat")),
            references=(TF_SLIM, TIMM, KERAS),
        ),
        Difference(
            id="v2-stem-listing",
            topic="stem",
            verdict="wrong",
            claim="A listing headed 'Inception-ResNet-v2 inception v4 Stem' shows Inception-v4's stem.",
            said_by=(Said(PYTORCH_TEXT, "last listing"),),
            truth="It shows the released network's, which shares only its first three layers with Inception-v4's. "
            f"The same post's Block35 takes {stage(v2, 'Inception-ResNet-A')[-1].out_shape[0]} channels: neither "
            f"Inception-v4's {v4_stem[-1].out_shape[0]} nor the listing's {v2_stem[-1].out_shape[0]}, but those of "
            "Mixed_5b, which the post leaves out.",
            costs=some(v4_stem, v2_stem),
            where=(Place(V2, "stem.MaxPool_5a_3x3"), Place(V4, "stem.Mixed_5a.concat")),
            references=(TIMM,),
        ),
        Difference(
            id="v1-stem-is-v3",
            topic="stem",
            verdict="wrong",
            claim="Inception-ResNet-v1 begins with Inception-v3's stem.",
            said_by=(Said(FACENET_TEXT, "text"), Said(PYTORCH_TEXT, "text")),
            truth="All but the last layer agree. Inception-v3, like the released v2, ends in a max pool on "
            f"{v2_stem[-1].out_shape[0]} channels; v1 ends in a 3x3 convolution of stride 2 to "
            f"{v1_stem[-1].out_shape[0]} (Fig. 14).",
            costs=some(v2_stem, v1_stem),
            where=(Place(V1, "stem.Conv2d_4b_3x3"), Place(V2, "stem.MaxPool_5a_3x3")),
            references=(PAPER, TF_SLIM, FACENET),
        ),
        Difference(
            id="v1-stem-listing",
            topic="stem",
            verdict="wrong",
            claim="The stem of Inception-ResNet-v1 consists of five convolutions.",
            said_by=(Said(PYTORCH_TEXT, "last listing"),),
            truth="It has six and a max pool. The five alone would hand the blocks a grid of "
            f"{shape_text(listed.output_shape[1:])} instead of {shape_text(v1_stem[-1].out_shape[1:])}.",
            costs=some(listed.layers, v1_stem),
            where=(Place(V1, "stem.MaxPool_3a_3x3"), Place(V1, "stem.Conv2d_4b_3x3")),
            references=(PAPER, FACENET),
        ),
        Difference(
            id="v1-stem-parallel",
            topic="stem",
            verdict="wrong",
            claim="The input part of Inception-ResNet-v1 has parallel branches and asymmetric kernels.",
            said_by=(Said(FACENET_TEXT, "first paragraph"),),
            truth="That is Inception-v4's stem. v1's is one row of layers with square kernels, as the same text "
            "shows further down.",
            costs=(
                Cost("concatenations in the stem", concats(v4_stem), concats(v1_stem)),
                Cost("kernels in the stem that are not square", uneven(v4_stem), uneven(v1_stem)),
            ),
            where=(Place(V1, "stem.Conv2d_4b_3x3"), Place(V4, "stem.Mixed_4a.Branch_1.Conv2d_0b_1x7")),
            references=(PAPER, FACENET),
        ),
        Difference(
            id="stem-five-convolutions",
            topic="stem",
            verdict="wrong",
            claim="Five 3x3 convolutions come before the first branching of Inception-v4's stem.",
            said_by=(Said(SLIM_TEXT, "table in the docstring"),),
            truth=f"Three do (Fig. 3), also in the code below that table, which repeats two {shape_text(wide[1:])} "
            "rows.",
            costs=(
                Cost("parameters", params_of(v4_stem) + two_more.params, params_of(v4_stem)),
                Cost("MACs", macs_of(v4_stem) + two_more.macs, macs_of(v4_stem)),
            ),
            where=(Place(V4, "stem.Conv2d_2b_3x3"),),
            references=(PAPER, TF_SLIM),
        ),
        Difference(
            id="stem-last-stride",
            topic="stem",
            verdict="wrong",
            claim="The last 3x3 convolution of Inception-v4's stem has stride 1.",
            said_by=(Said(PAPER, "Fig. 3: 3x3 Conv (192 V), no stride"),),
            truth="It has stride 2. At stride 1 its grid would be "
            f"{shape_text(unstrided.output_shape[1:])} beside the pool's {shape_text(last_pool.out_shape[1:])}, and "
            "the two could not be concatenated.",
            costs=some(unstrided.layers, [strided]),
            where=(Place(V4, strided.path),),
            references=(TF_SLIM, TIMM, ISSUE_7041),
        ),
        Difference(
            id="stem-order-of-7x1",
            topic="stem",
            verdict="differs",
            claim="In the long branch of Inception-v4's stem, 7x1 comes before 1x7.",
            said_by=(Said(PAPER, "Fig. 3"), Said(SLIM_TEXT, "table and code")),
            truth="In TF-Slim, timm and the Keras tutorial 1x7 comes first. Both orders cost the same and see the "
            "same window, but the weights of one do not fit the other.",
            costs=(
                Cost("first kernel", window_at(swapped[0]).kernel, window_at(long_branch[0]).kernel, by_code),
                *some(swapped, long_branch, by_code),
            ),
            where=(Place(V4, long_branch[0].path),),
            references=(TF_SLIM, TIMM, KERAS_TEXT),
        ),
        Difference(
            id="stem-without-batch-norm",
            topic="stem",
            verdict="wrong",
            claim="slim.conv2d with stride and padding is all that the stem's convolutions need.",
            said_by=(Said(SLIM_TEXT, "code"),),
            truth="slim.conv2d has a bias and no batch norm unless normalizer_fn says so, and the code's arg_scope "
            "sets stride and padding only. Unless whoever calls it sets one, no convolution of the stem is normalised.",
            costs=(
                Cost("channels with batch norm", norm_channels(bare.layers), norm_channels(v4_stem)),
                *some(bare.layers, v4_stem),
            ),
            where=(Place(V4, "stem.Conv2d_1a_3x3"),),
            references=(SLIM_CONV2D, TF_SLIM),
        ),
    ]


def conv_as_slim_alone(
    in_channels: int, out_channels: int, kernel_size: int | Pair, stride: int = 1, padding: str = "same"
) -> nn.Module:
    """What slim.conv2d makes without a normalizer_fn: bias and ReLU, no batch norm."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding), nn.ReLU())


def about_channels() -> list[Difference]:
    w = channel_scaler(1.0)
    paper, released, v1 = net(PAPER_NAME), net(V2), net(V1, 299)
    mixed_6a, mixed_7a = (
        layer_at(paper, path) for path in ("reduction_a.Mixed_6a.concat", "reduction_b.Mixed_7a.concat")
    )
    up_b, up_c = (layer_at(paper, f"inception_resnet_{name}.Conv2d_1x1") for name in ("b.Block17_1", "c.Block8_1"))
    v1_6a = {layer.layer if layer.branch != "Branch_0" else "n": layer for layer in block(v1, "Mixed_6a")}
    klmn = [v1_6a[name].out_shape[0] for name in ("Conv2d_0a_1x1", "Conv2d_0b_3x3", "Conv2d_1a_3x3", "n")]
    a_of_v1, a_of_v2 = (
        piece(lambda plan=plan: ReductionA(256, plan.klmn, w), v1_6a["n"].in_shapes[0])  # type: ignore[misc]
        for plan in (INCEPTION_RESNET_V1, INCEPTION_RESNET_V2)
    )
    stems = ("with the paper's stem", "with the released stem")
    conv_3b = layer_at(net(FACE_NAME), "stem.Conv2d_3b_1x1")

    def widened(layer: Layer, channels: int) -> Sequence[Layer]:
        """A linear 1x1 on the input of `layer`, with another number of output channels."""
        shape = layer.in_shapes[0]
        return piece(lambda: linear_1x1(shape[0], channels, 1), shape).layers

    def sum_text(layer: Layer) -> str:
        """384 + 384 + 384 = 1,152."""
        return f"{' + '.join(str(shape[0]) for shape in layer.in_shapes)} = {layer.out_shape[0]:,}"

    return [
        Difference(
            id="channels-1154",
            topic="channels",
            verdict="wrong",
            claim="The 1x1 before the sum of Inception-ResNet-B gives 1154 channels.",
            said_by=(Said(PAPER, "Fig. 17: 1x1 Conv (1154 Linear)"),),
            truth=f"It must give as many as it is added to, and Reduction-A concatenates {sum_text(mixed_6a)}. "
            "Parameters and MACs are those of one such 1x1.",
            costs=(
                Cost("output", (1154, *mixed_6a.out_shape[1:]), mixed_6a.out_shape),
                *some(widened(up_b, 1154), [up_b])[:2],
            ),
            where=(Place(PAPER_NAME, mixed_6a.path), Place(PAPER_NAME, up_b.path)),
            references=(KERAS_TEXT,),
        ),
        Difference(
            id="channels-2048",
            topic="channels",
            verdict="wrong",
            claim="The 1x1 before the sum of Inception-ResNet-C gives 2048 channels.",
            said_by=(Said(PAPER, "Fig. 19: 1x1 Conv (2048 Linear)"),),
            truth=f"It must give as many as it is added to, and Reduction-B concatenates {sum_text(mixed_7a)}. "
            "Parameters and MACs are those of one such 1x1.",
            costs=(
                Cost("output", (2048, *mixed_7a.out_shape[1:]), mixed_7a.out_shape),
                *some(widened(up_c, 2048), [up_c])[:2],
            ),
            where=(Place(PAPER_NAME, mixed_7a.path), Place(PAPER_NAME, up_c.path)),
            references=(KERAS_TEXT,),
        ),
        Difference(
            id="channels-of-the-blocks",
            topic="channels",
            verdict="differs",
            claim=f"The residual blocks work on {block_channels(paper)} channels.",
            said_by=(Said(PAPER, "Fig. 3, 7, 16 and 18, as far as they add up"), Said(KERAS_TEXT, "code")),
            truth=f"In the released network on {block_channels(released)}: its stem and Mixed_5b hand over "
            f"{stage(released, 'Inception-A')[-1].out_shape[0]}, and both reductions carry that on through their max "
            "pools. The costs are of the paper's network with the released stem and nothing else changed.",
            costs=(
                Cost("channels", block_channels(paper), block_channels(net(RELEASED_STEM)), stems),
                *whole(paper, net(RELEASED_STEM), stems),
            ),
            where=(Place(V2, "reduction_a.Mixed_6a.concat"), Place(PAPER_NAME, "reduction_a.Mixed_6a.concat")),
            references=(TF_SLIM, TIMM),
        ),
        Difference(
            id="channels-of-fig-15",
            topic="channels",
            verdict="differs",
            claim="The output sizes printed beside the schema are those of both Inception-ResNets.",
            said_by=(Said(PAPER, "Fig. 15"),),
            truth="They are v1's, as the caption says.",
            costs=tuple(
                Cost(f"output of {of_v1[0].stage}", of_v1[-1].out_shape, of_v2[-1].out_shape, ("in v1", "in v2"))
                for of_v1, of_v2 in (
                    (stage(v1, title), stage(paper, title)) for title in ("Stem", "Reduction-A", "Reduction-B")
                )
            ),
            where=(Place(V1, "reduction_b.Mixed_7a.concat"), Place(PAPER_NAME, "reduction_b.Mixed_7a.concat")),
        ),
        Difference(
            id="channels-1024",
            topic="channels",
            verdict="wrong",
            claim="Reduction-A of Inception-ResNet-v2 ends on 1024 channels.",
            said_by=(Said(TF_SLIM, "comment in the code until it was corrected"), Said(FACENET, "same comment")),
            truth=f"The code gives {sum_text(layer_at(released, 'reduction_a.Mixed_6a.concat'))}; "
            f"{layer_at(net(V4), 'reduction_a.Mixed_6a.concat').out_shape[0]:,} is Inception-v4's number.",
            costs=(Cost("channels of Mixed_6a", 1024, layer_at(released, "reduction_a.Mixed_6a.concat").out_shape[0]),),
            where=(Place(V2, "reduction_a.Mixed_6a.concat"), Place(V4, "reduction_a.Mixed_6a.concat")),
            references=(ISSUE_634,),
        ),
        Difference(
            id="block35-is-v2",
            topic="channels",
            verdict="wrong",
            claim="The listings of Block35, Block17 and Block8 are the blocks of Inception-ResNet-v1.",
            said_by=(Said(PYTORCH_TEXT, "text above the listings"),),
            truth=f"They are the released v2's, on {block_channels(released)} channels; v1's work on "
            f"{block_channels(v1)} and are thinner. The costs are of one Block35.",
            costs=some(block(released, "Block35_1"), block(v1, "Block35_1"), ("as listed", "in v1")),
            where=(
                Place(V2, "inception_resnet_a.Block35_1.Conv2d_1x1"),
                Place(V1, "inception_resnet_a.Block35_1.Conv2d_1x1"),
            ),
            references=(TIMM, FACENET),
        ),
        Difference(
            id="reduction-a-same",
            topic="channels",
            verdict="wrong",
            claim="Reduction-A is the same in Inception-ResNet-v1 and -v2.",
            said_by=(Said(FACENET_TEXT, "text"),),
            truth="The drawing is (Fig. 7), the filters are not: k, l, m, n are "
            f"{', '.join(map(str, INCEPTION_RESNET_V1.klmn))} in v1 and "
            f"{', '.join(map(str, INCEPTION_RESNET_V2.klmn))} in v2 (Table 1). The costs are on v1's input.",
            costs=some(a_of_v1.layers, a_of_v2.layers, ("with v1's filters", "with v2's")),
            where=(Place(V1, "reduction_a.Mixed_6a.concat"), Place(V2, "reduction_a.Mixed_6a.concat")),
            references=(PAPER,),
        ),
        Difference(
            id="reduction-a-klmn",
            topic="channels",
            verdict="right",
            claim="With k, l, m, n = 192, 192, 256, 384, Reduction-A of v1 turns 256 into 896 channels.",
            said_by=(Said(FACENET_TEXT, "text and code"),),
            truth="k, l and m are the long branch in order of execution; n, though last, is the single convolution "
            f"beside it: {sum_text(layer_at(v1, 'reduction_a.Mixed_6a.concat'))}.",
            costs=(
                Cost("k, l, m, n", "192, 192, 256, 384", ", ".join(map(str, klmn))),
                Cost("output", (896, 17, 17), layer_at(v1, "reduction_a.Mixed_6a.concat").out_shape),
            ),
            where=(Place(V1, v1_6a["n"].path), Place(V1, "reduction_a.Mixed_6a.concat")),
        ),
        Difference(
            id="upsampling",
            topic="channels",
            verdict="wrong",
            claim="Conv2d_3b_1x1 is an upsampling.",
            said_by=(Said(FACE_TABLE, "last column"),),
            truth="A 1x1 convolution of stride 1 keeps the grid; what grows is the number of channels.",
            costs=(
                Cost("rows x columns before", None, conv_3b.in_shapes[0][1:]),
                Cost("rows x columns after", None, conv_3b.out_shape[1:]),
                Cost("channels before", None, conv_3b.in_shapes[0][0]),
                Cost("channels after", 80, conv_3b.out_shape[0]),
            ),
            where=(Place(FACE_NAME, conv_3b.path),),
        ),
    ]


def about_blocks() -> list[Difference]:
    blog, released = net(BLOG_NAME), net(V2)
    few, many = net(RELEASED_STEM), net(RELEASED_REPEATS)
    b = [layer_at(net(V4), f"inception_b.Mixed_6b.Branch_1.{name}") for name in ("Conv2d_0b_1x7", "Conv2d_0c_7x1")]
    widths = [b[0].in_shapes[0][0], *(layer.out_shape[0] for layer in b)]
    flat = piece(
        lambda: nn.Sequential(ConvUnit(widths[0], widths[1], (1, 7)), ConvUnit(widths[1], widths[2], (1, 7))),
        b[0].in_shapes[0],
    )
    crossed = piece(
        lambda: nn.Sequential(ConvUnit(widths[0], widths[1], (1, 7)), ConvUnit(widths[1], widths[2], (7, 1))),
        b[0].in_shapes[0],
    )
    c_grids = [int(block_grids(graph).split("/")[-1]) for graph in (released, net(FACE_NAME))]
    biases = sum(part.params - part.macs // prod(part.out_shape[1:]) for part in parts_of(blog.layers, "conv"))
    options = {option.name: option.graph for option in calculate(Setting())}

    def on_zeros(length: int, cells: int) -> float:
        """The share of a SAME window of `length` that lies outside a row of `cells`, over all its positions."""
        reached = [i + j - length // 2 for i in range(cells) for j in range(length)]
        return sum(not 0 <= cell < cells for cell in reached) / len(reached)

    return [
        Difference(
            id="repeats",
            topic="blocks",
            verdict="differs",
            claim=f"Inception-ResNet-v2 has {block_counts(few)} residual blocks.",
            said_by=(Said(PAPER, "Fig. 15"),),
            truth=f"The released network has {block_counts(many)}. The Keras tutorial takes {block_counts(blog)} too, "
            "though with the paper's stem and channels. The costs are of the released network without Conv2d_7b.",
            costs=(
                Cost("blocks", block_counts(few), block_counts(many), FIGURES_AND_RELEASED),
                *whole(few, many, FIGURES_AND_RELEASED),
            ),
            where=(
                Place(V2, "inception_resnet_a.Block35_10.residual_sum"),
                Place(PAPER_NAME, "inception_resnet_a.Block35_5.residual_sum"),
            ),
            references=(TF_SLIM, TIMM, KERAS, KERAS_TEXT),
        ),
        Difference(
            id="1x7-in-block-c",
            topic="blocks",
            verdict="wrong",
            claim="Inception-ResNet-C looks through 1x7 and 7x1.",
            said_by=(Said(KERAS_TEXT, "code"),),
            truth="Through 1x3 and 3x1 (Fig. 19). On so small a grid a long window looks past the edge: of 7 cells, "
            f"{on_zeros(7, c_grids[0]):.0%} lie on zeros at 299 px and {on_zeros(7, c_grids[1]):.0%} at 160 px.",
            costs=(
                *whole(blog, net(replace(KERAS_BLOG_V2, block_c_kernel=3))),
                each("share of the window on zeros, 299 px", lambda length: on_zeros(length, c_grids[0]), (7, 3)),
                each("share of the window on zeros, 160 px", lambda length: on_zeros(length, c_grids[1]), (7, 3)),
            ),
            where=(
                Place(BLOG_NAME, "inception_resnet_c.Block8_1.Branch_1.Conv2d_0b_1x7"),
                Place(V2, "inception_resnet_c.Block8_1.Branch_1.Conv2d_0b_1x3"),
            ),
            references=(PAPER, TF_SLIM),
        ),
        Difference(
            id="inception-b-order",
            topic="blocks",
            verdict="wrong",
            claim="The middle branch of Inception-B has 1x7 twice, the long one begins with 1x7.",
            said_by=(Said(PAPER, "Fig. 5"),),
            truth="The code has 1x7 and 7x1 in the middle branch, and 7x1 first in the long one. Two 1x7 in a row "
            "cost the same and never look up or down; the costs are of that pair, the window is in cells.",
            costs=(
                each("window", lambda graph: field_at(graph, graph.layers[-1]), (flat, crossed)),
                *some(flat.layers, crossed.layers),
            ),
            where=(Place(V4, b[1].path), Place(V4, "inception_b.Mixed_6b.Branch_2.Conv2d_0b_7x1")),
            references=(TF_SLIM, TIMM, ISSUE_3313, ISSUE_7041),
        ),
        Difference(
            id="bias-under-batch-norm",
            topic="blocks",
            verdict="wrong",
            claim="A convolution before a batch norm needs a bias.",
            said_by=(Said(KERAS_TEXT, "code: Conv2D with its default use_bias"),),
            truth="Batch norm subtracts the mean and with it any bias. TF-Slim, timm and Keras Applications leave it "
            "out.",
            costs=(Cost("parameters", blog.params, blog.params - biases), Cost("MACs", blog.macs, blog.macs)),
            where=(Place(BLOG_NAME, "stem.Conv2d_1a_3x3"), Place(V2, "stem.Conv2d_1a_3x3")),
            references=(TF_SLIM, TIMM, KERAS),
        ),
        Difference(
            id="separable",
            topic="blocks",
            verdict="differs",
            claim="7x1 after 1x7 is a separable convolution.",
            said_by=(Said(KERAS_TEXT, "text: spatial separable convolution"),),
            truth="Each half has weights of its own between all channels, and in these networks batch norm and ReLU "
            "stand between them, so the pair is no 7x7 kernel taken apart; Inception-v3's paper calls it factorised. "
            "What frameworks call separable first filters each channel on its own. The costs are on 256 channels and "
            "a 64x64 grid, both with biases.",
            costs=some(options[SEPARABLE].layers, options[FACTORISED].layers, (SEPARABLE, FACTORISED)),
            where=(
                Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0b_1x7"),
                Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0c_7x1"),
            ),
            references=(PAPER_V3,),
        ),
    ]


def about_residual() -> list[Difference]:
    blog, released, v1 = net(BLOG_NAME), net(V2), net(V1)
    normed = [layer for layer in blog.layers if layer.layer == "Conv2d_1x1" and not layer.branch]
    norms = sum(part.params for part in parts_of(normed, "batch norm"))
    extra, before = block(v1, "Block8"), block(v1, "Block8_5")
    scales = [parts_of(layers, "residual sum")[0].scale or 0.0 for layers in (before, extra)]
    blog_sum = layer_at(blog, "inception_resnet_a.Block35_1.residual_sum")
    five_and_six = ("with five blocks", "with six")
    return [
        Difference(
            id="linear-1x1",
            topic="residual",
            verdict="wrong",
            claim="Batch norm and ReLU follow the 1x1 before the residual sum.",
            said_by=(Said(KERAS_TEXT, "code"),),
            truth="The paper has it without activation (section 3.2), TF-Slim with a bias and neither batch norm nor "
            "ReLU. After a ReLU no residual is negative, and the sums can only grow from block to block.",
            costs=(Cost("parameters", blog.params, blog.params - norms), Cost("MACs", blog.macs, blog.macs)),
            where=(
                Place(BLOG_NAME, "inception_resnet_a.Block35_1.Conv2d_1x1"),
                Place(V2, "inception_resnet_a.Block35_1.Conv2d_1x1"),
            ),
            references=(PAPER, TF_SLIM, PYTORCH_TEXT),
        ),
        Difference(
            id="residual-scale",
            topic="residual",
            verdict="wrong",
            claim="The residual is added as it is.",
            said_by=(Said(KERAS_TEXT, "code"), Said(PYTORCH_TEXT, "scale=1.0 by default, and no call shown")),
            truth="The paper scales it by 0.1 to 0.3 (section 3.3), TF-Slim by "
            f"{block_scales(released)} in the A, B and C blocks. A factor costs no parameter and no MAC.",
            costs=(
                Cost("scale in A/B/C", block_scales(blog), block_scales(released)),
                Cost("parameters of a sum", None, blog_sum.params),
                Cost("MACs of a sum", None, blog_sum.macs),
            ),
            where=(
                Place(BLOG_NAME, blog_sum.path),
                Place(V2, "inception_resnet_a.Block35_1.residual_sum"),
            ),
            references=(PAPER, TF_SLIM),
            unchecked="That very wide networks 'die' without the scale shows only in training.",
        ),
        Difference(
            id="last-block",
            topic="residual",
            verdict="differs",
            claim="FaceNet adds one more Inception-ResNet-C, without ReLU.",
            said_by=(
                Said(FACENET_TEXT, "text and code"),
                Said(FACE_TABLE, "10 blocks, no activate at last"),
            ),
            truth="So it does, and its scale is "
            f"{scales[1]:g} instead of {scales[0]:g}, which the text does not say. The released v2 makes its tenth "
            "block the same way. In the paper a ReLU follows every sum and v1 has five blocks. The costs are "
            "FaceNet's, at 160 px.",
            costs=(
                Cost("scale of the last sum", scales[0], scales[1], five_and_six),
                Cost("parameters", v1.params - params_of(extra), v1.params, five_and_six),
                Cost("MACs", v1.macs - macs_of(extra), v1.macs, five_and_six),
                each(LAST_FIELD, lambda layers: field_at(v1, last_conv(layers)), (before, extra), five_and_six),
            ),
            where=(
                Place(V1, "inception_resnet_c.Block8.residual_sum"),
                Place(V1, "inception_resnet_c.Block8_5.residual_sum"),
                Place(V2, "inception_resnet_c.Block8.residual_sum"),
            ),
            references=(FACENET, FACENET_PYTORCH, TF_SLIM, PAPER),
        ),
    ]


def about_padding() -> list[Difference]:
    v4, v4_229, face, v1, small_v1 = net(V4), net(V4, 229), net(FACE_NAME), net(V1, 299), net(V1)
    same, same_229 = (piece(stem_with_same, (3, size, size)) for size in (299, 229))
    smallest = layer_at(trace(V2, 75, repeats=(1, 1, 1)), "head.Logits.AvgPool_1a_8x8")
    by_face = ("at 299 px", "at 160 px")
    sizes, by_size, pool = (v4_229, v4), ("at 229 px", "at 299 px"), "head.Logits.AvgPool_1a"
    mixed_6a = layer_at(net(V2), "reduction_a.Mixed_6a.Branch_0.Conv2d_1a_3x3")
    unstrided = piece(
        lambda: ConvUnit(mixed_6a.in_shapes[0][0], mixed_6a.out_shape[0], 3, padding="valid"), mixed_6a.in_shapes[0]
    )

    return [
        Difference(
            id="same-for-valid",
            topic="padding",
            verdict="wrong",
            claim="The first convolution and the stem's other strided windows are SAME.",
            said_by=(Said(SLIM_TEXT, "code"),),
            truth="They are VALID, as the text's own table needs: SAME gives "
            f"{shape_text(same.layers[0].out_shape[1:])} where it says "
            f"{shape_text(v4.layers[0].out_shape[1:])}, and every grid after it is off.",
            costs=(
                Cost("output of the first convolution", same.layers[0].out_shape, v4.layers[0].out_shape),
                *some(same.layers, stage(v4, "Stem")),
            ),
            where=(Place(V4, "stem.Conv2d_1a_3x3"), Place(V4, "stem.Mixed_5a.concat")),
            references=(PAPER, TF_SLIM),
        ),
        Difference(
            id="229-for-299",
            topic="padding",
            verdict="wrong",
            claim="The input is 229 x 229 pixels, and the first convolution makes 149 x 149 of it.",
            said_by=(Said(SLIM_TEXT, "default_image_size and table"),),
            truth=f"It is 299. From 229 the first convolution makes {shape_text(v4_229.layers[0].out_shape[1:])} "
            f"(the post's SAME: {shape_text(same_229.layers[0].out_shape[1:])}), the stem "
            f"{shape_text(stage(v4_229, 'Stem')[-1].out_shape[1:])}, and {len(droppers(v4_229))} layers lose a row "
            f"and a column; from 299 {len(droppers(v4))} do.",
            costs=(
                Cost("output of the first convolution at 229 px", (32, 149, 149), v4_229.layers[0].out_shape),
                each("grid before the last pool", lambda graph: layer_at(graph, pool).in_shapes[0], sizes, by_size),
                each("MACs", lambda graph: graph.macs, sizes, by_size),
                each("layers that lose pixels", lambda graph: len(droppers(graph)), sizes, by_size),
            ),
            where=(Place(V4, "stem.Conv2d_1a_3x3"),),
            references=(PAPER, TF_SLIM),
        ),
        Difference(
            id="odd-loses-nothing",
            topic="padding",
            verdict="right",
            claim="At 160 px six layers lose a row and a column; those on a 17x17 grid lose nothing, 17 being odd.",
            said_by=(Said(FACE_TABLE, "last column"),),
            truth="A VALID 3x3 of stride 2 loses what (n - 3) mod 2 leaves, so odd grids lose nothing and even ones a "
            "row and a column. 299 px are chosen well: no layer loses anything.",
            costs=(
                Cost("layers that lose pixels at 160 px", 6, len(droppers(face))),
                Cost("layers that lose pixels at 299 px", None, len(droppers(net(V2)))),
            ),
            where=(
                Place(FACE_NAME, "stem.Conv2d_1a_3x3"),
                Place(FACE_NAME, "reduction_a.Mixed_6a.Branch_0.Conv2d_1a_3x3"),
                Place(FACE_NAME, "reduction_b.Mixed_7a.Branch_0.Conv2d_1a_3x3"),
            ),
        ),
        Difference(
            id="smallest-input",
            topic="padding",
            verdict="right",
            claim="The picture of Inception-ResNet-v2 needs at least 75 x 75 pixels.",
            said_by=(Said(KERAS, "documentation of input_shape"),),
            truth=f"At 75 px the last pool has a grid of {shape_text(smallest.in_shapes[0][1:])}. At 74 px the trace "
            f"says: {refusal(V2, 74)}",
            costs=(Cost("grid before the last pool at 75 px", None, smallest.in_shapes[0][1:]),),
            where=(Place(V2, "reduction_b.Mixed_7a.Branch_0.Conv2d_1a_3x3"), Place(V2, smallest.path)),
        ),
        Difference(
            id="facenet-grids",
            topic="padding",
            verdict="differs",
            claim=f"FaceNet's blocks work on grids of {block_grids(v1)}.",
            said_by=(Said(FACENET_TEXT, "comments"), Said(FACENET, "comments")),
            truth="The comments are the paper's, for 299 px. FaceNet's faces have 160 px, which gives "
            f"{block_grids(small_v1)}.",
            costs=(
                Cost("grids", block_grids(v1), block_grids(small_v1), by_face),
                Cost("MACs", v1.macs, small_v1.macs, by_face),
            ),
            where=(Place(V1, "stem.Conv2d_4b_3x3"), Place(V1, "reduction_b.Mixed_7a.concat")),
            references=(PAPER, FACENET_PYTORCH),
        ),
        Difference(
            id="output-stride-comment",
            topic="padding",
            verdict="wrong",
            claim="Mixed_6a of the released v2 gives 17x17 at output_stride 8 and 33x33 at 16.",
            said_by=(Said(TF_SLIM, "comment in inception_resnet_v2.py"),),
            truth="The other way round: output_stride 8 replaces its stride 2 by 1 and so keeps the finer grid.",
            costs=(
                Cost("grid at output_stride 8", (17, 17), unstrided.output_shape[1:]),
                Cost("grid at output_stride 16", (33, 33), mixed_6a.out_shape[1:]),
            ),
            where=(Place(V2, mixed_6a.path),),
        ),
    ]


def stem_with_same() -> nn.Module:
    """Inception-v4's stem with its strided windows SAME: on these grids, TensorFlow's sizes are those of padding 1."""

    def conv(
        in_channels: int, out_channels: int, kernel_size: int | Pair, stride: int = 1, padding: str = "same"
    ) -> nn.Module:
        unit = ConvUnit(in_channels, out_channels, kernel_size, stride, padding)
        if stride == 2:
            unit.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=1, bias=False)
        return unit

    stem = StemV4(3, channel_scaler(1.0), conv=conv)
    for module in stem.modules():
        if isinstance(module, nn.MaxPool2d):
            module.padding = 1
    return stem


def about_head() -> list[Difference]:
    released, face, v1 = net(V2), net(FACE_NAME), net(V1, 299)
    pool = "head.Logits.AvgPool_1a_8x8"
    face_pool = layer_at(face, pool)
    # The grid hangs on the size alone, so a network of few blocks tells it.
    grids = {size: layer_at(trace(BLOG_NAME, size, repeats=(1, 1, 1)), pool).in_shapes[0] for size in (160, 331)}
    fixed = piece(lambda: nn.AvgPool2d(8), grids[331])
    window_and_grid = ("as said", "the grid that arrives")
    seventeen = layer_at(released, "inception_resnet_b.Block17_20.residual_sum")
    aux = piece(lambda: aux_head(seventeen.out_shape[0]), seventeen.out_shape)
    bottleneck, classes = layer_at(net(V1), "head.Bottleneck"), layer_at(released, "head.Logits.Logits")
    in_training = ("with one", "with two, in training")
    one_more = ("in timm and Keras", "in TF-Slim")
    features = bottleneck.in_shapes[0][0]
    thin = piece(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(features, 128, bias=False), nn.BatchNorm1d(128)),
        (features, 1, 1),
    )
    return [
        Difference(
            id="conv-7b",
            topic="head",
            verdict="differs",
            claim="The average pool follows the last Inception-ResNet-C directly.",
            said_by=(Said(PAPER, "Fig. 15"), Said(KERAS_TEXT, "code")),
            truth="In the released v2 a 1x1 convolution, Conv2d_7b_1x1, narrows "
            f"{block(released, 'Conv2d_7b_1x1')[0].in_shapes[0][0]:,} to "
            f"{block(released, 'Conv2d_7b_1x1')[0].out_shape[0]:,} channels first, which also makes the classifier "
            "smaller.",
            costs=whole(net(RELEASED_REPEATS), released, ("without", "with it")),
            where=(Place(V2, "head.Conv2d_7b_1x1"), Place(PAPER_NAME, pool)),
            references=(TF_SLIM, TIMM, KERAS, FACE_TABLE),
        ),
        Difference(
            id="pool-kernel-1x1",
            topic="head",
            verdict="wrong",
            claim="The last average pool has a 1x1 kernel.",
            said_by=(Said(FACE_TABLE, "row AvgPool_1a_8x8"),),
            truth="It covers the whole grid: "
            f"{shape_text(window_at(face_pool).kernel)} at 160 px, "
            f"{shape_text(window_at(layer_at(released, pool)).kernel)} at 299 px, whence its name. A 1x1 pool changes "
            "nothing.",
            costs=(
                Cost("kernel", (1, 1), window_at(face_pool).kernel),
                Cost(
                    "output", piece(lambda: nn.AvgPool2d(1), face_pool.in_shapes[0]).output_shape, face_pool.out_shape
                ),
            ),
            where=(Place(FACE_NAME, pool),),
            references=(FACENET,),
        ),
        Difference(
            id="pool-output",
            topic="head",
            verdict="wrong",
            claim="The average pool of v1 gives 8x8 with 1792 channels.",
            said_by=(Said(FACENET_TEXT, "comment in the code"),),
            truth="That is its input at 299 px; its output is one cell.",
            costs=(Cost("output", (1792, 8, 8), layer_at(v1, pool).out_shape),),
            where=(Place(V1, pool),),
            references=(FACENET,),
        ),
        Difference(
            id="pool-8x8-fixed",
            topic="head",
            verdict="differs",
            claim="The last average pool is 8x8.",
            said_by=(Said(PAPER, "Fig. 15, at 299 px"), Said(KERAS_TEXT, "code")),
            truth="TF-Slim and timm pool whatever grid arrives. A fixed 8x8 stops working below 299 px (160 px leave "
            f"{shape_text(grids[160][1:])}) and cuts off an edge above it (331 px leave {shape_text(grids[331][1:])}, "
            f"of which {shape_text(window_at(fixed.layers[0]).dropped)} rows x columns are never read).",
            costs=(*(Cost(f"window at {size} px", (8, 8), grid[1:], window_and_grid) for size, grid in grids.items()),),
            where=(Place(BLOG_NAME, pool), Place(V2, pool)),
            references=(TF_SLIM, TIMM),
        ),
        Difference(
            id="dropout-v4",
            topic="head",
            verdict="differs",
            claim="There is no dropout before the classifier.",
            said_by=(
                Said(PYTORCH_TEXT, "listing of Inception-v4"),
                Said(TIMM, "drop_rate=0 unless it is set"),
                Said(KERAS, "its Inception-ResNet-v2"),
            ),
            truth=f"The paper keeps 0.8 of the features in training (Fig. 9 and 15), and TF-Slim drops "
            f"{dropout_of(V4):g}. Dropout has no weights and does nothing in a prediction, so a port that only loads "
            "weights can leave it out.",
            costs=(
                Cost("share dropped in training", 0.0, dropout_of(V4)),
                Cost("parameters of the dropout", None, layer_at(net(V4), "head.Logits.Dropout_1b").params),
            ),
            where=(Place(V4, "head.Logits.Dropout_1b"), Place(V2, "head.Logits.Dropout")),
            references=(PAPER, TF_SLIM),
            unchecked="What it does to accuracy shows only in training.",
        ),
        Difference(
            id="dropout-v1",
            topic="head",
            verdict="differs",
            claim="v1 keeps 0.8 of the features in training.",
            said_by=(Said(PAPER, "Fig. 15"), Said(FACENET_TEXT, "text"), Said(FACENET, "default")),
            truth=f"facenet-pytorch, whose weights are in use, drops {dropout_of(V1):g} by default.",
            costs=(Cost("share dropped in training", 0.2, dropout_of(V1)),),
            where=(Place(V1, "head.Logits.Dropout"),),
            references=(FACENET_PYTORCH,),
            unchecked="What it does to accuracy shows only in training.",
        ),
        Difference(
            id="bottleneck",
            topic="head",
            verdict="differs",
            claim="FaceNet's embedding has 128 numbers.",
            said_by=(Said(FACENET_TEXT, "comment in the code"),),
            truth=f"The size is a setting. facenet-pytorch's weights have {net(V1).output_shape[0]}, the "
            f"face-recognition layer table {face.output_shape[0]:,}.",
            costs=(
                Cost("embedding", 128, net(V1).output_shape[0]),
                Cost("parameters of the bottleneck", thin.params, bottleneck.params),
                Cost("MACs of the bottleneck", thin.macs, bottleneck.macs),
            ),
            where=(Place(V1, "head.Bottleneck"), Place(FACE_NAME, "head.Bottleneck")),
            references=(FACENET_PYTORCH, FACE_TABLE),
        ),
        Difference(
            id="classes-1001",
            topic="head",
            verdict="differs",
            claim="ImageNet networks have 1000 outputs.",
            said_by=(Said(TIMM, "num_classes"), Said(KERAS, "classes"), Said(KERAS_TEXT, "code")),
            truth="TF-Slim's have one more, for the background, as class 0, so that every label is shifted by one; "
            "timm cuts that row off when it loads the weights.",
            costs=(
                Cost("outputs", classes.out_shape[0], 1001, one_more),
                Cost("parameters", released.params, released.params + classes.params // classes.out_shape[0], one_more),
            ),
            where=(Place(V2, "head.Logits.Logits"),),
            references=(TF_SLIM,),
        ),
        Difference(
            id="aux-logits",
            topic="head",
            verdict="differs",
            claim="Inception-ResNet-v2 has one classifier.",
            said_by=(Said(PAPER, "Fig. 15"), Said(TIMM, "model"), Said(KERAS, "model")),
            truth="While training, TF-Slim hangs a second one on the last 17x17 block, with a loss of its own. It is "
            "left out of predictions, and so of timm, Keras and the zoo.",
            costs=(
                Cost("parameters", released.params, released.params + aux.params, in_training),
                Cost("MACs, forward", released.macs, released.macs + aux.macs, in_training),
            ),
            where=(Place(V2, "inception_resnet_b.Block17_20.residual_sum"),),
            references=(TF_SLIM,),
        ),
    ]


def aux_head(channels: int) -> nn.Module:
    """TF-Slim's second classifier of the released v2, on 1000 classes."""
    return nn.Sequential(
        nn.AvgPool2d(5, stride=3),
        ConvUnit(channels, 128, 1),
        ConvUnit(128, 768, 5, padding="valid"),
        nn.Flatten(),
        nn.Linear(768, 1000),
    )


def about_naming() -> list[Difference]:
    released, face, v4, v1 = net(V2), net(FACE_NAME), net(V4), net(V1, 299)
    deep = [layer for layer in block(face, "Mixed_7a") if layer.branch == "Branch_2"]
    joined = layer_at(face, "reduction_a.Mixed_6a.concat")
    long_branch = [layer for layer in block(v4, "Mixed_4a") if layer.branch == "Branch_1"]
    weights = [(layer.out_shape[0], layer.in_shapes[0][0], *window_at(layer).kernel) for layer in long_branch]
    seventeen = layer_at(released, "inception_resnet_b.Block17_20.residual_sum").out_shape
    aux_pool = piece(lambda: aux_head(seventeen[0]), seventeen).layers[0]
    as_named = piece(lambda: Branch(**pointwise(deep)), deep[0].in_shapes[0])
    in_both = ("in v4", "in the released v2")
    after_a = stage(v1, "Inception-ResNet-A")[-1]

    def named(graph: LayerGraph, name: str) -> int:
        return sum(layer.branch == "Branch_0" and layer.layer == name for layer in graph.layers)

    return [
        Difference(
            id="mixed-7a-names",
            topic="naming",
            verdict="wrong",
            claim="All three convolutions of Mixed_7a's Branch_2 are called Conv2d_0a_1x1.",
            said_by=(Said(FACE_TABLE, "rows Mixed_7a"),),
            truth=f"They are {', '.join(layer.layer for layer in deep)}; only the first has a 1x1 kernel.",
            costs=(
                *(Cost(f"name {i}", "Conv2d_0a_1x1", layer.layer) for i, layer in enumerate(deep, 1)),
                Cost("parameters", as_named.params, params_of(deep), ("if all three were 1x1", "really")),
            ),
            where=tuple(Place(FACE_NAME, layer.path) for layer in deep),
            references=(FACENET, TF_SLIM),
        ),
        Difference(
            id="mixed-6a-concat",
            topic="naming",
            verdict="wrong",
            claim="The concatenation of Mixed_6a belongs to Branch_2.",
            said_by=(Said(FACE_TABLE, "rows Mixed_6a"),),
            truth=f"It joins all {len(joined.inputs)} branches and belongs to the block; Branch_2 itself ends on "
            f"{joined.in_shapes[-1][0]} channels.",
            costs=(
                Cost("channels", joined.in_shapes[-1][0], joined.out_shape[0]),
                Cost("branches joined", 1, len(joined.inputs)),
            ),
            where=(Place(FACE_NAME, joined.path),),
            references=(FACENET,),
        ),
        Difference(
            id="one-name-four-times",
            topic="naming",
            verdict="wrong",
            claim="The four convolutions of the stem's long branch are all called branch_1_conv1.",
            said_by=(Said(SLIM_TEXT, "code"),),
            truth="A name in TF-Slim is where the weights live, so the second use either fails or, with reuse, asks "
            "for the first one's weights, and no two of the four have the same shape: "
            f"{', '.join(map(shape_text, weights))}.",
            costs=(Cost("tensors of weights", 1, len(set(weights))), Cost("parameters", None, params_of(long_branch))),
            where=tuple(Place(V4, layer.path) for layer in long_branch),
            references=(TF_SLIM,),
        ),
        Difference(
            id="name-for-scope",
            topic="naming",
            verdict="wrong",
            claim="slim.conv2d takes name=.",
            said_by=(Said(SLIM_TEXT, "code, all calls but the first"),),
            truth="The argument is scope=. There is no name=, and Python stops at the second layer.",
            where=(Place(V4, "stem.Conv2d_2a_3x3"),),
            references=(SLIM_CONV2D,),
            unchecked="This is about TensorFlow 1's arguments, read in its documentation; no number hangs on it.",
        ),
        Difference(
            id="branch-0-name",
            topic="naming",
            verdict="differs",
            claim="The 1x1 of Branch_0 is called Conv2d_0a_1x1.",
            said_by=(Said(TF_SLIM, "inception_v4.py"),),
            truth="In TF-Slim's and FaceNet's residual networks it is called Conv2d_1x1, as is the linear 1x1 one "
            "level above it. Code that looks for checkpoint names has to know both.",
            costs=(
                each(
                    "layers of a Branch_0 so called",
                    lambda graph: named(graph, "Conv2d_0a_1x1"),
                    (v4, released),
                    in_both,
                ),
                each("called Conv2d_1x1", lambda graph: named(graph, "Conv2d_1x1"), (v4, released), in_both),
            ),
            where=(
                Place(V4, "inception_a.Mixed_5b.Branch_0.Conv2d_0a_1x1"),
                Place(V2, "inception_resnet_a.Block35_1.Branch_0.Conv2d_1x1"),
                Place(V2, "inception_resnet_a.Block35_1.Conv2d_1x1"),
            ),
            references=(FACENET,),
        ),
        Difference(
            id="mixed-5a",
            topic="naming",
            verdict="differs",
            claim="Mixed_5a is what the five Inception-ResNet-A blocks give.",
            said_by=(Said(FACENET_TEXT, "end points"),),
            truth="In TF-Slim's Inception-v4 the name stands for the last concatenation of the stem, before any "
            "block, and Mixed_6b, the text's name for what all its B blocks give, for the first Inception-B.",
            costs=(
                Cost(
                    "output",
                    after_a.out_shape,
                    layer_at(v4, "stem.Mixed_5a.concat").out_shape,
                    ("in the text", "in TF-Slim"),
                ),
            ),
            where=(Place(V1, after_a.path), Place(V4, "stem.Mixed_5a.concat")),
            references=(TF_SLIM,),
        ),
        Difference(
            id="aux-pool-name",
            topic="naming",
            verdict="wrong",
            claim="The second classifier of v2 begins with Conv2d_1a_3x3.",
            said_by=(Said(TF_SLIM, "inception_resnet_v2.py, AuxLogits"),),
            truth=f"The layer of that name is an average pool, {shape_text(window_at(aux_pool).kernel)} with stride "
            f"{window_at(aux_pool).stride[0]}, and has no weights.",
            costs=(
                Cost("kernel", (3, 3), window_at(aux_pool).kernel),
                Cost("output", None, aux_pool.out_shape),
                Cost("parameters", None, aux_pool.params),
            ),
            where=(Place(V2, "inception_resnet_b.Block17_20.residual_sum"),),
        ),
    ]


def pointwise(layers: Sequence[Layer]) -> dict[str, nn.Module]:
    """Conv units with the channels of `layers` and 1x1 kernels."""
    return {f"conv_{i}": ConvUnit(layer.in_shapes[0][0], layer.out_shape[0], 1) for i, layer in enumerate(layers, 1)}


def about_counting() -> list[Difference]:
    released, paper, blog, v4 = net(V2), net(PAPER_NAME), net(BLOG_NAME), net(V4)
    options = {option.name: option for option in calculate(Setting())}
    square, pair = options[SQUARE], options[FACTORISED]
    totals = pair_totals(released)
    seven = totals[totals["kernel"] == 7].iloc[0]
    as_squares = released.params + int(seven["saving"])
    norm = norm_channels(released.layers)
    in_keras, blog_in_keras = keras_count(released), keras_count(blog)
    both, two_nets = ("in Keras", "in PyTorch"), ("in the tutorial's network", "released")
    return [
        Difference(
            id="keras-count",
            topic="counting",
            verdict="differs",
            claim="Inception-ResNet-v2 has 55,873,736 parameters.",
            said_by=(Said(KERAS, "model.summary()"),),
            truth=f"The same network has {released.params:,} in PyTorch. Per channel of a batch norm PyTorch counts "
            "gamma and beta, Keras beta, running mean and running variance (and no gamma, as scale=False): one more "
            f"for each of {norm:,} channels.",
            costs=(
                Cost("parameters in Keras", 55_873_736, in_keras, ("as said", "computed")),
                Cost("parameters", in_keras, released.params, both),
                Cost("trained", in_keras - 2 * norm, released.params, both),
            ),
            where=(Place(V2, "stem.Conv2d_1a_3x3"),),
            references=(TIMM,),
        ),
        Difference(
            id="sixty-million",
            topic="counting",
            verdict="differs",
            claim="Inception-ResNet-v2 has 60 million parameters.",
            said_by=(Said(KERAS_TEXT, "summary"),),
            truth="That is the tutorial's own network, as Keras counts it, gamma included. The released network has "
            f"{(blog_in_keras - in_keras) / 1e6:.1f} million fewer.",
            costs=(
                Cost("parameters in Keras", 60_000_000, blog_in_keras, ("as said", two_nets[0])),
                Cost("parameters in Keras", blog_in_keras, in_keras, two_nets),
                Cost("parameters in PyTorch", blog.params, released.params, two_nets),
            ),
            where=(Place(BLOG_NAME, "head.Logits.Logits"), Place(V2, "head.Logits.Logits")),
        ),
        Difference(
            id="three-and-a-half-times",
            topic="counting",
            verdict="right",
            claim="1x7 and 7x1 in place of 7x7 on 256 channels need about 3.5 times fewer parameters.",
            said_by=(Said(KERAS_TEXT, "text"),),
            truth=f"{square.arithmetic} against {pair.arithmetic}. In the released network, where the channels grow "
            f"from one half to the other, its {seven['pairs']:.0f} pairs of 1x7 and 7x1 save a factor of "
            f"{seven['ratio']:.2f}; the whole network would have {as_squares:,} parameters, "
            f"{as_squares / released.params:.2f} times as many.",
            costs=(
                Cost("parameters of 7x7", 3_211_520, square.graph.params, ("as said", "computed")),
                Cost("parameters of 1x7 and 7x1", 918_016, pair.graph.params, ("as said", "computed")),
                Cost("factor", 3.5, square.graph.params / pair.graph.params, ("as said", "computed")),
                Cost("MACs on a 64x64 grid", square.graph.macs, pair.graph.macs, ("for 7x7", "for the pair")),
                Cost("parameters of v2", as_squares, released.params, ("with square kernels", "released")),
            ),
            where=(
                Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0b_1x7"),
                Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0c_7x1"),
            ),
        ),
        Difference(
            id="v2-costs-like-v4",
            topic="counting",
            verdict="differs",
            claim="Inception-ResNet-v2 costs about as much as Inception-v4.",
            said_by=(Said(PAPER, "section 3.2"), Said(PYTORCH_TEXT, "text")),
            truth=f"The released network does ({released.macs / v4.macs - 1:+.0%} MACs). The one in the paper's "
            f"figures does not ({paper.macs / v4.macs - 1:+.0%}): its {block_counts(paper)} blocks are too few for "
            "the sentence.",
            costs=(
                Cost("MACs", v4.macs, released.macs, ("in v4", "in the released v2")),
                Cost("MACs", v4.macs, paper.macs, ("in v4", "in the figures' v2")),
                Cost("parameters", v4.params, released.params, ("in v4", "in the released v2")),
            ),
            where=(Place(V2, "head.Conv2d_7b_1x1"), Place(PAPER_NAME, "head.Logits.Logits")),
        ),
        Difference(
            id="v1-costs-like-v3",
            topic="counting",
            verdict="open",
            claim="Inception-ResNet-v1 costs about as much as Inception-v3.",
            said_by=(Said(PAPER, "section 3.2"), Said(PYTORCH_TEXT, "text")),
            truth="At 299 px FaceNet's version, with its sixth C block, takes "
            f"{net(V1, 299).macs / 1e9:.2f} billion MACs.",
            costs=(Cost("MACs at 299 px", None, net(V1, 299).macs),),
            where=(Place(V1, "head.Bottleneck"),),
            unchecked="Inception-v3 is not one of the networks here.",
        ),
    ]


def about_paper() -> list[Difference]:
    return [
        Difference(
            id="year",
            topic="paper",
            verdict="open",
            claim="The paper is from 2017.",
            said_by=(Said(KERAS_TEXT, "text: AAAI, 2017"),),
            truth="Both dates are in use: arXiv 1602.07261 is of February 2016, as another text has it; the AAAI "
            "conference was in February 2017.",
            where=(),
            references=(PAPER, PYTORCH_TEXT, KERAS),
            unchecked="A date of publication is not computed.",
        ),
        Difference(
            id="residual-accuracy",
            topic="paper",
            verdict="open",
            claim="Residual connections train faster and hardly change the final accuracy.",
            said_by=(Said(PAPER, "abstract"), Said(PYTORCH_TEXT, "text")),
            truth="It is the paper's result on ImageNet with networks of similar cost.",
            where=(Place(V4, "head.Logits.Logits"), Place(V2, "head.Logits.Logits")),
            unchecked="It takes trainings on ImageNet to repeat it; shapes and counts say nothing about it.",
        ),
    ]
