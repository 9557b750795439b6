"""What the differences measure: pieces of networks that are built and traced."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import takewhile
from typing import TypeVar

import torch
from torch import nn

from ...errors import InputError
from ...graph.layer import Layer, Part, Shape
from ...graph.layer_graph import LayerGraph
from ...graph.op import Op
from ...graph.table import keras_params
from ...graph.trace import TraceError, trace
from ...graph.window import Pair, Window
from ...models.inception_resnet import INCEPTION_RESNET_V2, InceptionResNet, Plan, StemResNetV2
from ...models.layers import ConvUnit
from ...words import N_, _
from ...zoo import PAPER_V2, create_model, get_variant
from .claim import Cost, Labels, Value

T = TypeVar("T")


# What the numbers are computed from
V4, V1, V2, V3 = "inception_v4", "inception_resnet_v1", "inception_resnet_v2", "inception_v3"
PAPER_NAME, BLOG_NAME, FACE_NAME = f"{V2}.paper", f"{V2}.keras_blog", f"{V2}.faceid"

# Two steps from the paper's figures to the released network, which adds Conv2d_7b and a last block without ReLU.
RELEASED_STEM = replace(PAPER_V2, stem=StemResNetV2, mixed_5b=True)
RELEASED_REPEATS = replace(RELEASED_STEM, repeats=INCEPTION_RESNET_V2.repeats)

LAST_FIELD = N_("receptive field of the last convolution, px")


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
    return sum(part.out_shape[0] for part in parts_of(layers, Op.BATCH_NORM))


def stage(graph: LayerGraph, *titles: str) -> list[Layer]:
    """The layers of the stages with these titles."""
    return [layer for layer in graph.layers if layer.stage in titles]


def block(graph: LayerGraph, name: str) -> list[Layer]:
    """The layers of the block of that name."""
    return [layer for layer in graph.layers if layer.block == name]


def body(graph: LayerGraph) -> list[Layer]:
    """Everything before the first linear layer."""
    return list(takewhile(lambda layer: layer.op != Op.LINEAR, graph.layers))


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
    return [layer for layer in layers if layer.op == Op.CONV][-1]


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


def figures_and_released() -> Labels:
    """Whose the two values are where the paper's figures stand beside the released network."""
    return _("in the figures"), _("released")


def refusal(model: str, size: int) -> str:
    """Why a picture of `size` px is too small for the variant."""
    try:
        trace(model, size, repeats=(1, 1, 1))
    except TraceError as error:
        return str(error)
    raise InputError(_("{model} takes {size} px.").format(model=model, size=size))


def whole(said: LayerGraph, real: LayerGraph, *labels: Labels) -> tuple[Cost, ...]:
    """What tells one network from another."""
    return (
        Cost(_("parameters"), said.params, real.params, *labels),
        Cost(_("MACs"), said.macs, real.macs, *labels),
        each(_(LAST_FIELD), lambda graph: field_at(graph, last_conv(graph.layers)), (said, real), *labels),
    )


def some(said: Sequence[Layer], real: Sequence[Layer], *labels: Labels) -> tuple[Cost, ...]:
    """What tells some layers from others."""
    return (
        Cost(_("parameters"), params_of(said), params_of(real), *labels),
        Cost(_("MACs"), macs_of(said), macs_of(real), *labels),
        Cost(_("output"), said[-1].out_shape, real[-1].out_shape, *labels),
    )


def aux_head(channels: int) -> nn.Module:
    """TF-Slim's second classifier of the released v2, on 1000 classes."""
    return nn.Sequential(
        nn.AvgPool2d(5, stride=3),
        ConvUnit(channels, 128, 1),
        ConvUnit(128, 768, 5, padding="valid"),
        nn.Flatten(),
        nn.Linear(768, 1000),
    )
