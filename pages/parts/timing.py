"""What an answer took, shown with every one."""

import streamlit as st
from PIL import Image

from inception.runtime.engine_client import EngineError
from inception.runtime.predictor import PictureNetwork
from inception.runtime.speed import measure
from inception.runtime.turns import OutOfMemory
from inception.text import running_text
from inception.words import _, ngettext


def show_timing(network: PictureNetwork, prepared: Image.Image) -> None:
    """Device, dtype, time and memory of a pass; the first ones of a network are slower, so it may run twice more."""
    try:
        with st.spinner(_("Timing a warm run…")):
            timing = measure(network, [prepared])
    except (OutOfMemory, EngineError) as error:
        st.error(str(error), icon=":material/memory:")
        return
    milliseconds = f"{timing.milliseconds:,.0f}" if timing.milliseconds >= 10 else f"{timing.milliseconds:.1f}"
    line = ngettext(
        "{engine}, {device}, {dtype}: **{milliseconds} ms** (one warm run), {speed:,.1f} pictures a second, "
        "{weights:,.0f} MB of weights.",
        "{engine}, {device}, {dtype}: **{milliseconds} ms** (median of {runs} warm runs), {speed:,.1f} pictures a "
        "second, {weights:,.0f} MB of weights.",
        timing.runs,
    )
    if not timing.weight_bytes:  # an engine elsewhere that is not ours does not say what it computes in
        line = ngettext(
            "{engine}: **{milliseconds} ms** (one warm run), {speed:,.1f} pictures a second.",
            "{engine}: **{milliseconds} ms** (median of {runs} warm runs), {speed:,.1f} pictures a second.",
            timing.runs,
        )
    line = line.format(
        engine=timing.engine,
        device=timing.device,
        dtype=timing.dtype,
        milliseconds=milliseconds,
        runs=timing.runs,
        speed=timing.images_per_second,
        weights=timing.weight_bytes / 1e6,
    )
    if timing.peak_bytes:
        peak = _("A pass takes at most {peak:,.0f} MB of memory.").format(peak=timing.peak_bytes / 1e6)
        line = running_text(line, peak)
    st.caption(line)
