"""What an answer took, shown with every one."""

import streamlit as st
from PIL import Image

from inception.runtime.predictor import PictureNetwork
from inception.runtime.speed import measure
from inception.runtime.turns import OutOfMemory


def show_timing(network: PictureNetwork, prepared: Image.Image) -> None:
    """Device, dtype, time and memory of a pass; the first ones of a network are slower, so it may run twice more."""
    try:
        with st.spinner("Timing a warm run…"):
            timing = measure(network, [prepared])
    except OutOfMemory as error:
        st.error(str(error), icon=":material/memory:")
        return
    milliseconds = f"{timing.milliseconds:,.0f}" if timing.milliseconds >= 10 else f"{timing.milliseconds:.1f}"
    peak = f", at most {timing.peak_bytes / 1e6:,.0f} MB in a pass" if timing.peak_bytes else ""
    st.caption(
        f"{timing.engine}, {timing.device}, {timing.dtype}: **{milliseconds} ms** (median of {timing.runs} "
        f"warm runs), {timing.images_per_second:,.1f} pictures a second, weights of {timing.weight_bytes / 1e6:,.0f} MB"
        f"{peak}."
    )
