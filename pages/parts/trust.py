"""How far to trust weights that this project trained: their accuracy, what they mix up, photographs they never saw."""

from functools import cache
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from inception import LayerGraph
from inception.paths import BUNDLED
from inception.runtime.predictor import Predictor
from inception.text import running_text
from inception.training.bundle import used_before
from inception.vision.none_of_them import others_table, partners, refusals, wrong_refusals
from inception.vision.photographs import OTHER, Hits, cut_out, hits
from inception.vision.titles import class_title, picture_title
from inception.weights.choice import WeightsKind
from inception.weights.known import Weights
from inception.words import _
from pages.figures import common as figures
from pages.parts import tables
from pages.parts.glossary import prose

FEW = 6  # classes whose confusion has room for large digits


def show_trust(network: Predictor, graph: LayerGraph) -> None:
    """What was measured of weights that came with the project; of any others nothing is known."""
    weights = network.description
    if network.weights.kind is not WeightsKind.BUNDLED or weights is None:
        return
    st.subheader(_("How far to trust it"))
    if graph.input_size != (weights.input_size, weights.input_size):
        sentence = _("It was measured at {size} px only, so nothing is known at this size.")
        st.caption(sentence.format(size=weights.input_size))
        return
    confusion, answers, found = measured(weights.tag)
    show_figures(weights, found, judges(network))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(_("**What it mixes up**, of CIFAR-10's test pictures"))
        st.plotly_chart(confusion_heatmap(confusion), config=figures.PLAIN)
        title = _("{tag}: classes shown and answered").format(tag=weights.tag)
        tables.export_button(confusion.reset_index(), "confusion", title)
    with right:
        show_photographs(weights, answers, found)
    prose(
        _(
            "Trained on {data}, {epochs} epochs, seed {seed}; the card in {source} has the recipe. "
            "`python -m inception evaluate {network}` measures the test accuracy again."
        ).format(
            data=weights.training["data"],
            epochs=weights.training["epochs"],
            seed=weights.training["seed"],
            source=weights.source,
            network=weights.variant,
        ),
        small=True,
    )


@cache
def measured(tag: str) -> tuple[pd.DataFrame, pd.DataFrame, Hits]:
    """Of weights that came with the project: what they mix up, and their answers for the photographs; read once."""
    confusion = pd.read_csv(BUNDLED / f"{tag}.confusion.csv", index_col="class")
    answers = pd.read_csv(BUNDLED / f"{tag}.photographs.csv").astype({"rank": "Int64"})
    return confusion, answers, hits(answers)


def trusted(network: Predictor, graph: LayerGraph) -> bool:
    """Whether something was measured of a network at this size."""
    size = network.input_size, network.input_size
    return network.weights.kind is WeightsKind.BUNDLED and graph.input_size == size


def judges(network: Predictor) -> str:
    """Who says that a picture shows none of the classes, as `refusals` calls it."""
    return "together" if partners(network, (network.input_size,) * 2) else network.weights.name


def how_often_none(network: Predictor) -> str:
    """How often it is noticed that a picture shows none of the classes, in a sentence."""
    table = others_table()
    noticed, wrong = refusals(table, judges(network)), wrong_refusals(table, judges(network))
    low, high = noticed.interval
    return _(
        "Of {others} photographs of other things, {noticed:.0%} were noticed to show none of these classes (95% "
        "interval {low:.0%} to {high:.0%}). The same was said, wrongly, of {wrong:.0%} of {known} photographs that do "
        "show one."
    ).format(
        others=noticed.pictures,
        noticed=noticed.share,
        low=low,
        high=high,
        wrong=wrong.share,
        known=wrong.pictures,
    )


