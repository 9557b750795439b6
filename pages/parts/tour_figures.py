"""The figure of each step of the tour: what stands there before the reader has guessed, and what is shown then."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st
from PIL import Image

from inception.graph.blocks import BlockType
from inception.graph.branches import branch_names, branches_of
from inception.graph.layer import Layer
from inception.graph.op import Op
from inception.studies.pairs import pair_totals
from inception.studies.residual import RELEASED, UNSCALED
from inception.text import running_text, scaled
from inception.training.race import TITLES
from inception.training.race_results import bands, common_target, race_summary, read_curves
from inception.views.charts import depth_chart, stage_chart
from inception.views.diagram import diagram_dot, has_v
from inception.views.family import family_dot
from inception.views.figure import chart_config
from inception.views.overview import overview_boxes, overview_dot
from inception.views.window_picture import NARROW, window_svg
from inception.views.window_table import window_table
from inception.vision.cell_text import place_name
from inception.vision.light_strip import light_strip, strip_html
from inception.words import _, current
from inception.zoo import VARIANTS
from pages.figures import tour as tour_figures
from pages.figures.common import PLAIN
from pages.figures.race import race_figure
from pages.figures.residual import PANELS, PanelName, depth_figure
from pages.parts import components, diagrams
from pages.parts import tour_networks as on
from pages.parts.decoded import decoded
from pages.parts.glossary import prose
from pages.parts.same_table import block_as_table, family_as_table, overview_as_table, slides_as_table
from pages.parts.tour_answers import RACERS, looked_at
from pages.parts.tour_question import Place
from pages.parts.tour_questions import ODD_SIDE, bottleneck_counts, first_window, thinned_branch

Figure = Callable[[], None]


def block_diagram(name: str, block: BlockType) -> None:
    """A block as the page Blocks draws it."""
    drawn_layers(block.layers, block.title, name)


def drawn_layers(layers: tuple[Layer, ...], title: str, name: str) -> None:
    """Layers of a network as a diagram, and as a table that gives no guess away."""
    dot = diagram_dot(layers, title)
    titled = _("{block} of {network}").format(block=title, network=name)
    components.diagram(diagrams.svg_of(dot, titled), key="tour_block", selected=None, on_click=lambda _box: None)
    prose(what_names_mean(layers), small=True)
    block_as_table(layers, f"{name}_{title}", titled, "tour_block_table", costs=False)


def what_names_mean(layers: tuple[Layer, ...]) -> str:
    """Whose names stand in a diagram, and what its short words are short for."""
    code = next(layer.layer for layer in layers if layer.op == Op.CONV)
    says = [_("Names such as {name} are those of the layers in the released code.").format(name=code)]
    if any(layer.op == Op.CONCAT for layer in layers):
        says.append(_("Filter concat: here the channels of all branches are put side by side."))
    if any(map(has_v, layers)):
        says.append(_("V: VALID padding, so no zeros are added."))
    return running_text(*says)


def whole_network() -> None:
    """Every stage, from the picture to the answer."""
    network = on.graph()
    dot = overview_dot(network, "stage")
    title = _("Overview of {network}").format(network=on.title(network))
    components.diagram(diagrams.svg_of(dot, title), key="tour_network", selected=None, on_click=lambda _box: None)
    shapes = _("Bars show how many channels a stage hands on; along the arrows stand channels x height x width.")
    code = _("Names such as {name} are those of the blocks in the released code.")
    block = on.with_branches(network, 1).layers[0].block
    prose(running_text(shapes, code.format(name=block)), small=True)
    overview_as_table(network, overview_boxes(network, "stage"), "tour_network_table", costs=False)


def work_of_stages() -> None:
    figure = stage_chart(on.graph(), "macs")
    st.plotly_chart(figure, config=chart_config(figure, "svg"))


def first_windows() -> None:
    layer = first_window()
    assert layer.window is not None
    picture = on.sample_image().resize((ODD_SIDE, ODD_SIDE))
    drawn = tour_figures.corner_with_windows(picture, layer.window.kernel[0], layer.window.stride[0])
    st.image(drawn, caption=_("The first windows along the first row of pixels, in the corner of a picture"))


def last_window() -> None:
    layer = first_window()
    assert layer.window is not None
    rows, columns = layer.out_shape[1:]
    window, last = layer.window, (rows - 1, columns - 1)
    components.picture(window_svg(window, *last), key="tour_window", narrow=window_svg(window, *last, NARROW))
    name = layer.path.replace(".", "_")
    slides_as_table(window_table(layer.window), name, place_name(layer), "tour_window_table")


def inception_block() -> None:
    network = on.graph()
    block_diagram(on.title(network), on.with_branches(network, 0))


def work_of_branches() -> None:
    block = on.with_branches(on.graph(), 0)
    names = branch_names(block.layers)
    work = {
        names[branch]: sum(layer.macs for layer in members) for branch, members in branches_of(block.layers).items()
    }
    texts = [_("{count} multiply-accumulates").format(count=scaled(macs)) for macs in work.values()]
    st.plotly_chart(tour_figures.cost_bars(list(work), list(work.values()), texts), config=PLAIN)
    inception_block()


def thin_branch() -> None:
    """The one branch with a 1x1 before its 3x3."""
    drawn_layers(thinned_branch(), _("A 1x1, then a 3x3"), on.title(on.graph()))


def weights_of_branch() -> None:
    first, second = thinned_branch()
    alone, both = bottleneck_counts()
    inputs, middle, outputs = first.in_shapes[0][0], first.out_shape[0], second.out_shape[0]
    names = [
        _("3x3 alone: {product}").format(product=f"{inputs}·{outputs}·3·3"),
        _("1x1, then 3x3: {product}").format(product=f"{inputs}·{middle} + {middle}·{outputs}·3·3"),
    ]
    texts = [_("{count:,} weights").format(count=count) for count in (alone, both)]
    st.plotly_chart(tour_figures.cost_bars(names, [alone, both], texts, marked=1), config=PLAIN)


def block_with_pairs() -> None:
    network = on.graph()
    block_diagram(on.title(network), on.with_branches(network, 2))


def weights_of_pairs() -> None:
    largest = pair_totals(on.graph()).iloc[0]
    kernel = int(largest["kernel"])
    values = [int(largest["square_weights"]), int(largest["weights"])]
    names = [f"{kernel}x{kernel}", _("1x{kernel}, then {kernel}x1").format(kernel=kernel)]
    texts = [_("{count:,} weights").format(count=count) for count in values]
    st.plotly_chart(tour_figures.cost_bars(names, values, texts, marked=1), config=PLAIN)
    block_with_pairs()


def reduction_block() -> None:
    network = on.graph()
    block_diagram(on.title(network), on.with_branches(network, 1))


def cells_over_picture() -> None:
    network = on.graph()
    rows, columns = network.grids[-1].out_shape[1:]
    picture = on.sample_image().resize((network.input_size[1], network.input_size[0]))
    caption = _("The cells of the last grid, drawn as if each had a part of the picture to itself")
    st.image(tour_figures.with_grid(picture, rows, columns), caption=caption)


def growing_field() -> None:
    figure = depth_chart(on.graph())
    st.plotly_chart(figure, config=chart_config(figure, "svg"))


def residual_block() -> None:
    network = on.graph(on.V2)
    block_diagram(on.title(network), on.with_branches(network, 1))


def what_is_added() -> None:
    """How much each block adds, and the other measurements on demand."""
    sums_by_depth({_("as built"): on.sums_of_sample()}, "ratio", _("What a block adds, as a share of what passes by"))
    prose(
        _(
            "Both are measured by their norm: the root of the sum of the squares of all their numbers. The network is "
            "the small one that comes with the project."
        ),
        small=True,
    )


def growing_sums() -> None:
    """How the sums grow as the network was built."""
    spread_by_depth({_("as built"): on.residual_sums()})


def sums_without_scale() -> None:
    st.caption(_("Blue: as built. Orange: 1 everywhere."))
    spread_by_depth({_("as built"): on.residual_sums(), _("1 everywhere"): on.residual_sums(UNSCALED)})
    scales = _(", ").join(f"{scale:g}" for scale in RELEASED)
    sentence = _(
        "The paper took scales between 0.1 and 0.3; the released network has {scales}. Why just these, neither the "
        "paper nor the code says."
    )
    prose(sentence.format(scales=scales), small=True)


def spread_by_depth(profiles: Mapping[str, pd.DataFrame]) -> None:
    """How far the values lie apart at each sum."""
    sums_by_depth(profiles, "spread", _("Spread of the values"))
    prose(
        _(
            "The spread is the standard deviation: how far the values lie from their mean. The axis is logarithmic: "
            "equal steps on it multiply by the same number."
        ),
        small=True,
    )


def sums_by_depth(profiles: Mapping[str, pd.DataFrame], first: PanelName, title: str) -> None:
    """The measurement that answers a question, and tucked away the others of the same sums."""
    figure = depth_figure(profiles, [first], title, _("Blocks, from the first to the last"))
    st.plotly_chart(figure, config=PLAIN, key="tour_sums")
    others = [panel for panel in PANELS if panel != first]
    with st.expander(_("What else was measured of these sums"), icon=":material/show_chart:"):
        st.plotly_chart(depth_figure(profiles, others), config=PLAIN, key="tour_other_sums")


def cost_of_racers() -> None:
    curves = read_curves()
    assert curves is not None
    summary = race_summary(curves, common_target(curves)).set_index("competitor")
    values = [float(summary["macs_a_picture"][key]) for key in RACERS]
    texts = [_("{count} multiply-accumulates a picture").format(count=scaled(round(value))) for value in values]
    st.plotly_chart(tour_figures.cost_bars([_(TITLES[key]) for key in RACERS], values, texts), config=PLAIN)


def curves_of_racers() -> None:
    curves = read_curves()
    assert curves is not None
    theirs = bands(curves[curves["competitor"].isin(RACERS)], "pictures", "held_out_accuracy")
    figure = race_figure(theirs, "pictures", "held_out_accuracy", common_target(curves))
    st.plotly_chart(figure, config=PLAIN)


def family() -> None:
    graphs = {name: on.graph(name) for name in VARIANTS}
    components.picture(diagrams.svg_of(family_dot(graphs), _("The Inception family")), key="tour_family")
    family_as_table(graphs, "tour_family_table")


def versions() -> None:
    graphs = [on.graph(name) for name in on.NAMED_V2]
    names = [f"{on.title(graph)}: {'/'.join(map(str, on.residual_blocks(graph)))}" for graph in graphs]
    params = [graph.params for graph in graphs]
    texts = [_("{count:.1f} million parameters").format(count=count / 1e6) for count in params]
    st.plotly_chart(tour_figures.cost_bars(names, params, texts, marked=params.index(min(params))), config=PLAIN)
    st.caption(_("Behind each name stands how many blocks of the kinds A, B and C it has."))


@st.cache_data(max_entries=64, show_spinner=False)
def _strip(data: bytes, language: str) -> str:
    """A picture on its way through the small network, in a language."""
    network = on.predictor(on.V4)
    graph = on.graph_of_predictor(network)
    prepared = network.prepare(decoded(data), graph.input_size)
    return strip_html(light_strip(network, prepared, graph), _("Your picture"))


def way_of_picture(data: bytes) -> None:
    """A picture on its way through the network; it needs the whole width."""
    st.html(_strip(data, current()))


def map_over(question: Place, data: bytes) -> Image.Image:
    """The picture of a question under the map of where the network looks; the picture alone where there is no map."""
    found, _label, _probability = looked_at(on.predictor(on.V4), data)
    return question.picture if found.dead else found.over(question.picture, 0.6)


BEFORE: dict[str, Figure] = {
    "work": whole_network,
    "grid": first_windows,
    "branches": inception_block,
    "bottleneck": thin_branch,
    "pair": block_with_pairs,
    "reduction": reduction_block,
    "field": cells_over_picture,
    "shortcut": residual_block,
    "scale": growing_sums,
    "race": cost_of_racers,
    "versions": family,
}
AFTER: dict[str, Figure] = {
    "work": work_of_stages,
    "grid": last_window,
    "branches": work_of_branches,
    "bottleneck": weights_of_branch,
    "pair": weights_of_pairs,
    "reduction": reduction_block,
    "field": growing_field,
    "shortcut": what_is_added,
    "scale": sums_without_scale,
    "race": curves_of_racers,
    "versions": versions,
}
