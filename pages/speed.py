"""Speed: how fast is the network on this machine, and what do faster settings cost?"""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from inception.runtime.speed import (
    BATCHES,
    Comparison,
    Setting,
    compare_settings,
    comparison_table,
    offered_settings,
)
from pages.figures import common as figures
from pages.parts import choices, frame, tables
from pages.parts.kept import peek, put
from pages.parts.subject import Subject, choose_subject, weights_note

KEPT = 8  # pictures, networks or sizes whose measurements a session keeps: each takes a minute or two

ENGINE_NOTES = {
    "plain": "PyTorch as it is: float32, batch norm in place; what the others are measured against",
    "eager": "the same with channels last in memory; the one that can be looked into",
    "folded": "batch norm folded into the convolutions, and each with its ReLU as one kernel where the CPU has it",
    "cuda graph": "folded, and replayed as one recording on the GPU",
    "openvino": "Intel's inference engine, an optional requirement",
}
COLUMNS: dict[str, Any] = {
    "engine": "Engine",
    "device": "Device",
    "dtype": "Number format",
    "batch": st.column_config.NumberColumn("Batch", width=60, help="Pictures at once"),
    "milliseconds": st.column_config.NumberColumn("ms a pass", format="%.1f", help="Median of the runs, warm"),
    "images_per_second": st.column_config.NumberColumn("Pictures a second", format="%.1f"),
    "speedup": st.column_config.NumberColumn("Times as fast", format="%.2f", help="As plain PyTorch on the CPU"),
    "top1_agreement": st.column_config.NumberColumn(
        "Same", width=60, format="percent", help="1 picture: whether it got the same most probable class as plain"
    ),
    "largest_difference": st.column_config.NumberColumn(
        "Largest difference", format="%.1e", help="Of a probability, or of a component of an embedding"
    ),
    "weight_bytes": st.column_config.NumberColumn("Weights", format="bytes"),
    "peak_bytes": st.column_config.NumberColumn("Peak memory", format="bytes", help="Only CUDA counts it"),
    "runs": st.column_config.NumberColumn("Runs", format="%d"),
    "problem": "Problem",
}


def show(rows: Iterable[Comparison]) -> None:
    """What has been measured so far: a chart and a table."""
    table = comparison_table(rows)
    st.plotly_chart(figures.speed_bars(table), config=figures.PLAIN, key=f"speed_{len(table)}")
    empty = [column for column in ("problem", "peak_bytes") if not table[column].astype(bool).any()]
    st.dataframe(
        table,
        hide_index=True,
        height=tables.table_height(len(table)),
        column_order=[column for column in COLUMNS if column not in empty],
        column_config=COLUMNS,
    )
    st.caption(
        "Medians of the passes in the column Runs. Whatever else this server does meanwhile is in them, so repeat a "
        "surprising one. Answers are compared on the chosen picture alone."
    )


def measure(subject: Subject, settings: list[Setting], place: DeltaGenerator) -> None:
    """Measures every setting and shows each as it comes; what was measured stays when a click ends the run."""
    st.button("Stop measuring", icon=":material/stop:")  # any click ends a run
    rows: list[Comparison] = []
    put("speeds", subject.key, rows, most=KEPT)
    total = len(BATCHES) * (len(settings) + 1)
    bar = st.progress(0.0, "Loading the plain network…")
    name, weights, size = subject.network.name, subject.network.weights, subject.graph.input_size
    picture, crop = subject.picture, subject.crop
    with closing(compare_settings(name, weights, size, [picture], settings=settings, crop=crop)) as comparisons:
        for comparison in comparisons:
            rows.append(comparison)
            bar.progress(len(rows) / total, f"{len(rows)} of {total} measured")
            with place.container():
                show(rows)
    st.rerun()


frame.open_page("speed")
controls, result = st.columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    settings = offered_settings()
    start = st.button(
        f"Measure {len(settings) + 1} settings",
        icon=":material/timer:",
        type="primary",
        disabled=subject.own_weights,
        help="Measured only for weights that are on this server." if subject.own_weights else None,
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
        tables.export_button(table, f"{name}_speed", f"{name} at {choices.picture_size(subject.graph)}: speed")
    else:
        st.info(
            f"Nothing is measured yet. The button runs {name} at {choices.picture_size(subject.graph)} under every "
            "setting that this machine offers; it takes a minute or two, and others on this server wait a little "
            "longer meanwhile.",
            icon=":material/timer:",
        )
    used = dict.fromkeys(["plain", *(setting.engine for setting in settings)])
    st.markdown("\n".join(f"- **{engine}**: {ENGINE_NOTES[engine]}" for engine in used))
