"""Residual scale: what do the numbers in front of the residuals do?"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

import inception
from inception import LayerGraph
from inception.models.surgery import Scales
from inception.runtime.predictor import Predictor
from inception.runtime.turns import BusyError
from inception.size import Size
from inception.studies.residual import RELEASED, UNSCALED, Norm, ProfileSummary, ResidualInstrument, summarise
from inception.text import and_list, running_text, shape_text
from inception.training.twins import LEARNING_RATE, SIZE, History, RandomCrops, Setting, Twin, train
from inception.views.kinds import Kind
from inception.vision.samples import one_of_each
from inception.weights.choice import WeightsChoice
from inception.words import N_, _, ngettext
from inception.zoo import VARIANTS
from pages.figures import common as figures
from pages.figures import residual as residual_figures
from pages.parts import address, choices, diagrams, frame, tables
from pages.parts.decoded import decoded
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.journal import note_refusal
from pages.parts.page_list import PAGES
from pages.parts.pictures import choose_picture
from pages.parts.queue import told
from pages.parts.stand_in import say_stand_in
from pages.parts.weights_chooser import choose_weights, network_with

VIEWS = [N_("On a picture"), N_("In training")]
# Where the questions go on that this page leaves open: a page, the words of its link, and its state.
ELSEWHERE: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("differences", N_("Where the 0.17 comes from"), {"topic": "residual", "search": "0.17"}),
    ("race", N_("Training with 1 from the start"), {}),
)
RELEASED_V2 = "inception_resnet_v2"  # shown where the chosen network has no residuals
QUICK = 160  # pixels: the largest usual size at which two cores answer a slider within 0.3 s
NORMS: dict[Norm, str] = {"batch": N_("of this pass"), "running": N_("stored")}
MOST_STEPS = 100
WIDTHS = [0.125, 0.25]
LEARNING_RATES = [0.005, 0.01, 0.02, LEARNING_RATE, 0.1, 0.2, 0.5, 1.0]

Profiles = dict[str, pd.DataFrame]


def columns() -> dict[str, Any]:
    """The columns of the table of sums, in the reader's language."""
    return {
        "index": st.column_config.NumberColumn("#", width=44),
        "block": _("Block"),
        "scale": st.column_config.NumberColumn(_("Scale"), format="%.2f"),
        "shortcut_norm": st.column_config.NumberColumn(
            _("Shortcut"), format="%.4g", help=_("Euclidean norm, for one picture")
        ),
        "residual_norm": st.column_config.NumberColumn(
            _("Scaled residual"), format="%.4g", help=_("Euclidean norm, for one picture")
        ),
        "ratio": st.column_config.NumberColumn(_("Ratio"), format="%.3f", help=_("Scaled residual over shortcut")),
        "mean": st.column_config.NumberColumn(_("Mean"), format="%.4g", help=_("Of the sum, before the ReLU")),
        "spread": st.column_config.NumberColumn(_("Spread"), format="%.4g", help=_("Standard deviation of the sum")),
        "relu": st.column_config.CheckboxColumn(_("ReLU"), help=_("Whether a ReLU follows the sum")),
        "dead": st.column_config.NumberColumn(
            _("Dead"), format="localized", help=_("Channels that are 0 in every cell")
        ),
        "channels": st.column_config.NumberColumn(_("Channels"), format="localized"),
        "cells": st.column_config.NumberColumn(
            _("Cells"), format="localized", help=_("Of each channel: pictures x grid")
        ),
    }


@st.cache_resource(max_entries=2, hash_funcs={Predictor: id}, show_spinner=False)
def instrument_on(network: Predictor) -> ResidualInstrument:
    """The instrument on a network; all sessions with that network share it."""
    return ResidualInstrument(network)  # which keeps the network, so that its id is no one else's


BY_TOKEN: dict[str | type[Any], Callable[[Any], Any]] = {ResidualInstrument: lambda instrument: instrument.token}


