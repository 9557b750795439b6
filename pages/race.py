"""Training race: do shortcuts make Inception train faster?"""

from math import inf

import pandas as pd
import streamlit as st

from inception import paths, text
from inception.training import race
from inception.training.race import TITLES
from inception.training.race_results import (
    Comparison,
    bands,
    bundled_logs,
    common_target,
    compare,
    race_summary,
    read_curves,
    targets,
)
from inception.words import N_, _, ngettext
from pages.figures import common as figures
from pages.figures import race as race_figures
from pages.figures.race import percent
from pages.parts import address, choices, frame, tables
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.race_live import live_view

VIEWS = [N_("Measured"), N_("Live")]
COMMAND = "python -m inception race"
HEADINGS = {  # of the columns of the measured curves
    "run": N_("Run"),
    "competitor": N_("Competitor"),
    "epoch": N_("Epoch"),
    "model": N_("Network"),
    "width": N_("Width"),
    "repeats": N_("Repeats"),
    "size": N_("Input size, pixels"),
    "scale": N_("Residual scale"),
    "shortcuts": N_("Shortcuts"),
    "seed": N_("Seed"),
    "parameters": N_("Parameters"),
    "macs": N_("MACs spent"),
    "pictures": N_("Pictures seen"),
    "seconds": N_("Seconds"),
    "training_loss": N_("Training loss"),
    "held_out_loss": N_("Held-out loss"),
    "held_out_accuracy": N_("Held-out accuracy"),
    "recipe": N_("Recipe"),
}
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
            _("Nothing was measured yet: `{command}` trains the competitors and writes the table.").format(
                command=COMMAND
            ),
            icon=":material/flag:",
        )
        return
    found = st.container()
    left, middle, right = st.columns([4, 4, 3], vertical_alignment="bottom")
    with left:
        effort = choices.choose_one(_("Against"), race_figures.EFFORTS, "axis")
    with middle:
        quantity = choices.choose_one(_("Curve"), race_figures.QUANTITIES, "curve")
    reached = targets(curves)
    key = address.choice("target", reached, common_target(curves), code="{:.4g}".format)
    target = right.select_slider(_("How soon it reached"), reached, key=key, format_func=percent)
    chart, beside = st.columns([2, 1], gap="medium")
    with chart:
        st.plotly_chart(
            race_figures.race_figure(bands(curves, effort, quantity), effort, quantity, target), config=figures.PLAIN
        )
    summary = race_summary(curves, target)
    with found:
        finding(fewer_pictures(compare(curves, "v2", "v4", target)))
    comparisons = [compare(curves, *pair, target) for pair in PAIRS]
    with beside:
        st.subheader(_("What came out"))
        prose(outcome(comparisons))
        st.markdown("\n".join(f"- {sentence(comparison)}" for comparison in comparisons))
    with chart:
        prose(how_it_was_measured(curves, summary), small=True)
    scale = sentence(compare(curves, "v2", "v2_unscaled", target))
    st.markdown(_("The claim says nothing about the residual scale. What was measured: {result}").format(result=scale))
    tables.show_table(table_of(summary, target), height=tables.table_height(len(summary)))
    title = _("Training race, to {accuracy} held-out accuracy").format(accuracy=percent(target))
    tables.export_button(summary, "race_summary", title)
    with st.expander(_("Every epoch of every run"), key=address.switch("epochs"), on_change="rerun"):
        tables.show_table(
            curves,
            height=tables.table_height(len(curves)),
            column_config={name: _(heading) for name, heading in HEADINGS.items()},
        )
        tables.export_button(curves, "race_curves", _("Training race, every epoch of every run"))


