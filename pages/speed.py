"""Speed: how fast is the network on this machine, and what do faster settings cost?"""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st
from cachetools import LRUCache
from streamlit.delta_generator import DeltaGenerator

import inception
from inception.runtime.speed import (
    BATCHES,
    Comparison,
    PlainNetwork,
    Setting,
    SpeedError,
    compare_settings,
    comparison_table,
    offered_settings,
)
from inception.text import shape_text
from inception.weights.choice import WeightsChoice
from inception.words import N_, _, ngettext
from pages.figures import common as figures
from pages.parts import choices, frame, tables
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import peek, put
from pages.parts.pictures import SAMPLES
from pages.parts.subject import Subject, choose_subject, weights_note

FIRST = "inception_v4.cifar10"  # whose weights a server measures before anyone asks
PATIENCE = 15  # seconds: a click does not end a measurement before its next setting, nor the page's first one
KEPT = 8  # pictures, networks or sizes whose measurements a session keeps: each takes a minute or two

ENGINE_NOTES = {
    "plain": N_("PyTorch as it is: float32, batch norm in place; what the others are measured against"),
    "eager": N_("the same with channels last in memory; the one that can be looked into"),
    "folded": N_("batch norm folded into the convolutions, and each with its ReLU as one kernel where the CPU has it"),
    "cuda graph": N_("folded, and replayed as one recording on the GPU"),
    "openvino": N_("Intel's inference engine, an optional requirement"),
}


@dataclass(frozen=True)
class Stored:
    """A measurement that a server keeps."""

    rows: list[Comparison]
    network: str
    size: tuple[int, int]  # height and width of the picture in pixels
    time: datetime  # when it ended


def columns() -> dict[str, Any]:
    """The columns of the table, in the reader's language."""
    return {
        "engine": _("Engine"),
        "device": _("Device"),
        "dtype": _("Number format"),
        "batch": st.column_config.NumberColumn(_("Batch"), width=60, help=_("Pictures at once")),
        "milliseconds": st.column_config.NumberColumn(
            _("ms a pass"), format="%.1f", help=_("Median of the runs, warm")
        ),
        "images_per_second": st.column_config.NumberColumn(_("Pictures a second"), format="%.1f"),
        "speedup": st.column_config.NumberColumn(
            _("Times as fast"), format="%.2f", help=_("As plain PyTorch on the CPU")
        ),
        "top1_agreement": st.column_config.NumberColumn(
            _("Same"),
            width=60,
            format="percent",
            help=_("1 picture: whether it got the same most probable class as plain"),
        ),
        "largest_difference": st.column_config.NumberColumn(
            _("Largest difference"), format="%.1e", help=_("Of a probability, or of a component of an embedding")
        ),
        "weight_bytes": st.column_config.NumberColumn(_("Weights"), format="bytes"),
        "peak_bytes": st.column_config.NumberColumn(_("Peak memory"), format="bytes", help=_("Only CUDA counts it")),
        "runs": st.column_config.NumberColumn(_("Runs"), format="%d"),
        "problem": _("Problem"),
    }


def fastest(rows: Iterable[Comparison]) -> str:
    """Which setting is the fastest, against plain PyTorch."""
    timed = [row for row in rows if row.timing]
    best = max(timed, key=lambda row: row.speedup)
    if best.setting.engine == PlainNetwork.engine:
        return _("**Nothing that was measured is faster than plain PyTorch.**")
    sentence = ngettext(
        "**{engine} in {dtype} on {device} is {ratio:.1f} times as fast as plain PyTorch**, with {count} picture at "
        "once.",
        "**{engine} in {dtype} on {device} is {ratio:.1f} times as fast as plain PyTorch**, with {count} pictures at "
        "once.",
        best.batch,
    )
    setting = best.setting
    return sentence.format(
        engine=setting.engine, dtype=setting.dtype, device=setting.device, ratio=best.speedup, count=best.batch
    )


@st.cache_resource(show_spinner=False)
def stored() -> LRUCache[tuple[object, ...], Stored]:
    """What was measured on this server with pictures and weights that come with it; for all sessions."""
    return LRUCache(KEPT)