@st.cache_data(max_entries=32, hash_funcs=BY_TOKEN, show_spinner=False)
def views_of(data: bytes, instrument: ResidualInstrument, size: tuple[int, int]) -> list[Image.Image]:
    """What is measured of an encoded picture."""
    return instrument.views(decoded(data), size)


@st.cache_data(max_entries=256, hash_funcs=BY_TOKEN, show_spinner=False)
def measured(instrument: ResidualInstrument, views: list[Image.Image], scales: Scales, norm: Norm) -> pd.DataFrame:
    """The residual sums of one pass."""
    return instrument.measure(views, scales, norm)


@st.cache_data(show_spinner=False)
def sample_pictures() -> list[Image.Image]:
    """A sample picture of each class that there are samples of, decoded."""
    return [inception.load_image(sample.path) for sample in one_of_each()]


def scale_sliders(graph: LayerGraph) -> Scales:
    """A slider for each kind of block, which starts at the network's own scale."""
    built: dict[str, float] = {}
    for layer in graph.layers:
        if layer.parts[0].scale is not None:
            built.setdefault(layer.stage, layer.parts[0].scale)
    keys = {f"scale_{graph.name}_{stage}": scale for stage, scale in built.items()}
    for letter, (key, scale) in zip("abc", keys.items(), strict=True):
        address.number(letter, 0.0, 1.0, scale, key=key)
    a, b, c = (
        st.slider(_("Scale in {stage}").format(stage=stage), 0.0, 1.0, step=0.01, key=key)
        for stage, key in zip(built, keys, strict=True)
    )
    st.caption(_("As A · B · C: {scales}").format(scales=written((a, b, c))))
    st.button(_("As built"), icon=":material/restart_alt:", on_click=lambda: st.session_state.update(keys))
    return a, b, c


def written(scales: Scales) -> str:
    """0.17 · 0.10 · 0.20."""
    return " · ".join(f"{scale:.2f}" for scale in scales)


def label(scales: Scales) -> str:
    """The scales, in words where nothing is scaled."""
    return _("1 everywhere") if scales == UNSCALED else written(scales)


def compared(scales: Scales) -> list[Scales]:
    """The scales of the sliders, and next to them 1 everywhere, or the released ones where that is what they are."""
    return [scales, RELEASED if scales == UNSCALED else UNSCALED]


def number(title: str, values: dict[str, str]) -> None:
    """One number under the sliders' scales, and below it the same under the other ones."""
    (_own, value), (name, other) = values.items()
    st.metric(
        title,
        value,
        _("{number} with {scales}").format(number=other, scales=name),
        delta_color="off",
        delta_arrow="off",
    )


def depth_chart(profiles: Profiles, key: str) -> None:
    """What was measured, over the residual sums in order."""
    diagrams.legend([Kind(name, color) for name, color in zip(profiles, residual_figures.COLORS, strict=False)])
    st.plotly_chart(residual_figures.depth_figure(profiles), config=figures.PLAIN, key=f"{key}_by_depth")


def choose_subject(name: str) -> tuple[WeightsChoice, bytes, Norm]:
    """The controls for picture, weights and batch norm: the weights, an encoded picture, whose statistics."""
    with st.container(key="chosen_picture"):
        data = choose_picture(inviting=False)
    with st.container(key="chosen_weights"):
        weights = choose_weights(name)
    first: Norm = "running" if weights.trained else "batch"
    norm = choices.choose_one(
        _("Batch norm uses statistics"),
        NORMS,
        "norm",
        first,
        help=_(
            "During training, batch norm uses the statistics of the current pass. A trained network in use takes the "
            "stored ones. Before training the stored mean is 0 and the stored variance is 1, so nothing is normalised "
            "and the signal fades from layer to layer."
        ),
    )
    return weights, data, norm