def how_it_was_measured(curves: pd.DataFrame, summary: pd.DataFrame) -> str:
    """The caption of the chart."""
    least, most = summary["macs_a_picture"].min(), summary["macs_a_picture"].max()
    each = curves.groupby("run").tail(1)
    first = curves.iloc[0]
    return _(
        "Mean and one standard deviation over {seeds} seeds each. The networks are narrow versions that cost about "
        "the same: {least} to {most} MACs a picture in the forward pass. By one recipe they learn {pictures:,.0f} of "
        "CIFAR-10's pictures at {size} px in {epochs} epochs. Training on a picture counts as {passes} forward "
        "passes. Held out are training pictures from which no network learnt. `{command}` makes the table again. It "
        "is in assets/race/curves.csv, with each run's recipe and seed."
    ).format(
        seeds=summary["runs"].min(),
        least=text.scaled(round(least)),
        most=text.scaled(round(most)),
        pictures=each["pictures"].max() / each["epoch"].max(),
        size=first["size"],
        epochs=each["epoch"].max(),
        passes=race.PASSES,
        command=COMMAND,
    )


def outcome(comparisons: list[Comparison]) -> str:
    """How many comparisons agree with the paper's claim, and what that means."""
    supports = sum(comparison.faster == "first" for comparison in comparisons)
    against = sum(comparison.faster == "second" for comparison in comparisons)
    unclear = len(comparisons) - supports - against
    sentences = [
        _("Do networks with shortcuts reach {accuracy} sooner than networks without?").format(
            accuracy=percent(comparisons[0].target)
        ),
        ngettext(
            "{count} of {whole} comparisons **supports** the paper's claim.",
            "{count} of {whole} comparisons **support** the paper's claim.",
            supports,
        ).format(count=supports, whole=len(comparisons)),
    ]
    if against:
        sentences += [
            ngettext("{count} **contradicts** it.", "{count} **contradict** it.", against).format(count=against)
        ]
    if unclear:
        sentence = ngettext("{count} shows **no clear difference**.", "{count} show **no clear difference**.", unclear)
        sentences += [sentence.format(count=unclear)]
    sentences += [
        _(
            "*Faster* means that every run of one network was faster than every run of the other. All networks have "
            "the same learning rate, which need not be the best for each. So the gaps can be wider than they would be "
            "if each were trained in its best way. In the paper the networks end nearly level."
        )
    ]
    return text.running_text(*sentences)


def sentence(comparison: Comparison) -> str:
    """How soon two competitors got there, and where they ended."""
    return text.running_text(way(comparison), end(comparison))


def way(comparison: Comparison) -> str:
    """Which of two reached the target with fewer pictures."""
    names = _(TITLES[comparison.first]), _(TITLES[comparison.second])
    fast = 1 if comparison.faster == "second" else 0
    if comparison.faster == "open":
        verdict = _("**{first} and {second}: no clear difference**, because their runs overlap.")
        verdict = verdict.format(first=names[0], second=names[1])
    else:
        verdict = _("**{fast} was faster than {slow}.**").format(fast=names[fast], slow=names[1 - fast])
    return text.running_text(verdict, got_there(comparison, fast), got_there(comparison, 1 - fast))


def fewer_pictures(comparison: Comparison) -> str:
    """How many times fewer pictures one of two took, as far as the runs tell."""
    first, second = (_(TITLES[key]) for key in (comparison.first, comparison.second))
    fewest, most = sorted(comparison.pictures)
    if comparison.faster == "open" or most == inf:
        sentence = _("**Which of {first} and {second} reaches {accuracy} sooner: –.** Their runs do not tell.")
        return sentence.format(first=first, second=second, accuracy=percent(comparison.target))
    fast = first if comparison.faster == "first" else second
    sentence = _("**{fast} reached {accuracy} after {ratio:.1f} times fewer pictures** than {slow}.")
    return sentence.format(
        fast=fast, accuracy=percent(comparison.target), ratio=most / fewest, slow=second if fast == first else first
    )


def got_there(comparison: Comparison, which: int) -> str:
    """After how many pictures one of two reached the target, or in how many of its runs."""
    network = _(TITLES[(comparison.first, comparison.second)[which]])
    if comparison.pictures[which] < inf:
        sentence = _("{network} got there after {pictures:,.0f} pictures.")
        return sentence.format(network=network, pictures=round(comparison.pictures[which], -2))
    sentence = _("{network} got there in {reached} of {runs} runs.")
    return sentence.format(network=network, reached=comparison.reached[which], runs=comparison.runs[which])


