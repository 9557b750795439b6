"""The explanation of one layer beside its table: why its output has its shape, and what it costs."""

import pandas as pd
import streamlit as st

from inception import LayerGraph, text
from inception.graph.layer import Layer
from inception.graph.spoken import spoken_layers
from inception.size import Size
from inception.text import shape_text
from inception.views.explain import why_this_shape
from inception.views.window_picture import NARROW, window_svg
from inception.views.window_table import window_table
from inception.vision.cell_text import place_name
from inception.words import _
from pages.parts import address, choices, components
from pages.parts.glossary import prose
from pages.parts.same_table import slides_as_table
from pages.parts.selection import select_layer
from pages.parts.tables import stops


def layer_panel(graph: LayerGraph, table: pd.DataFrame, layer: Layer) -> None:
    """The names of a layer, the way to its neighbours in a table, and its explanation."""
    with st.container(key="explanation"):
        code = [layer.block, layer.branch, layer.layer, shape_text(layer.out_shape)]
        prose(f"**{spoken_layers(graph.layers)[layer.index].whole}**")
        st.caption(" · ".join(name for name in [f"#{layer.index}", *code] if name))
        labels, keys = {"back": _("Previous layer"), "next": _("Next layer")}, {"back": "p", "next": "n"}
        components.steps("layer_steps", stops(graph, table), layer.path, labels, keys, lambda path: go_to(graph, path))
        own_size()
        explanation(layer)


def go_to(graph: LayerGraph, path: str) -> None:
    """Selects another layer, where the network still has it."""
    if layer := graph.layer_at(path):
        select_layer(layer)


def own_size() -> None:
    """The way back to the size of the published network, where another one is chosen."""
    own = Size.square(choices.chosen_variant().input_size)
    if choices.chosen_size() not in (None, own):
        st.button(
            _("At {size} px, the network's own size").format(size=shape_text(own)),
            icon=":material/aspect_ratio:",
            on_click=lambda: st.session_state.update(size=None),
            key="own_size",
        )


def explanation(layer: Layer) -> None:
    """The formula with its terms and with this layer's numbers, and what the layer costs."""
    why = why_this_shape(layer)
    for formula in (why.terms, why.formula):
        if formula:
            st.latex(formula)
    prose(why.sentence)
    prose(text.running_text(why.zeros, why.dropped))
    st.markdown(_("**Parameters.** {why}").format(why=why.params.sentence))
    if why.params.latex:
        st.latex(why.params.latex)
    st.markdown(_("**MACs.** {why}").format(why=why.macs.sentence))
    if why.macs.latex:
        st.latex(why.macs.latex)


def window_picture(layer: Layer) -> None:
    """The window of a layer on its input grid, at the reader's place of the output."""
    if not layer.window:
        st.info(_("This layer has no window that slides over a grid."), icon=":material/grid_off:")
        return
    sliders, drawing = st.container(key="result_first").columns([1, 3], gap="medium")
    rows, columns = layer.window.out
    with sliders:
        row = window_slider("row", _("Output row"), rows)
        column = window_slider("column", _("Output column"), columns)
    with drawing:
        narrow = window_svg(layer.window, row, column, NARROW)
        components.picture(window_svg(layer.window, row, column), key="window", narrow=narrow)
        name = layer.path.replace(".", "_")
        slides_as_table(window_table(layer.window), name, place_name(layer), "window_table")


def window_slider(name: str, label: str, count: int) -> int:
    """The place of the window along one side of the output grid."""
    if count == 1:
        return 0
    return st.slider(label, 0, count - 1, key=address.number(name, 0, count - 1, 0, key=f"window_{name}"))