def picture_view(name: str, weights: WeightsChoice, data: bytes, norm: Norm, scales: Scales) -> None:
    """The network run on one picture."""
    instrument = instrument_on(network_with(name, weights))
    size = quick_size(instrument.network.input_size)
    with st.spinner(_("Running the network…")):
        views = views_of(data, instrument, size)
        profiles = {label(s): measured(instrument, views, s, norm) for s in compared(scales)}

    sums = {name: summarise(profile) for name, profile in profiles.items()}
    with place:
        finding(growth_of(sums))
        lead_elsewhere(_("Here the scales of a network are changed after its training."))
    ratio, spread, dead = st.columns(3)
    with ratio:
        number(_("Residual over shortcut, median"), {name: f"{found.median_ratio:.1%}" for name, found in sums.items()})
    with spread:
        number(
            _("Spread, first to last sum"),
            {name: f"{found.first_spread:#.3g} → {found.last_spread:#.3g}" for name, found in sums.items()},
        )
    with dead:
        number(
            _("Dead channels"),
            {
                name: _("{part:,} of {whole:,}").format(part=found.dead, whole=found.channels)
                for name, found in sums.items()
            },
        )
    chart, why = st.columns([7, 3], gap="medium")
    with chart:
        depth_chart(profiles, "picture")
    with why:
        about_the_pass(instrument)
        prose(how_it_was_measured(instrument, views, size, next(iter(profiles.values()))), small=True)
    with st.expander(_("The numbers"), key=address.switch("numbers"), on_change="rerun"):
        key = address.choice(
            "with", profiles, code=dict(zip(profiles, ("sliders", "others"), strict=False)).__getitem__
        )
        first = next(iter(profiles))
        shown = st.segmented_control(_("With the scales"), list(profiles), key=key, required=True) or first
        table = profiles[shown]
        tables.show_table(
            table,
            column_config=columns(),
            column_order=list(columns()),
            height=tables.table_height(len(table)),
        )
        title = _("Residual sums of {network} with the scales {scales}")
        tables.export_button(table, f"{name}_residuals", title.format(network=name, scales=shown))


