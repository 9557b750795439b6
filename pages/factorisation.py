"""Factorisation: what does 1x7 followed by 7x1 save against 7x7?"""

from collections.abc import Callable
from math import isfinite

import pandas as pd
import streamlit as st

from inception.graph.layer_graph import LayerGraph
from inception.graph.spoken import spoken_layers
from inception.runtime.devices import DeviceError, devices
from inception.studies.factorize import (
    FACTORISED,
    SQUARE,
    FactorizeError,
    Option,
    Setting,
    calculate,
    in_words,
    option_table,
)
from inception.studies.factorize_timing import measure_networks, measure_options
from inception.studies.lowrank import CLASSICS, Array, classic, decompose
from inception.studies.pairs import pair_table, pair_title, pair_totals, pairs_finding, side_by_side_table
from inception.studies.square_network import compare_networks
from inception.views.kinds import SQUARE as SQUARE_KERNEL
from inception.views.kinds import kind_of
from inception.words import N_, _, current
from pages.figures import common as figures
from pages.parts import address, choices, frame, selection, tables
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import peek, put
from pages.parts.study_tables import shown, study_columns
from pages.parts.subject import graph_of_network
from pages.parts.weights_chooser import choose_weights, network_with

PAIR_COLUMNS = [
    "pair",
    "block",
    "branch",
    "kernel",
    "first",
    "second",
    "in_channels",
    "middle_channels",
    "out_channels",
    "weights",
    "square_weights",
    "saving",
    "ratio",
]
# On a phone the first four are seen.
COSTS = ["params", "params_ratio", "rf", "macs", "macs_ratio", "activation_bytes", "activation_ratio"]
VIEWS = [N_("Calculator"), N_("In this network"), N_("With square kernels"), N_("A kernel as column × row")]
KERNEL_SIZES = [3, 5, 7, 9]
MOST = 4096  # channels
KERNELS = [N_("classics"), N_("this network")]


@st.cache_data(max_entries=256, show_spinner=False)
def calculated(setting: Setting, language: str) -> tuple[tuple[Option, ...], str]:
    """The four ways to look through one window, built and traced, and what they save in words of a language."""
    options = calculate(setting)
    return options, in_words(setting, options)


@st.cache_data(max_entries=16, show_spinner=False)
def with_square_kernels(name: str, size: tuple[int, int]) -> pd.DataFrame:
    """The network and its twin with square kernels."""
    return compare_networks(name, size)


def milliseconds(name: str, title: str, measure: Callable[[str], pd.DataFrame]) -> None:
    """A button that measures on a device of the server, and what it measured last, for as long as the title holds.

    name: of the file to export. measure: from a device to a table.
    """
    key = address.choice("device", devices(), "cpu")
    device = st.segmented_control(_("Device"), devices(), key=key, required=True) or "cpu"
    title = _("Milliseconds on {device} of this server: {what}").format(device=device, what=title)
    if st.button(_("Measure milliseconds on this server"), icon=":material/timer:"):
        try:
            with st.spinner(_("Building everything and running it several times. This can take some seconds…")):
                put("milliseconds", title, measure(device))
        except (DeviceError, FactorizeError) as error:
            st.error(str(error), icon=":material/error:")
            return
    table: pd.DataFrame | None = peek("milliseconds", title)
    if table is not None:
        tables.show_table(shown(table).round({"milliseconds": 2}), column_config=study_columns())
        tables.export_button(table, f"{name}_milliseconds", title)


def calculator() -> None:
    """One window, four ways to look through it."""
    controls, result = st.container(key="result_first").columns([1, 4], gap="medium")
    with controls:
        kernel = st.select_slider(
            _("Kernel k"), KERNEL_SIZES, key=address.choice("kernel", KERNEL_SIZES, 7, key="calculator_kernel")
        )
        inputs = st.number_input(_("Channels in"), 1, MOST, key=address.number("in", 1, MOST, 256))
        middle = st.number_input(
            _("Channels in the middle"),
            1,
            MOST,
            help=_("Between 1×k and k×1"),
            key=address.number("middle", 1, MOST, 256),
        )
        outputs = st.number_input(_("Channels out"), 1, MOST, key=address.number("out", 1, MOST, 256))
        side = st.number_input(_("Feature map, cells a side"), 1, 512, key=address.number("cells", 1, 512, 64))
        bias = st.checkbox(_("Bias"), key=address.switch("bias", True))
        norm = st.checkbox(_("Batch norm"), key=address.switch("norm"))
    setting = Setting(kernel, inputs, middle, outputs, (side, side), bias, norm)
    options, words = calculated(setting, current())
    table = option_table(options)
    square, pair = (next(option for option in options if option.name == name) for name in (SQUARE, FACTORISED))
    with result:
        one, two, ratio = st.columns(3)
        one.metric(_("{layers}, parameters").format(layers=square.layers), f"{square.graph.params:,}")
        two.metric(_("{layers}, parameters").format(layers=pair.layers), f"{pair.graph.params:,}")
        ratio.metric(_("Square to pair"), f"{table.set_index('option')['params_ratio'][FACTORISED]:.2f}×")
        st.code(f"{square.arithmetic}\n{pair.arithmetic}", language=None, wrap_lines=True)
        prose(words)
        tables.show_table(shown(table), column_config=study_columns(), column_order=["option", *COSTS, "layers"])
        tables.export_button(table, "factorised", setting.title)
        milliseconds("factorised", setting.title, lambda device: measure_options(setting, device))


