"""Differences: why do the paper, the code and the blogs disagree?"""

import streamlit as st

from inception import words
from inception.studies.differences.claim import TOPICS, VERDICTS, Difference, Source, Verdict
from inception.studies.differences.topics import differences
from inception.text import found_names, running_text
from inception.words import N_, _
from pages.parts import address, frame
from pages.parts.finding import finding
from pages.parts.glossary import prose

TOP, ALL = N_("the ten that matter most"), N_("all")
MOST = 10  # of the claims that matter most
VERDICT_LABELS: dict[Verdict, str] = {
    "wrong": N_(":material/close: wrong"),
    "differs": N_(":material/alt_route: differs"),
    "right": N_(":material/check: right"),
    "open": N_(":material/question_mark: open"),
}
LEADS: dict[Verdict, str] = {  # only where a claim is wrong, something else is so "really"
    "wrong": N_("**Really:** {truth}"),
    "differs": N_("**Version by version:** {truth}"),
    "right": N_("**Computed:** {truth}"),
    "open": N_("**Known so far:** {truth}"),
}


@st.cache_resource(show_spinner=False)
def all_differences(language: str) -> tuple[Difference, ...]:
    """Computed once in a server for each language, by one session while the others wait: the networks do not change."""
    with words.speaking(language):
        return differences()


def show(difference: Difference) -> None:
    """One difference: claim, who says so, what really happens, what it costs, and where to see it."""
    with st.container(border=True):
        claim, cost = st.columns([3, 2], gap="large")
        with claim:
            icon, _name = verdict_icon_and_name(difference.verdict)
            st.markdown(f"{icon} **{difference.claim}**")
            st.caption(_("Said by {sources}.").format(sources=difference.who))
            st.markdown(_(LEADS[difference.verdict]).format(truth=difference.truth))
            if difference.unchecked:
                prose(_("Not settled by computing: {reason}").format(reason=difference.unchecked), small=True)
        with cost:
            st.markdown("\n".join(f"- {item.text}" for item in difference.costs))
            for place in difference.where:
                st.page_link(
                    "pages/layers.py",
                    label=f"{place.model}: {place.path.partition('.')[2]}",
                    icon=":material/table_rows:",
                    query_params={"model": place.model, "layer": place.path},
                )


def verdict_icon_and_name(verdict: Verdict) -> tuple[str, str]:
    """E.g. ``:material/check:`` and ``right``."""
    icon, _blank, name = _(VERDICT_LABELS[verdict]).partition(" ")
    return icon, name


def source_text(source: Source) -> str:
    """A source's name here, its own title and its links."""
    return _("**{source}**: {title}").format(
        source=_(source.name), title=" ".join(filter(None, [_(source.title), source.url, *source.links]))
    )


frame.open_page("differences")
with st.spinner(_("Building every variant and measuring the differences…")):
    found = all_differences(words.current())
verdicts = [difference.verdict for difference in found]
sentence = _("**{wrong} of {count} claims are wrong**, and {differ} more hold for one version of the network only.")
finding(sentence.format(wrong=verdicts.count("wrong"), count=len(found), differ=verdicts.count("differs")))
topics = [TOP, ALL, *TOPICS]
topic = st.pills(
    _("Topic"),
    topics,
    key=address.choice("topic", topics, TOP, code=address.slug, texts={topic: topic for topic in topics}),
    required=True,
    format_func=_,
)
verdict = st.pills(
    _("Verdict"),
    list(VERDICTS),
    key=address.choice("verdict", VERDICTS, None, texts=VERDICT_LABELS),
    format_func=lambda name: _(VERDICT_LABELS[name]),
)
typed = st.text_input(
    _("Search"), key=address.written("search", key="differences_words"), placeholder=_("stem, 1154, ReLU, Keras…")
)
chosen = [difference for difference in found if topic in (TOP, ALL, difference.topic)]
chosen = [difference for difference in chosen if verdict in (None, difference.verdict)]
if typed:  # in all that a claim says; of the ten it would leave out what is looked for
    texts = [" ".join([one.claim, one.truth, one.who, one.cost]) for one in chosen]
    chosen = [chosen[place] for place in found_names(typed, texts)]
elif topic == TOP:
    chosen = sorted(chosen, key=lambda one: (one.verdict != "wrong", -one.weight))[:MOST]
for difference in chosen:
    show(difference)
if not chosen:
    st.info(_("No claim matches. Try fewer words, another topic or another verdict."), icon=":material/search_off:")
legend = []
for name, meaning in VERDICTS.items():
    icon, shown = verdict_icon_and_name(name)
    legend.append(_("{icon} **{verdict}**: {meaning}.").format(icon=icon, verdict=shown, meaning=_(meaning)))
prose(
    running_text(
        _("{count} of {total} claims.").format(count=len(chosen), total=len(found)),
        *legend,
        _("Every cost is the difference between two networks that were built and traced here."),
    ),
    small=True,
)
with st.expander(_("Sources"), key=address.switch("sources"), on_change="rerun"):
    sources = dict.fromkeys(source for difference in found for source in difference.sources)
    for source in sorted(sources, key=lambda source: _(source.name)):
        st.markdown(source_text(source))