def lead_elsewhere(why: str) -> None:
    """Links to where the questions are answered that this page leaves open. why: what it does, in a sentence."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(why, width="content")
        for page, words, query in ELSEWHERE:
            icon = f":material/{PAGES[page].icon}:"
            st.page_link(PAGES[page].path, label=_(words), icon=icon, query_params=query)


def growth_of(sums: dict[str, ProfileSummary]) -> str:
    """How many times the values grow from the first sum to the last, with two sets of scales."""
    (scales, own), (other, others) = sums.items()
    if not own.first_spread or not others.first_spread:
        return _("**How the values grow: –.** The first sum is the same everywhere.")
    sentence = _(
        "From the first sum to the last **the values grow {growth:.2g} times with {scales}, and {other_growth:.2g} "
        "times with {other}**."
    )
    return sentence.format(
        growth=own.last_spread / own.first_spread,
        scales=scales,
        other_growth=others.last_spread / others.first_spread,
        other=other,
    )


def about_the_pass(instrument: ResidualInstrument) -> None:
    """What a pass shows of what the paper says."""
    paragraph = _(
        "Every block multiplies what its branches found by a scale and adds it to its input, the shortcut. Section 3.3 "
        "of the paper reports: without a scale of 0.1 to 0.3, networks with more than 1000 filters *died* early in "
        "training. After a few tens of thousands of steps the last layer before the average pool gave nothing but "
        "zeros. One pass cannot show such a death."
    )
    if instrument.network.trained:
        shows = _("It shows what training made of the sums: how much each block changes its input, and how they grow.")
    else:
        shows = _("It shows where training starts: how much each block changes its input, and how the sums grow.")
    prose(running_text(paragraph, shows))
    if instrument.rectified:
        st.markdown(
            _(
                "In this network **residuals pass a ReLU before the sum**, so none is below 0 and the sums can only "
                "grow. In the paper that 1x1 is linear (section 3.2)."
            )
        )


def how_it_was_measured(
    instrument: ResidualInstrument, views: list[Image.Image], size: Size, profile: pd.DataFrame
) -> str:
    """What was measured, and what its words mean."""
    measured_on = ngettext(
        "Measured in one pass over the picture at {size} px.",
        "Measured in one pass over {views} views of the picture at {size} px.",
        len(views),
    )
    notes = [measured_on.format(views=len(views), size=shape_text(size))]
    own = instrument.network.input_size
    if choices.chosen_size() is None and size[0] < own:
        notes += [
            _(
                "The network's own size is {size} px. This page uses a smaller picture, so that the sliders answer at "
                "once; you can set any size in the sidebar."
            ).format(size=own)
        ]
    notes += [_("Spread is the standard deviation of all values of a sum.")]
    notes += [_("A channel is dead here if, behind the ReLU, it is 0 in every cell of every view.")]
    notes += [
        _("{block} (open mark) has no ReLU and keeps its scale of {scale:g}, as in TF-Slim.").format(
            block=row.block, scale=row.scale
        )
        for row in profile[~profile["relu"]].itertuples()
    ]
    return running_text(*notes)


def training_view(name: str, scales: Scales) -> None:
    """A narrow version of the network trained with these scales and with others, drawn while it happens."""
    with place:
        lead_elsewhere(_("Here you train for seconds; the race shows what longer trainings came to."))
    first, second, third = st.columns(3, vertical_alignment="bottom")
    rate = first.select_slider(
        _("Learning rate"), LEARNING_RATES, key=address.choice("rate", LEARNING_RATES, LEARNING_RATE)
    )
    steps = second.slider(_("Steps"), 10, MOST_STEPS, step=10, key=address.number("steps", 10, MOST_STEPS, 40))
    key = address.choice("width", WIDTHS)
    share = _("Share of the network's channels")
    width = third.segmented_control(share, WIDTHS, key=key, required=True, format_func="{:.1%}".format) or WIDTHS[0]
    with st.container(horizontal=True):
        start = st.button(_("Train both"), type="primary", icon=":material/play_arrow:")
        st.button(_("Stop training"), icon=":material/stop:", disabled=not start)
    note, drawing = st.empty(), st.empty()
    twins = compared(scales)
    if start:
        if not train_twins(
            Setting(
                tuple(Twin(name, width, scales=scales) for scales in twins),
                learning_rate=rate,
                steps=steps,
                profiled=True,
            ),
            drawing,
        ):
            return
        st.rerun()

    kept: History | None = st.session_state.get("residual_history")
    if kept and kept.setting.twins[0].name == name and kept.last:
        if [twin.scales for twin in kept.setting.twins] != twins:
            note.info(
                _(
                    "This run was made with the scales {old} and with {other_old}. The sliders have moved since: "
                    "**Train both** starts a run with {new} and with {other_new}."
                ).format(
                    **dict(zip(("old", "other_old"), twin_names(kept), strict=True)),
                    **dict(zip(("new", "other_new"), map(label, twins), strict=True)),
                ),
                icon=":material/history:",
            )
        draw_training(kept, drawing)
        training_result(kept)
    else:
        drawing.info(
            _(
                "**Train both** starts two networks from the same weights: one with the scales {scales}, one with "
                "{other}. They learn to tell crops of {count} sample pictures apart. It takes some seconds."
            ).format(scales=label(twins[0]), other=label(twins[1]), count=len(sample_pictures())),
            icon=":material/play_circle:",
        )
    show_recipe()


def show_recipe() -> None:
    """How this training is the paper's, and how it is not."""
    st.markdown(
        _(
            "The recipe is the paper's (section 4: RMSProp with decay 0.9, epsilon 1.0 and a learning rate of 0.045). "
            "The depth is the network's own, and there is no dropout. Width, picture, batch and number of steps are "
            "far smaller than the paper's. Its networks died after tens of thousands of steps at full width, so a run "
            "of a few seconds need not show that. It shows the start of a training: how large the first gradients are, "
            "and how soon the loss falls."
        )
    )


