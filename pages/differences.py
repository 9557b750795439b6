"""Differences: why do the paper, the code and the blogs disagree?"""

import streamlit as st

from inception.studies.differences.claim import TOPICS, VERDICTS, Difference
from inception.studies.differences.topics import differences
from pages.parts import frame

ALL = "all"
VERDICT_ICONS = {
    "wrong": ":material/close:",
    "differs": ":material/alt_route:",
    "right": ":material/check:",
    "open": ":material/question_mark:",
}


@st.cache_resource(show_spinner="Building every variant and measuring the differences…")
def all_differences() -> tuple[Difference, ...]:
    """Computed once in a server: the networks do not change."""
    return differences()


def show(difference: Difference) -> None:
    """One difference: claim, who says so, what really happens, what it costs, and where to see it."""
    with st.container(border=True):
        claim, cost = st.columns([3, 2], gap="large")
        with claim:
            st.markdown(f"{VERDICT_ICONS[difference.verdict]} **{difference.claim}**")
            st.caption(f"Said by {difference.who}.")
            st.markdown(f"**Really:** {difference.truth}")
            if difference.unchecked:
                st.caption(f"Not settled by computing: {difference.unchecked}")
        with cost:
            st.markdown("\n".join(f"- {item.text}" for item in difference.costs))
            for place in difference.where:
                st.page_link(
                    "pages/layers.py",
                    label=f"{place.model}: {place.path.partition('.')[2]}",
                    icon=":material/table_rows:",
                    query_params={"model": place.model, "layer": place.path},
                )


frame.open_page("differences")
found = all_differences()
topic = st.pills(
    "Topic",
    [ALL, *TOPICS],
    default=TOPICS[0],
    required=True,
    key="topic",
    bind="query-params",
    label_visibility="collapsed",
)
verdict = st.pills(
    "Verdict",
    list(VERDICTS),
    key="verdict",
    bind="query-params",
    label_visibility="collapsed",
    format_func=lambda name: f"{VERDICT_ICONS[name]} {name}",
)
chosen = [
    difference for difference in found if topic in (ALL, difference.topic) and verdict in (None, difference.verdict)
]
for difference in chosen:
    show(difference)
if not chosen:
    st.info("No claim on this topic has this verdict.", icon=":material/search_off:")
st.caption(
    f"{len(chosen)} of {len(found)} claims. "
    + " ".join(f"{VERDICT_ICONS[name]} **{name}**: {meaning}." for name, meaning in VERDICTS.items())
    + " Every cost is the difference between two networks that were built and traced here."
)
with st.expander("Sources"):
    sources = {said.source for difference in found for said in difference.said_by}
    sources |= {source for difference in found for source in difference.references}
    for source in sorted(sources, key=lambda source: source.name):
        st.markdown(f"**{source.name}**: {source.title} {source.url} {' '.join(source.links)}")
