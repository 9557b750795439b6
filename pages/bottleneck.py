"""1x1 convolutions: what does a 1x1 save before a 3x3?"""

from typing import Any

import pandas as pd
import streamlit as st

from inception.graph.branches import branch_names
from inception.graph.layer_graph import LayerGraph
from inception.graph.spoken import spoken_blocks, spoken_stage
from inception.studies.bottleneck import (
    DIRECT,
    bottleneck_kinds,
    bottleneck_table,
    bottleneck_title,
    bottlenecks_finding,
    calculate_ways,
    setting_of,
    ways_in_words,
    where_most_is_saved,
    width_table,
)
from inception.studies.direct_network import compare_with_direct
from inception.studies.factorize import Option, Setting, option_table
from inception.text import running_text, shape_text
from inception.words import N_, _, current
from pages.figures import bottleneck as figures
from pages.figures.common import PLAIN
from pages.parts import address, choices, frame, tables
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.study_tables import shown, study_columns

VIEWS = [N_("Any widths"), N_("In this network"), N_("The network without them")]
KERNEL_SIZES = [3, 5, 7]
MOST = 2560  # channels
MOST_CELLS = 160
PLACE_COLUMNS = [
    "place",
    "block",
    "branch",
    "kernel",
    "in_channels",
    "middle_channels",
    "out_channels",
    "params",
    "direct_params",
    "params_ratio",
    "macs",
    "direct_macs",
    "macs_ratio",
]
COSTS = ["params", "params_ratio", "macs", "macs_ratio", "activation_bytes"]


def columns() -> dict[str, Any]:
    """How each column is shown, in the reader's language."""
    ratio = st.column_config.NumberColumn(
        _("Without / with"), width=100, format="%.2f×", help=_("Above 1 the 1x1 saves, below 1 it costs")
    )
    return {
        **study_columns(),
        "place": st.column_config.NumberColumn("#", width=32),
        "params_ratio": ratio,
        "macs_ratio": ratio,
        "direct_params": st.column_config.NumberColumn(_("Without 1x1"), width=88, format="localized"),
        "direct_macs": st.column_config.NumberColumn(_("MACs without"), width=104, format="localized"),
    }


@st.cache_data(max_entries=256, show_spinner=False)
def calculated(setting: Setting, language: str) -> tuple[tuple[Option, ...], pd.DataFrame, str]:
    """Both ways, the cost over the width of the 1x1, and what it saves in words of a language."""
    ways = calculate_ways(setting)
    # The cost is a straight line, so its ends draw it.
    widths = width_table(setting, (1, max(setting.in_channels, setting.middle_channels)))
    return ways, widths, ways_in_words(setting, ways)


@st.cache_data(max_entries=16, show_spinner=False)
def without_them(name: str, size: tuple[int, int]) -> pd.DataFrame:
    """The network and its twin without 1x1 convolutions before k×k ones."""
    return compare_with_direct(name, size)


def cost_control() -> figures.Cost:
    """Which cost the charts show."""
    return choices.choose_one(_("Cost"), figures.COSTS, "cost", key="bottleneck_cost", label_visibility="collapsed")


def why() -> None:
    """Why a 1x1 saves, beside the figure."""
    prose(
        _(
            "A 1x1 convolution looks at one cell at a time, and mixes all its channels into fewer. The k×k behind it "
            "costs as much more as it reads more channels, so it is cheaper with fewer. GoogLeNet began with this "
            "(Szegedy et al. 2014, section 4), and every Inception since has such *bottlenecks*. A 1x1 that hands on "
            "more channels than it reads saves nothing."
        )
    )


def any_widths(graph: LayerGraph) -> bool:
    """A k×k convolution of any widths, with and without a 1x1 before it.

    It opens on a place of the network; gives whether it still stands there.
    """
    start = setting_of(graph)
    controls, result = st.container(key="result_first").columns([1, 3], gap="medium")
    with controls:
        kernel = st.select_slider(
            _("Kernel k"),
            KERNEL_SIZES,
            key=address.choice("kernel", KERNEL_SIZES, start.kernel, key="bottleneck_kernel"),
        )
        inputs, middle, outputs = (
            st.slider(label, 1, MOST, key=address.number(name, 1, MOST, value, key=f"bottleneck_{name}"))
            for label, name, value in (
                (_("Channels in"), "in", start.in_channels),
                (_("Channels that the 1x1 hands on"), "middle", start.middle_channels),
                (_("Channels out"), "out", start.out_channels),
            )
        )
        side = st.slider(
            _("Feature map, cells a side"),
            1,
            MOST_CELLS,
            key=address.number("cells", 1, MOST_CELLS, start.size[0], key="bottleneck_cells"),
        )
        why()
    setting = Setting(kernel, inputs, middle, outputs, (side, side), start.bias, start.batch_norm)
    ways, widths, words = calculated(setting, current())
    direct, reduced = ways
    table = option_table(ways)
    with result:
        one, two, ratio = st.columns(3)
        one.metric(_("{layers}, parameters").format(layers=direct.layers), f"{direct.graph.params:,}")
        two.metric(_("{layers}, parameters").format(layers=reduced.layers), f"{reduced.graph.params:,}")
        ratio.metric(_("Without to with"), f"{table['params_ratio'].iloc[-1]:.2f}×")
        prose(words)
        cost = cost_control()
        counts = table.set_index("option")[cost]
        figure = figures.width_figure(widths, cost, int(counts[DIRECT]), middle, int(counts.iloc[-1]))
        st.plotly_chart(figure, config=PLAIN)
        st.code(f"{direct.arithmetic}\n{reduced.arithmetic}", language=None, wrap_lines=True)
        if setting.batch_norm:
            prose(_("The 2 in each sum is batch norm's: a factor and an offset for each channel."), small=True)
        tables.show_table(shown(table), column_config=columns(), column_order=["option", *COSTS])
        tables.export_button(table, "bottleneck", setting.title)
    return setting == start