def train_twins(setting: Setting, drawing: DeltaGenerator) -> bool:
    """Trains, and draws the curves on the way; whether it could be done, else there is a sentence why not."""
    drawing.info(_("Building both networks…"), icon=":material/construction:")
    history = st.session_state["residual_history"] = History(setting)
    try:
        # Any control, Stop among them, and a closed tab end the script at the next drawing, and the training too.
        # Not in a fragment: its own controls would wait until it has run.
        with closing(train(setting, RandomCrops(sample_pictures()), told(drawing))) as training:
            for step in training:
                history.add(step)
                draw_training(history, drawing)
    except BusyError as error:
        note_refusal(error)
        drawing.error(str(error), icon=":material/error:")
        return False
    return True


def twin_names(history: History) -> list[str]:
    """What tells the twins of a run apart: their scales."""
    return [label(twin.scales) for twin in history.setting.twins if twin.scales]


def draw_training(history: History, place: DeltaGenerator) -> None:
    """The curves so far."""
    names = twin_names(history)
    figure = residual_figures.training_figure(history.curves(), names, history.setting.steps)
    place.plotly_chart(figure, config=figures.PLAIN)


def training_result(history: History) -> None:
    """What came out of a run that ended or was stopped."""
    setting, curves = history.setting, history.shared_curves()
    twin = setting.twins[0]
    names = twin_names(history)
    results = dict(zip(names, history.results(), strict=True))
    both = results[names[0]].steps
    gradient, loss, dead = st.columns(3)
    with gradient:
        number(_("Norm of the first gradient"), {name: f"{got.first_gradient:,.1f}" for name, got in results.items()})
    with loss:
        number(_("Loss, mean of all steps"), {name: f"{got.mean_loss:,.2f}" for name, got in results.items()})
    with dead:
        number(
            _("Dead channels, step {step}").format(step=both),
            {name: f"{got.dead_share:.2%}" for name, got in results.items()},
        )
    prose(
        _(
            "{network} with {width:.1%} of its channels, {pictures} crops of {size} px a step, scales {scales}, "
            "learning rate {rate:g}, seed {seed}; {done} of {steps} steps."
        ).format(
            network=twin.name,
            width=twin.width,
            pictures=setting.pictures,
            size=shape_text(SIZE),
            scales=and_list(names),
            rate=setting.learning_rate,
            seed=setting.seed,
            done=both,
            steps=setting.steps,
        ),
        small=True,
    )
    titled = curves.assign(scales=curves["twin"].map(dict(enumerate(names))))
    title = _("{network}: training with the scales {scales}").format(network=twin.name, scales=and_list(names))
    tables.export_button(titled, f"{twin.name}_training", title)
    first, last = N_("First step"), N_("Last step")
    moments = {first: history.first, last: history.last}
    key = address.choice("moment", moments, last, code=address.slug)
    moment = st.segmented_control(_("Residual sums of"), list(moments), key=key, required=True, format_func=_) or last
    depth_chart({names[twin]: profile for twin, profile in moments[moment].items()}, "training")


def quick_size(trained: int) -> Size:
    """The chosen size, else that of training, but not above `QUICK`."""
    return choices.chosen_size() or Size.square(min(QUICK, trained))


fits = [RELEASED_V2, *(name for name, variant in VARIANTS.items() if variant.has_residuals and name != RELEASED_V2)]
network = frame.open_page("residual_scale", fits)
graph = choices.graph_of(network, quick_size(VARIANTS[network].input_size))
without = _("**{network} has no residual sums**, so there is nothing to scale.")
place = st.container()  # of the finding
say_stand_in(network, without.format(network=_(choices.chosen_variant().title)), fits)
view = choices.choose_view("residual_view", VIEWS)
controls, result = st.container(key="result_first").columns([1, 3], gap="large")
with controls:
    scales = scale_sliders(graph)
if view == VIEWS[0]:
    with controls:
        subject = choose_subject(graph.name)
    with result:
        picture_view(graph.name, *subject, scales)
else:
    with result, choices.one_run_at_a_time("residual"):
        training_view(graph.name, scales)
