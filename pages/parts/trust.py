"""How far to trust weights that this project trained: their accuracy, what they mix up, photographs they never saw."""

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from inception import LayerGraph
from inception.paths import BUNDLED
from inception.runtime.predictor import Predictor
from inception.training.bundle import used_before
from inception.views.kinds import SQUARE
from inception.vision.none_of_them import others_table, partners, refusals, wrong_refusals
from inception.vision.photographs import OTHER, Hits, cut_out, hits
from inception.weights.choice import WeightsKind
from inception.weights.known import Weights
from pages.figures import common as figures
from pages.parts import tables


def show_trust(network: Predictor, graph: LayerGraph) -> None:
    """What was measured of weights that came with the project; of any others nothing is known."""
    weights = network.description
    if network.weights.kind is not WeightsKind.BUNDLED or weights is None:
        return
    st.subheader("How far to trust it")
    if graph.input_size != (weights.input_size, weights.input_size):
        st.caption(f"It was measured at {weights.input_size} px only, so nothing is known at this size.")
        return
    confusion = pd.read_csv(BUNDLED / f"{weights.tag}.confusion.csv", index_col="class")
    answers = pd.read_csv(BUNDLED / f"{weights.tag}.photographs.csv").astype({"rank": "Int64"})
    found = hits(answers)
    show_figures(weights, found, judges(network))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What it mixes up**, of CIFAR-10's test pictures")
        st.plotly_chart(confusion_heatmap(confusion), config=figures.PLAIN)
        tables.export_button(confusion.reset_index(), "confusion", f"{weights.tag}: classes shown and answered")
    with right:
        show_photographs(weights, answers, found)
    st.caption(
        f"Trained on {weights.training['data']}, {weights.training['epochs']} epochs, seed "
        f"{weights.training['seed']}; the card in {weights.source} has the recipe. "
        f"`python -m inception evaluate {weights.variant}` measures the test accuracy again."
    )


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
    return (
        f"Of {noticed.pictures} photographs of other things, {noticed.share:.0%} were noticed to be none of them (95% "
        f"interval {low:.0%} to {high:.0%}); so were, wrongly, {wrong.share:.0%} of {wrong.pictures} that do show one."
    )


def show_figures(weights: Weights, found: Hits, judge: str) -> None:
    """The accuracies and the calibration error, large. judge: as of `refusals`."""
    tests = pd.read_csv(BUNDLED / f"{weights.tag}.tests.csv")
    facts = {key: float(text) for key, text in weights.training.items() if key.startswith(("test_", "expected_"))}
    columns = st.columns(4)
    columns[0].metric(
        "Right, of CIFAR-10's test pictures",
        f"{facts['test_accuracy']:.2%}",
        help=f"Among the first three: {facts['test_top_3_accuracy']:.1%}. {used_before(tests)}",
    )
    columns[1].metric(
        "Calibration error",
        f"{facts['expected_calibration_error']:.1%}",
        help="How far its probabilities are from how often it is right on CIFAR-10's test pictures, on average "
        "(expected calibration error, Guo et al. 2017), after dividing its logits by a temperature of "
        f"{weights.temperature:.2f}.",
    )
    columns[2].metric(
        f"Right, of {found.known} photographs",
        f"{found.top_1:.0%}",
        help=f"Real photographs that no one trained on. Among the first three: {found.top_3:.0%}. They were looked at "
        "when the end of the training was chosen, so expect a little less of others.",
    )
    table = others_table()
    noticed, alone, wrong = refusals(table, judge), refusals(table, weights.tag), wrong_refusals(table, judge)
    low, high = noticed.interval
    columns[3].metric(
        f"“None”, of {noticed.pictures} other things",
        f"{noticed.share:.0%}",
        help=f"Photographs of none of the classes, which had no say in any choice; the 95% interval is {low:.0%} to "
        f"{high:.0%}. It is said where any of the networks that come with this app is unsure; by itself, this one says "
        f"it of {alone.share:.0%}. Of {wrong.pictures} photographs that do show one of the classes it is said of "
        f"{wrong.share:.0%}, wrongly.",
    )


def show_photographs(weights: Weights, answers: pd.DataFrame, found: Hits) -> None:
    """Its answer for each of the project's photographs."""
    known = answers[answers["label"] != OTHER]
    cut = known["file"].isin(cut_out())
    right = known["rank"] == 1
    st.markdown(
        f"**Real photographs**: the right class came first for {found.top_1:.0%} of {found.known}, and among the first "
        f"three for {found.top_3:.0%}; it was {known['probability'].mean():.0%} sure on average. {cut.sum()} of them "
        f"were cropped to what they show or cut out: first for {right[cut].mean():.0%} of those and for "
        f"{right[~cut].mean():.0%} of the ones left as they came."
    )
    shown = answers.assign(
        label=answers["label"].replace(OTHER, "none of them"),
        sure=100 * answers["probability"],
        file=[Path(file).stem.replace("_", " ") for file in answers["file"]],
    )
    st.dataframe(
        shown,
        hide_index=True,
        height=tables.table_height(len(answers), most=11),
        column_order=["file", "label", "answer", "sure", "none"],
        column_config={
            "file": st.column_config.TextColumn("Photograph", width=130),
            "label": st.column_config.TextColumn("Shows", width=85),
            "answer": st.column_config.TextColumn("Answer", width=85),
            "sure": st.column_config.NumberColumn("Sure", width=60, format="%.1f %%"),
            "none": st.column_config.CheckboxColumn("None", width=40, help="Whether it says: none of the classes"),
        },
        placeholder="–",
    )
    tables.export_button(answers, "photographs", f"{weights.tag}: answers for the project's photographs")


def confusion_heatmap(confusion: pd.DataFrame) -> go.Figure:
    """Pictures of each class (rows) by the class that was answered (columns)."""
    labels = list(confusion.columns)
    figure = go.Figure(
        go.Heatmap(
            z=confusion.values.tolist(),
            x=labels,
            y=labels,
            text=confusion.values.tolist(),
            texttemplate="%{text}",
            textfont={"size": 11},
            colorscale=[[0, "#f4f8fb"], [0.1, "#a9cde6"], [1, SQUARE.color]],
            showscale=False,
            hovertemplate="shows %{y}, answer %{x}: %{z} pictures<extra></extra>",
        )
    )
    figure.update_xaxes(title="Answer", tickangle=-45, showgrid=False)
    figure.update_yaxes(title="Shows", autorange="reversed", showgrid=False)
    return figure.update_layout(height=430, margin={"t": 10, "b": 10, "l": 10, "r": 10})
