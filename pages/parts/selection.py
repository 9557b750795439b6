"""The selected layer: how it is chosen, kept on all pages, and told in a line."""

from collections.abc import Mapping

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.graph.spoken import Spoken, spoken_layers
from inception.text import running_text, shape_text
from inception.words import _
from pages.parts import address
from pages.parts.glossary import prose


def selected_layer(graph: LayerGraph) -> Layer | None:
    """The layer selected on any page or named in the address; None, and for a link a sentence, where there is none."""

    def read(path: str) -> str:
        named = graph.layer_at(path)
        if named is None:
            raise ValueError(path)
        return named.path

    def sorry(asked: str, _shown: str) -> str:
        sentence = _("{network} has no layer called {layer}. The layer table lists the layers that there are.")
        return sentence.format(network=graph.name, layer=asked)

    path = address.bind("layer", "", read, str, sorry=sorry)
    layer = graph.layer_at(path)
    if layer is None:  # one of another network stays selected there
        address.leave_out("layer")
    return layer


def select_layer(layer: Layer) -> None:
    """Selects a layer on all pages and in the address."""
    st.session_state["layer"] = layer.path


def grid_layers(graph: LayerGraph) -> list[Layer]:
    """The layers that hand on a grid of cells which each see a part of the picture."""
    return [layer for layer in graph.layers if len(layer.out_shape) == 3 and graph.receptive_fields[layer.index]]


def layer_box(graph: LayerGraph, layers: list[Layer], default: Layer, key: str) -> Layer:
    """A choice of one of the graph's layers; choosing one selects it on all pages.

    It shows the layer that is selected, on another page or in the address, where that is among the layers.
    """
    by_path = {layer.path: layer for layer in layers}
    spoken = spoken_layers(graph.layers)
    selected = selected_layer(graph)
    st.session_state[key] = selected.path if selected in layers else default.path
    path = st.selectbox(
        _("Layer"),
        list(by_path),
        format_func=lambda path: layer_name(by_path[path], spoken),
        key=key,
        on_change=lambda: select_layer(by_path[st.session_state[key]]),
    )
    return by_path[path]


def facts(graph: LayerGraph, layer: Layer) -> None:
    """One layer in a line: what it reads and hands on, what it costs, how far it sees."""
    field = graph.receptive_fields[layer.index]
    line = _("**{layer}**: {op}, from {input} to {output}; {parameters:,} parameters, {macs:,} MACs.").format(
        layer=layer_name(layer, spoken_layers(graph.layers)),
        op=layer.op,
        input=" + ".join(map(shape_text, layer.in_shapes)),
        output=shape_text(layer.out_shape),
        parameters=layer.params,
        macs=layer.macs,
    )
    if field:
        sees = _("Its receptive field is {field} pixels.")
        if any(seen > side for seen, side in zip(field.size, graph.input_size, strict=True)):
            sees = _("Its receptive field is {field} pixels, which is more than the picture has.")
        line = running_text(line, sees.format(field=shape_text(field.size)))
    prose(line)


def layer_name(layer: Layer, spoken: Mapping[int, Spoken]) -> str:
    """Inception-ResNet-A 1 of 10, first branch: 1x1 convolution · 17 · Block35_1 · Branch_0 · Conv2d_1x1 · 32x35x35.

    spoken: what people call the layers, of `spoken_layers`.
    """
    code = [str(layer.index), layer.block, layer.branch, layer.layer, shape_text(layer.out_shape)]
    return " · ".join(name for name in [spoken[layer.index].whole, *code] if name)