def in_this_network(graph: LayerGraph) -> None:
    """Every pair of the chosen network with its real widths."""
    totals, pairs, beside = pair_totals(graph), pair_table(graph), side_by_side_table(graph)
    if totals.empty:
        st.info(_("This network has no 1×k and k×1 convolutions in a row."))
        return
    tables.show_table(totals, column_config=study_columns())
    tables.export_button(totals, f"{graph.name}_pair_totals", pair_title(graph))
    st.subheader(_("Every pair"))
    tables.show_table(
        pairs,
        column_config=study_columns(),
        column_order=PAIR_COLUMNS,
        height=tables.table_height(len(pairs), most=len(pairs)),
    )
    tables.export_button(pairs, f"{graph.name}_pairs", pair_title(graph))
    if not beside.empty:
        st.subheader(_("Side by side"))
        prose(
            _(
                "In Inception-C a 1x3 and a 3x1 stand beside each other on the same input. Together they see a cross, "
                "not a square, so there is no square kernel that they replace."
            ),
            small=True,
        )
        tables.show_table(
            beside,
            column_config=study_columns(),
            column_order=PAIR_COLUMNS,
            height=tables.table_height(len(beside)),
        )
        title = _("1xk and kx1 side by side in {network} at {size}")
        title = title.format(network=graph.name, size=choices.picture_size(graph))
        tables.export_button(beside, f"{graph.name}_side_by_side", title)


def counterfactual(graph: LayerGraph) -> None:
    """The chosen network built with square kernels."""
    st.markdown(_("The same network, really built with one k×k convolution in place of each 1×k and k×1 in a row."))
    with st.spinner(_("Building the network a second time, with square kernels…")):
        table = with_square_kernels(graph.name, graph.input_size)
    tables.show_table(shown(table), column_config=study_columns(), column_order=["network", *COSTS, "convs"])
    title = _("{network} at {size}, and the same with square kernels")
    title = title.format(network=graph.name, size=choices.picture_size(graph))
    name = f"{graph.name}_with_square_kernels"
    tables.export_button(table, name, title)
    milliseconds(name, title, lambda device: measure_networks(graph.name, graph.input_size, device))


def kernel_of(graph: LayerGraph) -> tuple[Array, str]:
    """A classic or one of the network's own kernels, and a key that tells it from others."""
    controls = st.container(horizontal=True)
    key = address.choice("from", KERNELS, code=address.slug)
    source = controls.segmented_control(_("Kernel from"), KERNELS, key=key, required=True, format_func=_)
    if source == KERNELS[0]:
        key = address.choice("classic", CLASSICS, code=address.slug)
        name = controls.selectbox(_("Kernel"), list(CLASSICS), key=key, format_func=_, width=200)
        key = address.choice("kernel", KERNEL_SIZES, 7, key="classic_kernel")
        size = controls.select_slider(_("Size"), KERNEL_SIZES, key=key, width=200)
        return classic(name, size), f"{name}_{size}"
    with controls.container(width=300):
        with st.container(key="chosen_weights"):
            weights = choose_weights(graph.name)
        if not weights.trained:
            st.caption(_("Untrained: these numbers are random."))
    network = network_with(graph.name, weights)  # its weights may have been trained at another width
    graph = graph_of_network(network)
    layers = {one.path: one for one in graph.layers if kind_of(one) is SQUARE_KERNEL}
    spoken = spoken_layers(graph.layers)
    path = controls.selectbox(
        _("Layer"),
        list(layers),
        key=address.choice("filters", layers),
        format_func=lambda path: selection.layer_name(layers[path], spoken),
        width=400,
    )
    layer = layers[path]
    filters, inputs = layer.out_shape[0], layer.in_shapes[0][0]
    key = address.number("filter", 1, filters, 1)
    number = controls.number_input(_("Filter, of {count:,}").format(count=filters), 1, filters, key=key, width=140)
    key = address.number("channel", 1, inputs, 1, key="filter_channel")
    channel = controls.number_input(
        _("Input channel, of {count:,}").format(count=inputs), 1, inputs, key=key, width=140
    )
    kernel = network.kernel(layer, number - 1, channel - 1)  # the page counts them from 1
    return kernel.astype(float), f"{weights.name}_{path}_{number}_{channel}"


