"""The end of the tour: one's own answers beside the truth, to print and to take along."""

import streamlit as st

from inception.words import N_, _
from pages.parts import tour_progress as progress
from pages.parts.finding import finding
from pages.parts.tables import download_button
from pages.parts.tour_sheet import Entry, Kind, entries, sheet_html, sheet_pdf
from pages.parts.tour_view import verdict

FILES: dict[Kind, str] = {
    "summary": N_("My answers"),
    "worksheet": N_("Worksheet without answers"),
    "key": N_("Worksheet with answers"),
}


def show_summary(answers: progress.Answers) -> None:
    """What was answered and what is true, and files of it."""
    found = entries(answers)
    given = [one for one in found if one.judged]
    right = sum(one.judged.right for one in given if one.judged)
    st.subheader(_("What you found out"))
    score = _(
        "**{right} of {given} guesses were right**, of {count} questions. A wrong guess that surprises teaches most."
    )
    finding(score.format(right=right, given=len(given), count=len(found)))
    for one in found:
        show_entry(one)
    st.subheader(_("On paper"))
    st.markdown(_("Print this page, or take a file along. The worksheets have all questions, for a class."))
    for kind, title in FILES.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_(title))
            download_files(found, kind)
    st.button(_("Start over"), icon=":material/restart_alt:", on_click=progress.start_over)


def show_entry(one: Entry) -> None:
    """One question with the answer that was given."""
    with st.container(border=True):
        st.markdown(f"**{one.heading}**  \n{one.prompt}")
        if one.judged is None:
            st.caption(_("Not answered yet."))
            return
        own = _("Your answer: **{answer}**.").format(answer=one.own)
        verdict(own, "" if one.judged.right else one.judged.why, "right" if one.judged.right else "wrong")
        st.markdown(one.truth)


def download_files(found: list[Entry], kind: Kind) -> None:
    """A sheet as HTML and as PDF."""
    name = f"inception_tour_{kind}"
    download_button("HTML", lambda: sheet_html(found, kind).encode(), f"{name}.html", "text/html")
    download_button("PDF", lambda: sheet_pdf(found, kind), f"{name}.pdf", "application/pdf")