def first_measurement() -> Stored | None:
    """A short measurement of a bundled network, made once in a server.

    None while someone else measures, and in a server that is without the network's file.
    """
    if found := stored().get(()):
        return found
    weights = WeightsChoice.of(FIRST)
    known = weights.known
    if known is None:
        return None
    picture = inception.load_image(next(iter(SAMPLES.values())).path)
    setting = Setting("folded", "cpu", "float32")
    size = (known.input_size, known.input_size)
    try:
        with st.spinner(_("Measuring two settings, once for this server…")):
            rows = list(compare_settings(known.variant, weights, size, [picture], [1], [setting]))
            # Before the spinner goes, with which a click ends this run.
            stored()[()] = found = Stored(rows, known.variant, size, datetime.now().astimezone())
    except SpeedError:
        return None
    return found


def show_stored(found: Stored) -> None:
    """A measurement that this server keeps, and when it was made."""
    show(found.rows)
    prose(
        _("Measured on this server on {time}: {network} at {size} px.").format(
            time=found.time.strftime("%Y-%m-%d %H:%M"), network=found.network, size=shape_text(found.size)
        ),
        small=True,
    )


def show(rows: Iterable[Comparison], growing: bool = False) -> None:
    """What has been measured so far: a chart and a table.

    growing: whether this run of the page shows it again with the next row; a finding stands once in a run.
    """
    rows = list(rows)
    (prose if growing else finding)(fastest(rows))
    table = comparison_table(rows)
    st.plotly_chart(figures.speed_bars(table), config=figures.PLAIN, key=f"speed_{len(table)}")
    empty = [column for column in ("problem", "peak_bytes") if not table[column].astype(bool).any()]
    tables.show_table(
        table,
        height=tables.table_height(len(table)),
        column_order=[column for column in columns() if column not in empty],
        column_config=columns(),
    )
    prose(
        _(
            "Each time is the median of as many passes as the column Runs says. It includes whatever else this server "
            "does meanwhile, so repeat a surprising one. Answers are compared on the chosen picture alone."
        ),
        small=True,
    )


def measure(subject: Subject, settings: list[Setting], place: DeltaGenerator) -> None:
    """Measures every setting and shows each as it comes; what was measured stays when a click ends the run."""
    st.button(_("Stop measuring"), icon=":material/stop:")  # any click ends a run
    rows: list[Comparison] = []
    put("speeds", subject.key, rows, most=KEPT)
    total = len(BATCHES) * (len(settings) + 1)
    bar = st.progress(0.0, _("Loading the plain network…"))
    name, weights, size = subject.network.name, subject.network.weights, subject.graph.input_size
    picture, crop = subject.picture, subject.crop
    every = compare_settings(name, weights, size, [picture], settings=settings, crop=crop, patience=PATIENCE)
    with closing(every) as comparisons:
        for comparison in comparisons:
            rows.append(comparison)
            bar.progress(len(rows) / total, _("{done} of {total} measured").format(done=len(rows), total=total))
            with place.container():
                show(rows, growing=True)
    if subject.data in [sample.path.read_bytes() for sample in SAMPLES.values()]:
        stored()[subject.key] = Stored(rows, name, size, datetime.now().astimezone())
    st.rerun()


frame.open_page("speed")
controls, result = st.container(key="result_first").columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    settings = offered_settings()
    start = st.button(
        _("Measure {count} settings").format(count=len(settings) + 1),
        icon=":material/timer:",
        type="primary",
        disabled=subject.own_weights,
        help=_("Only weights that are on this server are measured.") if subject.own_weights else None,
    )
with result:
    weights_note(subject)
    name = subject.network.name
    place = st.empty()
    if start:
        measure(subject, settings, place)
    if rows := list(peek("speeds", subject.key) or ()):  # a copy: a run that is ending may add a row yet
        show(rows)
        table = comparison_table(rows)
        title = _("{network} at {size}: speed").format(network=name, size=choices.picture_size(subject.graph))
        tables.export_button(table, f"{name}_speed", title)
    elif found := stored().get(subject.key) or first_measurement():
        show_stored(found)
    prose(
        _(
            "The button runs {network} at {size} under every setting that this machine offers. It takes a minute or "
            "two, and others on this server wait a little longer meanwhile."
        ).format(network=name, size=choices.picture_size(subject.graph)),
        small=True,
    )
    used = dict.fromkeys(["plain", *(setting.engine for setting in settings)])
    note = _("- **{engine}**: {meaning}")
    prose("\n".join(note.format(engine=engine, meaning=_(ENGINE_NOTES[engine])) for engine in used))
