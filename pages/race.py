"""Training race: do shortcuts make Inception train faster?"""

from math import inf

import pandas as pd
import streamlit as st

from inception import paths, text
from inception.training import race
from inception.training.race import TITLES
from inception.training.race_results import (
    EFFORTS,
    Comparison,
    bands,
    bundled_logs,
    common_target,
    compare,
    race_summary,
    read_curves,
    targets,
)
from pages.figures import common as figures
from pages.figures import race as race_figures
from pages.figures.race import percent
from pages.parts import frame, tables
from pages.parts.race_live import live_view

VIEWS = ["Measured", "Live"]
COMMAND = "python -m inception race"
# Of a network with shortcuts and one without: the first are like the paper's, the last has nothing else in it.
PAIRS = [("v2", "v2_cut"), ("v2", "v4"), ("v1", "v4")]


def with_spread(mean: float, spread: float, format: str) -> str:
    """12,300 ± 400; a dash where there is nothing."""
    if pd.isna(mean):
        return "–"
    return f"{mean:{format}}" if pd.isna(spread) else f"{mean:{format}} ± {spread:{format}}"


def measured_view() -> None:
    """The curves that were measured, in a chart, in words and in a table."""
    curves = read_curves(paths.RACE_CURVES)
    if curves is None:
        st.info(
            f"Nothing was measured yet: `{COMMAND}` trains the competitors and writes the table.",
            icon=":material/flag:",
        )
        return
    left, middle, right = st.columns([4, 4, 3], vertical_alignment="bottom")
    effort = left.segmented_control(
        "Against", list(EFFORTS), default=EFFORTS[0], required=True, format_func=race_figures.EFFORTS.__getitem__
    )
    quantities = race_figures.QUANTITIES
    quantity = middle.segmented_control(
        "Curve", list(quantities), default=next(iter(quantities)), required=True, format_func=quantities.__getitem__
    )
    target = right.select_slider(
        "How soon it reached", targets(curves), value=common_target(curves), format_func=percent
    )
    st.plotly_chart(
        race_figures.race_figure(bands(curves, effort, quantity), effort, quantity, target), config=figures.PLAIN
    )
    summary = race_summary(curves, target)
    st.caption(how_it_was_measured(curves, summary))

    comparisons = [compare(curves, *pair, target) for pair in PAIRS]
    st.subheader("What came out")
    st.markdown(outcome(comparisons))
    st.markdown("\n".join(f"- {sentence(comparison)}" for comparison in comparisons))
    scale = sentence(compare(curves, "v2", "v2_unscaled", target))
    st.markdown(f"About the residual scale, of which the claim says nothing: {scale}")
    st.dataframe(table_of(summary, target), hide_index=True, height=tables.table_height(len(summary)))
    tables.export_button(summary, "race_summary", f"Training race, to {percent(target)} held-out accuracy")
    with st.expander("Every epoch of every run"):
        st.dataframe(curves, hide_index=True, height=tables.table_height(len(curves)))
        tables.export_button(curves, "race_curves", "Training race, every epoch of every run")


def how_it_was_measured(curves: pd.DataFrame, summary: pd.DataFrame) -> str:
    """The caption of the chart."""
    least, most = summary["macs_a_picture"].min(), summary["macs_a_picture"].max()
    each = curves.groupby("run").tail(1)
    first = curves.iloc[0]
    return (
        f"Mean and one standard deviation over {summary['runs'].min()} seeds each. Narrow versions at about the same "
        f"cost, {text.scaled(round(least))} to {text.scaled(round(most))} MACs a picture forward, learn "
        f"{each['pictures'].max() / each['epoch'].max():,.0f} of CIFAR-10's pictures at {first['size']} px in "
        f"{each['epoch'].max()} epochs by one recipe; training on a picture counts as {race.PASSES} forward passes. "
        f"Held out are training pictures that none learnt from. `{COMMAND}` re-creates the table, "
        "assets/race/curves.csv, which has each run's recipe and seed."
    )


def outcome(comparisons: list[Comparison]) -> str:
    """How many comparisons agree with the paper's claim, in a sentence."""
    supports = sum(comparison.faster == "first" for comparison in comparisons)
    against = sum(comparison.faster == "second" for comparison in comparisons)
    unclear = len(comparisons) - supports - against
    parts = [f"{supports} of {len(comparisons)} comparisons **support** the paper's claim"]
    parts += [f"{against} **contradict** it"] if against else []
    parts += [f"{unclear} {'show' if unclear > 1 else 'shows'} **no clear difference**"] if unclear else []
    return (
        f"Do networks with shortcuts reach {percent(comparisons[0].target)} sooner than networks without? "
        f"{', '.join(parts)}. *Faster* means that every run of one network was faster than every run of the other. All "
        "networks have the same learning rate, which need not be the best for each. So the gaps can be wider than they "
        "would be if each were trained in its best way; in the paper the networks end nearly level."
    )


