"""Which part of the picture the network gets and how it is fitted in: the same on all pages on a picture."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st
from PIL import Image

from inception.runtime.crop import FITS, MIN_SIDE, Box, Crop, Fit
from inception.words import _
from pages.parts import address
from pages.parts.box_picker import pick_box, within


def choose_fit() -> Fit:
    """The control for how pictures of any shape get that of the network's frame."""
    fit = st.segmented_control(
        _("Into the network's frame"),
        list(FITS),
        format_func=lambda fit: _(FITS[fit]),
        required=True,
        key=address.choice("fit", FITS, texts=FITS),
        width="stretch",
        help=_(
            "What happens to a picture whose shape is not the network's. *centre*: its ends are cut off; *pad*: it is "
            "made smaller until all of it fits in; *squash*: it is stretched over the frame."
        ),
    )
    return fit or Fit.CENTRE


def choose_crop(data: bytes, size: tuple[int, int], decode: Callable[[], Image.Image]) -> Crop:
    """The controls for an encoded picture of (width, height), which is decoded to draw a box on it; what was chosen."""
    choose_fit()
    large = min(size) > MIN_SIDE
    st.toggle(
        _("Only a part of it"),
        key=address.switch("part"),
        disabled=not large,
        help=_("Draw a box, and the network gets nothing else. Each picture keeps its own box."),
    )
    crop = crop_of(data)
    if st.session_state["part"] and large:
        crop = _box_in_address(data, size, crop)
    if st.session_state["part"] and large:
        box = crop.region(*size)
        pick_box(f"box_{hash(data)}", decode(), box, partial(keep_box, hash(data)))
        if crop.box:
            st.button(_("All of it again"), icon=":material/fullscreen:", on_click=keep_box, args=(hash(data), None))
    return crop


def _box_in_address(data: bytes, size: tuple[int, int], crop: Crop) -> Crop:
    """The crop with the box that a link names, which the picture keeps; the address says its box."""

    def read(text: str) -> Box:
        left, top, right, bottom = map(int, text.split(","))
        box = left, top, right, bottom
        if within(box, size) != box:
            raise ValueError(text)
        return box

    key = f"box_{hash(data)}"
    st.session_state[key] = crop.box
    box = address.bind("box", None, read, lambda box: ",".join(f"{edge:.0f}" for edge in box or ()), key=key)
    keep_box(hash(data), box)
    return replace(crop, box=box)


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
    kept: dict[int, Box | None] = st.session_state.setdefault("boxes_of_pictures", {})
    return kept