def cells_text(kernel: Array, changed: Array) -> str:
    """The cells that differ, as addresses have them: 0.2:1.5,1.2:-1."""
    places = zip(*(kernel != changed).nonzero(), strict=True)
    return ",".join(f"{row}.{column}:{changed[row, column]:.10g}" for row, column in places)


def with_cells(kernel: Array, text: str) -> Array:
    """The kernel with cells as `cells_text` writes them; raises ValueError where the kernel has no such cell."""
    found = kernel.copy()
    for cell in filter(None, text.split(",")):
        place, value = cell.split(":")
        row, column = map(int, place.split("."))
        if not (0 <= row < len(kernel) and 0 <= column < len(kernel) and isfinite(float(value))):
            raise ValueError(text)
        found[row, column] = float(value)
    return found


def changed(kernel: Array, key: str) -> Array:
    """The kernel with what the reader, or a link, wrote into its cells; a sentence ends the page where one is empty."""

    def read(text: str) -> str:
        return cells_text(kernel, with_cells(kernel, text))

    st.caption(_("Change any weight:"))
    cells, state = f"cells_{key}", st.session_state
    asked = address.bind("cells", "", read, str, key=cells)
    said, start, grids = state.get(f"{cells}_grid", ("", "", 0))
    if asked != said:  # by a link, or by Back: a new grid begins with it
        start, grids = asked, grids + 1
    begun = with_cells(kernel, start)
    whole = bool((begun == begun.round()).all())
    # Rounded to be seen only: three decimals of a Gauss are no product of a column and a row any more.
    cell = st.column_config.NumberColumn(width=46, format="%g" if whole else "%.3f")
    grid = st.data_editor(
        pd.DataFrame(begun).rename(columns=str),
        key=f"kernel_{key}_{grids}",
        column_config={str(column): cell for column in range(kernel.shape[1])},
        width="content",
        height=tables.table_height(len(kernel)),
    )
    if grid.isna().any(axis=None):
        st.error(_("A cell of the kernel is empty; write a number into it, 0 for no weight."), icon=":material/error:")
        st.stop()
    found = grid.to_numpy(dtype=float)
    state[cells] = cells_text(kernel, found)
    state[f"{cells}_grid"] = state[cells], start, grids
    address.bind("cells", "", read, str, key=cells)
    return found


def separable(graph: LayerGraph) -> None:
    """Kernels as sums of outer products."""
    kernel, key = kernel_of(graph)
    left, right, beside = st.columns([14, 11, 8], gap="medium")
    with left:
        decomposition = decompose(changed(kernel, key))
        st.plotly_chart(figures.rank_figure(decomposition), config=figures.PLAIN)
    with right:
        st.metric(_("Rank of this kernel"), _("{part} of {whole}").format(part=decomposition.rank, whole=len(kernel)))
        key = address.number("rank", 1, len(kernel), 1)
        rank = st.slider(_("Rank of the approximation"), 1, len(kernel), key=key)
        st.plotly_chart(figures.kernel_figure(decomposition, rank), config=figures.PLAIN, width="content")
    with beside:
        prose(
            _(
                "A kernel of rank 1 is one column times one row, so a k×1 after a 1×k does exactly the same. Other "
                "kernels need a sum of several such products. **The networks do something else:** their 1×7 and 7×1 "
                "are learned from the start, mix all channels, and have batch norm and ReLU between them. That is a "
                "*factorised* convolution. It is not a rewrite of a trained 7×7. Nor is it a *depthwise separable* "
                "convolution (MobileNet), which filters each channel alone and then mixes the channels with a 1×1. The "
                "calculator shows all three."
            )
        )


frame.open_page("factorisation")
finding(pairs_finding(choices.chosen_graph()))
view = choices.choose_view("view", VIEWS, older={"what-separable-means": VIEWS[3]})
if view == VIEWS[0]:
    calculator()
elif view == VIEWS[1]:
    in_this_network(choices.chosen_graph())
elif view == VIEWS[2]:
    counterfactual(choices.chosen_graph())
else:
    separable(choices.chosen_graph())