def end(comparison: Comparison) -> str:
    """Who was better after the last epoch."""
    points = 100 * abs(comparison.lead)
    if comparison.better == "open":
        return _("At the end the means are {points:.1f} points apart and the runs overlap.").format(points=points)
    name = _(TITLES[comparison.first if comparison.lead > 0 else comparison.second])
    sentence = _("At the end {network} is {points:.1f} points ahead, with every run.")
    return sentence.format(network=name, points=points)


def table_of(summary: pd.DataFrame, target: float) -> pd.DataFrame:
    """The summary as readers see it."""
    return pd.DataFrame(
        {
            _("Network"): _(TITLES[str(key)]),
            _("Parameters"): f"{row['parameters']:,}",
            _("MACs a picture"): text.scaled(round(row["macs_a_picture"])),
            _("Accuracy at the end"): f"{with_spread(100 * row['accuracy'], 100 * row['accuracy_spread'], '.1f')} %",
            _("Reached {accuracy}").format(accuracy=percent(target)): _("{reached} of {runs} runs").format(
                reached=row["reached"], runs=row["runs"]
            ),
            _("after pictures"): with_spread(row["pictures"], row["pictures_spread"], ",.0f"),
            _("after TMACs"): with_spread(row["macs"] / 1e12, row["macs_spread"] / 1e12, ",.2f"),
            _("after seconds"): with_spread(row["seconds"], row["seconds_spread"], ",.0f"),
        }
        for key, row in summary.set_index("competitor").to_dict("index").items()
    )


def the_claim() -> None:
    """What the paper says, and what neither it nor this page shows."""
    st.subheader(_("What the paper claims"))
    claim, limits = st.columns(2, gap="large")
    with claim:
        prose(
            _(
                "*Training with residual connections accelerates the training of Inception networks significantly* "
                "(abstract). Section 5 shows it on ImageNet: Inception-ResNet-v1 beside Inception-v3 (Fig. 21 and 22) "
                "and Inception-ResNet-v2 beside Inception-v4 (Fig. 23 and 24). Each pair costs about the same, and the "
                "error of the residual network falls sooner. Where they end depends mostly on the size of the model "
                "(Fig. 25 and 26): with one crop Inception-v4 has a top-1 error of 20.0 %, Inception-ResNet-v2 one of "
                "19.9 % (Table 2). The authors also say that very deep networks train well **without** shortcuts. They "
                "recommend shortcuts for speed alone (section 2)."
            )
        )
    with limits:
        prose(
            _(
                "**Limits.** The paper's networks have full width and see a million pictures of 299 px many times. The "
                "networks here are narrow, see small pictures scaled up, and stop early. Inception-ResNet-v2 has half "
                "of its blocks, so that it can be as wide as the others. Without its shortcuts it keeps blocks that "
                "were designed to have them: thin branches that are meant to add a little to what passes by. "
                "Inception-v4, in contrast, was designed without shortcuts. So the two comparisons answer different "
                "questions. A few seeds can show a large difference, but not a small one."
            )
        )


def long_trainings() -> None:
    """The logs of the bundled checkpoints, where there are any."""
    logs = bundled_logs()
    if not logs:
        return
    st.subheader(_("The bundled networks"))
    chart, beside = st.columns([2, 1], gap="medium")
    chart.plotly_chart(race_figures.logs_figure(logs), config=figures.PLAIN)
    with beside:
        prose(
            _(
                "The checkpoints that come with this project were trained wider, on all training pictures and for more "
                "epochs, with one seed each and not at equal cost. So this is no race. The curves climb once more at "
                "the end, where the training varies its pictures least. Some trainings also show larger pictures "
                "there; their cards say which. The logs are in assets/weights/: {files}."
            ).format(files=", ".join(f"{tag}.log.csv" for tag in logs)),
            small=True,
        )


frame.open_page("race")
if choices.choose_view("race_view", VIEWS) == VIEWS[0]:
    measured_view()
    the_claim()
    long_trainings()
else:
    live_view()
