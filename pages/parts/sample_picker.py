"""The samples as small pictures, by what they show: a click chooses one."""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st
from PIL import ImageOps

import inception
from inception.vision.samples import Group, Sample, samples
from inception.vision.titles import class_title
from inception.words import N_, _

THUMBNAIL, TILE = 84, 104  # pixels of a side, and of the place it stands in
ABREAST = 3  # in a row, as a phone has room for
SAID = {
    Group.HARD: N_("One of the ten things that this app's own networks know, and a hard one: not all get it right."),
    Group.NONE: N_("None of the ten things that this app's own networks know. What do they say?"),
}


def choose_sample() -> None:
    """A button that opens the samples; they are drawn only while it is open."""
    popover = st.popover(
        _("Sample pictures"), icon=":material/photo_library:", width="stretch", on_change="rerun", key="samples_open"
    )
    if not popover.open:
        return
    everything = samples().values()
    known = [sample for sample in everything if sample.group is Group.KNOWN]
    with popover, st.container(horizontal=True, gap="medium"):
        for shows in dict.fromkeys(sample.shows for sample in known):
            _group(class_title(shows).capitalize(), [sample for sample in known if sample.shows == shows])
        _group(_("One of the ten, but hard"), [sample for sample in everything if sample.group is Group.HARD])
        _group(_("Not among its ten things: what does it say?"), [s for s in everything if s.group is Group.NONE])


@st.cache_data(show_spinner=False)
def thumbnail(path: Path) -> bytes:
    """The centre of a picture, which is what networks get, as a small JPEG file."""
    file = io.BytesIO()
    side = 2 * THUMBNAIL  # for screens with two pixels for one
    ImageOps.fit(inception.load_image(path), (side, side)).save(file, "JPEG", quality=85)
    return file.getvalue()


def sample_note(sample: Sample) -> None:
    """Says of a sample that it is none that every network knows."""
    if sample.group in SAID:
        st.caption(_(SAID[sample.group]))


def _group(title: str, shown: Sequence[Sample]) -> None:
    """Samples in rows under a title."""
    with st.container(width=min(len(shown), ABREAST) * TILE, gap="small"):
        st.markdown(f"**{title}**")
        with st.container(horizontal=True, gap=None):
            for sample in shown:
                with st.container(width=TILE, gap="xxsmall"):
                    st.image(thumbnail(sample.path), width=THUMBNAIL, alt=sample.title)
                    st.button(
                        sample.title, key=f"sample_{sample.name}", type="tertiary", on_click=partial(_choose, sample)
                    )


def _choose(sample: Sample) -> None:
    st.session_state["picture"] = sample.name
    st.session_state["samples_open"] = False