def place_labels(graph: LayerGraph, kinds: pd.DataFrame) -> tuple[list[str], list[str]]:
    """What people call each kind of place with its widths on a second line, and TF-Slim's names of it."""
    blocks, branches, labels, codes = spoken_blocks(graph.layers), branch_names(graph.layers), [], []
    for row in kinds.to_dict("records"):
        name = branches.get((row["block"], row["branch"]))
        if name is None:  # in no branch
            name = _("{kernel} after 1x1").format(kernel=shape_text((row["kernel"],) * 2))
        where = blocks[row["block"]] if row["times"] == 1 else spoken_stage(row["times"], row["stage"])
        place = _("{block}: {branch}").format(block=where, branch=name)
        widths = _("{inputs:,} → {middle:,} → {outputs:,} channels")
        widths = widths.format(inputs=row["in_channels"], middle=row["middle_channels"], outputs=row["out_channels"])
        labels.append(f"<b>{place}</b><br>{widths}")
        code = " … ".join(dict.fromkeys((row["block"], row["last_block"])))
        codes.append(_("{block}: {branch}").format(block=code, branch=row["branch"]) if row["branch"] else code)
    return labels, codes


def in_this_network(graph: LayerGraph) -> None:
    """Every place of the chosen network with its real widths."""
    table = bottleneck_table(graph)
    if table.empty:
        return
    kinds = bottleneck_kinds(graph).sort_values("saving", ascending=False, kind="stable")
    figure, beside = st.columns([3, 1], gap="medium")
    with beside:
        why()
    with figure:
        st.markdown(_("Each pair of bars is one place; places that are alike in several blocks of a stage share one."))
        labels, codes = place_labels(graph, kinds)
        st.plotly_chart(figures.places_figure(kinds, labels, codes, cost_control()), config=PLAIN)
    st.subheader(_("Every place"))
    tables.show_table(
        table,
        column_config=columns(),
        column_order=PLACE_COLUMNS,
        height=tables.table_height(len(table), most=len(table)),
    )
    tables.export_button(table, f"{graph.name}_bottlenecks", bottleneck_title(graph))


def counterfactual(graph: LayerGraph) -> None:
    """The chosen network built without 1x1 convolutions before k×k ones."""
    with st.spinner(_("Building the network a second time, without them…")):
        table = without_them(graph.name, graph.input_size)
    params, macs = table[["params", "macs"]].iloc[1] / 1e6
    told = _(
        "Really built without them, {network} has **{params:.1f} million parameters and {macs:.2f} billion "
        "multiply-accumulates**: {params_ratio:.2f} and {macs_ratio:.2f} times as many."
    )
    words, beside = st.columns(2, gap="medium")
    with beside:
        why()
    with words:
        prose(
            told.format(
                network=_(choices.chosen_variant().title),
                params=params,
                macs=macs / 1e3,
                params_ratio=table["params_ratio"].iloc[0],
                macs_ratio=table["macs_ratio"].iloc[0],
            )
        )
    tables.show_table(shown(table), column_config=columns(), column_order=["network", *COSTS, "convs", "rf"])
    title = _("{network} at {size}, and the same without 1x1 convolutions before k×k ones")
    title = title.format(network=graph.name, size=choices.picture_size(graph))
    tables.export_button(table, f"{graph.name}_without_bottlenecks", title)


frame.open_page("bottleneck")
graph = choices.chosen_graph()
found = st.container()
view, says = choices.choose_view("bottleneck_view", VIEWS), bottlenecks_finding(graph)
if view == VIEWS[0]:
    if any_widths(graph):
        says = running_text(says, where_most_is_saved(graph))
elif view == VIEWS[1]:
    in_this_network(graph)
else:
    counterfactual(graph)
with found:
    finding(says)