def show_figures(weights: Weights, found: Hits, judge: str) -> None:
    """The accuracies and the calibration error, large. judge: as of `refusals`."""
    tests = pd.read_csv(BUNDLED / f"{weights.tag}.tests.csv")
    facts = {key: float(text) for key, text in weights.training.items() if key.startswith(("test_", "expected_"))}
    columns = st.columns(4)
    columns[0].metric(
        _("Right, of CIFAR-10's test pictures"),
        f"{facts['test_accuracy']:.2%}",
        help=running_text(
            _("Among the first three: {share:.1%}.").format(share=facts["test_top_3_accuracy"]), used_before(tests)
        ),
    )
    columns[1].metric(
        _("Calibration error"),
        f"{facts['expected_calibration_error']:.1%}",
        help=_(
            "How far its probabilities are from how often it is right on CIFAR-10's test pictures, on average "
            "(expected calibration error, Guo et al. 2017), after dividing its logits by a temperature of "
            "{temperature:.2f}."
        ).format(temperature=weights.temperature),
    )
    columns[2].metric(
        _("Right, of {count} photographs").format(count=found.known),
        f"{found.top_1:.0%}",
        help=_(
            "Real photographs that no one trained on. Among the first three: {share:.0%}. They were looked at when the "
            "end of the training was chosen, so expect a little less of others."
        ).format(share=found.top_3),
    )
    table = others_table()
    noticed, alone, wrong = refusals(table, judge), refusals(table, weights.tag), wrong_refusals(table, judge)
    low, high = noticed.interval
    columns[3].metric(
        _("“None”, of {count} other things").format(count=noticed.pictures),
        f"{noticed.share:.0%}",
        help=_(
            "Photographs of none of the classes, which had no say in any choice; the 95% interval is {low:.0%} to "
            "{high:.0%}. It is said where any of the networks that come with this app is unsure; by itself, this one "
            "says it of {alone:.0%}. Of {known} photographs that do show one of the classes it is said of {wrong:.0%}, "
            "wrongly."
        ).format(low=low, high=high, alone=alone.share, known=wrong.pictures, wrong=wrong.share),
    )


def show_photographs(weights: Weights, answers: pd.DataFrame, found: Hits) -> None:
    """Its answer for each of the project's photographs."""
    known = answers[answers["label"] != OTHER]
    cut = known["file"].isin(cut_out())
    right = known["rank"] == 1
    st.markdown(
        _(
            "**Real photographs**: the right class came first for {first:.0%} of {count}, and among the first three "
            "for {third:.0%}; it was {sure:.0%} sure on average. {cut} of them were cropped to what they show or cut "
            "out. The right class came first for {cut_first:.0%} of those, and for {other_first:.0%} of the ones left "
            "as they came."
        ).format(
            first=found.top_1,
            count=found.known,
            third=found.top_3,
            sure=known["probability"].mean(),
            cut=cut.sum(),
            cut_first=right[cut].mean(),
            other_first=right[~cut].mean(),
        )
    )
    shown = answers.assign(
        label=[_("none of them") if label == OTHER else class_title(label) for label in answers["label"]],
        answer=answers["answer"].map(class_title),
        sure=100 * answers["probability"],
        file=[picture_title(Path(file).stem) for file in answers["file"]],
    )
    tables.show_table(
        shown,
        height=tables.table_height(len(answers), most=11),
        column_order=["file", "label", "answer", "sure", "none"],
        column_config={
            "file": st.column_config.TextColumn(_("Photograph"), width=130),
            "label": st.column_config.TextColumn(_("Shows"), width=85),
            "answer": st.column_config.TextColumn(_("Answer"), width=85),
            "sure": st.column_config.NumberColumn(_("Sure"), width=60, format="%.1f %%"),
            "none": st.column_config.CheckboxColumn(
                _("None"), width=40, help=_("Whether it says: none of the classes")
            ),
        },
        placeholder="–",
    )
    title = _("{tag}: answers for the project's photographs").format(tag=weights.tag)
    tables.export_button(answers, "photographs", title)


def confusion_heatmap(confusion: pd.DataFrame) -> go.Figure:
    """Pictures of each class (rows) by the class that was answered (columns)."""
    labels = [class_title(label) for label in confusion.columns]
    hover = _("shows {shown}, answer {answer}: {count} pictures").format(shown="%{y}", answer="%{x}", count="%{z}")
    figure = go.Figure(
        go.Heatmap(
            z=confusion.values.tolist(),
            x=labels,
            y=labels,
            text=confusion.values.tolist(),
            texttemplate="%{text}",
            textfont={"size": 18 if len(labels) <= FEW else 11, "color": "#1a1a1a"},
            colorscale=[[0, "#f4f8fb"], [0.1, "#c5e5f7"], [1, "#56b4e9"]],  # all of them pale enough for dark digits
            showscale=False,
            hovertemplate=hover + "<extra></extra>",
        )
    )
    figure.update_xaxes(title=_("Answer"), tickangle=-45, showgrid=False)
    figure.update_yaxes(title=_("Shows"), autorange="reversed", showgrid=False)
    return figure.update_layout(height=430, margin={"t": 10, "b": 10, "l": 10, "r": 10})
