"""Which part of the picture the network gets and how it is fitted in: the same on all pages on a picture."""

from functools import partial

import streamlit as st
from PIL import Image

from inception.runtime.crop import MIN_SIDE, Box, Crop, Fit
from pages.parts.box_picker import pick_box

FITS = {
    Fit.CENTRE: "its ends are cut off",
    Fit.PAD: "it is made smaller until all of it is in",
    Fit.SQUASH: "it is stretched over the frame",
}


def choose_crop(data: bytes, image: Image.Image) -> Crop:
    """The controls for an encoded picture, which is `image` when decoded, and what was chosen."""
    st.segmented_control(
        "Into the network's frame",
        list(FITS),
        default=Fit.CENTRE,
        required=True,
        key="fit",
        bind="query-params",
        width="stretch",
        help="What becomes of a picture of another shape than the network's: "
        + "; ".join(f"*{fit}*: {meaning}" for fit, meaning in FITS.items())
        + ".",
    )
    large = min(image.size) > MIN_SIDE
    st.toggle(
        "Only a part of it",
        key="part",
        persist_state="session",
        disabled=not large,
        help="Draw a box, and the network gets nothing else. Each picture keeps its own.",
    )
    crop = crop_of(data)
    if st.session_state["part"] and large:
        box = crop.region(*image.size)
        pick_box(f"box_{hash(data)}", image, box, partial(keep_box, hash(data)))
        if crop.box:
            st.button("All of it again", icon=":material/fullscreen:", on_click=keep_box, args=(hash(data), None))
    return crop


def crop_of(data: bytes) -> Crop:
    """What was chosen for an encoded picture; all of it, centred, where nothing was asked yet."""
    state = st.session_state
    box = _boxes().get(hash(data)) if state.get("part") else None
    return Crop(box, Fit(state.get("fit", Fit.CENTRE)))


def keep_box(picture: int, box: Box | None) -> None:
    """Keeps the box of a picture, None for all of it; the hash of its encoded bytes names the picture."""
    _boxes()[picture] = box


def fit_as(fit: Fit) -> None:
    """Chooses how pictures are fitted in; for the callbacks of buttons."""
    st.session_state["fit"] = fit


def _boxes() -> dict[int, Box | None]:
    """The boxes of this session's pictures."""
    kept: dict[int, Box | None] = st.session_state.setdefault("boxes", {})
    return kept