def sentence(comparison: Comparison) -> str:
    """How soon two competitors got there, and where they ended."""
    return f"{way(comparison)} {end(comparison)}"


def way(comparison: Comparison) -> str:
    """Which of two reached the target with fewer pictures."""
    names = TITLES[comparison.first], TITLES[comparison.second]
    if comparison.faster == "open":
        return (
            f"**{names[0]} and {names[1]}: no clear difference.** {names[0]} got there {got_there(comparison, 0)}, "
            + (f"{names[1]} {got_there(comparison, 1)}; their runs overlap.")
        )
    fast = 0 if comparison.faster == "first" else 1
    return (
        f"**{names[fast]} was faster than {names[1 - fast]}.** It got there {got_there(comparison, fast)}, "
        f"{names[1 - fast]} {got_there(comparison, 1 - fast)}."
    )


def got_there(comparison: Comparison, which: int) -> str:
    """After 12,345 pictures, or in how many runs."""
    if comparison.pictures[which] < inf:
        return f"after {round(comparison.pictures[which], -2):,.0f} pictures"
    return f"in {comparison.reached[which]} of {comparison.runs[which]} runs"


def end(comparison: Comparison) -> str:
    """Who was better after the last epoch."""
    lead = f"{100 * abs(comparison.lead):.1f} points"
    name = TITLES[comparison.first if comparison.lead > 0 else comparison.second]
    if comparison.better == "open":
        return f"At the end the means are {lead} apart and the runs overlap."
    return f"At the end {name} is {lead} ahead, with every run."


def table_of(summary: pd.DataFrame, target: float) -> pd.DataFrame:
    """The summary as readers see it."""
    return pd.DataFrame(
        {
            "Network": row["title"],
            "Parameters": f"{row['parameters']:,}",
            "MACs a picture": text.scaled(round(row["macs_a_picture"])),
            "Accuracy at the end": f"{with_spread(100 * row['accuracy'], 100 * row['accuracy_spread'], '.1f')} %",
            f"Reached {percent(target)}": f"{row['reached']} of {row['runs']} runs",
            "after pictures": with_spread(row["pictures"], row["pictures_spread"], ",.0f"),
            "after TMACs": with_spread(row["macs"] / 1e12, row["macs_spread"] / 1e12, ",.2f"),
            "after seconds": with_spread(row["seconds"], row["seconds_spread"], ",.0f"),
        }
        for row in summary.to_dict("records")
    )


def the_claim() -> None:
    """What the paper says, and what neither it nor this page shows."""
    st.subheader("What the paper claims")
    st.markdown(
        "*Training with residual connections accelerates the training of Inception networks significantly* (abstract). "
        "Section 5 shows it on ImageNet: Inception-ResNet-v1 beside Inception-v3 (Fig. 21 and 22) and "
        "Inception-ResNet-v2 beside Inception-v4 (Fig. 23 and 24), each pair at about the same cost; the residual one "
        "falls sooner. Where they end depends mostly on the size of the model (Fig. 25 and 26): with one crop "
        "Inception-v4 has a top-1 error of 20.0 %, Inception-ResNet-v2 one of 19.9 % (Table 2). The authors also say "
        "that very deep networks train well **without** shortcuts; speed alone is what they recommend them for "
        "(section 2)."
    )
    st.markdown(
        "**Limits.** The paper's networks have full width and see a million pictures of 299 px many times over; these "
        "here are narrow, see small pictures scaled up, and stop early. Inception-ResNet-v2 has half of its blocks, so "
        "that it can be as wide as the others. Without its shortcuts it keeps blocks that were designed to have them: "
        "thin branches that are meant to add a little to what passes by. Inception-v4, in contrast, was designed "
        "without shortcuts. So the two comparisons answer different questions. A few seeds can show a large "
        "difference, but not a small one."
    )


def long_trainings() -> None:
    """The logs of the bundled checkpoints, where there are any."""
    logs = bundled_logs()
    if not logs:
        return
    st.subheader("The bundled networks")
    st.plotly_chart(race_figures.logs_figure(logs), config=figures.PLAIN)
    st.caption(
        "The trainings of the checkpoints that come with this project: wider, on all training pictures, for more "
        "epochs, with one seed each and not at equal cost. So this is no race. The curves climb once more at the end, "
        "where the training varies its pictures least (and in some trainings shows larger ones: the cards say which). "
        "The logs are in "
        "assets/weights/: " + ", ".join(f"{tag}.log.csv" for tag in logs) + "."
    )


frame.open_page("race")
view = st.segmented_control(
    "View", VIEWS, default=VIEWS[0], required=True, key="race_view", bind="query-params", label_visibility="collapsed"
)
if view == VIEWS[0]:
    measured_view()
    the_claim()
    long_trainings()
else:
    live_view()
