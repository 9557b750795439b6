"""The tables of the two laboratories that set ways to build one thing against each other."""

from typing import Any

import pandas as pd
import streamlit as st

from inception.words import _
from pages.parts.glossary import meaning


def study_columns() -> dict[str, Any]:
    """How each column is shown, in the reader's language."""
    ratio = st.column_config.NumberColumn(
        _("Square / this"),
        width=86,
        format="%.2f×",
        help=_("Square kernel divided by this row: above 1 this row is cheaper"),
    )
    return {
        "option": st.column_config.TextColumn(_("Option"), width=136),
        "layers": st.column_config.TextColumn(_("Its layers"), width=120),
        "network": st.column_config.TextColumn(_("Network"), width=80),
        "convs": st.column_config.NumberColumn(_("Convolutions"), width=88),
        "params": st.column_config.NumberColumn(
            _("Parameters"), width=84, format="localized", help=meaning("parameters")
        ),
        "macs": st.column_config.NumberColumn(_("MACs"), width=112, format="localized", help=meaning("mac")),
        "activation_bytes": st.column_config.NumberColumn(
            _("Outputs, bytes"), width=98, format="localized", help=_("Of all layers, float32")
        ),
        "params_ratio": ratio,
        "macs_ratio": ratio,
        "activation_ratio": ratio,
        "rf": st.column_config.TextColumn(
            _("Receptive field"), width=98, help=meaning("receptive-field", _("Height x width"))
        ),
        "milliseconds": st.column_config.NumberColumn(
            _("Milliseconds"), format="localized", help=_("Median after a warm-up")
        ),
        "pairs": _("Pairs"),
        "kernel": st.column_config.NumberColumn("k", width=30, help=meaning("kernel")),
        "weights": st.column_config.NumberColumn(_("Weights"), width=80, format="localized"),
        "square_weights": st.column_config.NumberColumn(_("As squares"), width=80, format="localized"),
        "saving": st.column_config.NumberColumn(_("Saved"), width=80, format="localized", help=_("Weights")),
        "square_macs": st.column_config.NumberColumn(_("MACs as squares"), format="localized"),
        "ratio": ratio,
        "runs": _("Runs"),
        "pair": st.column_config.NumberColumn("#", width=32),
        "block": st.column_config.TextColumn(_("Block"), width=88, help=meaning("block")),
        "branch": st.column_config.TextColumn(_("Branch"), width=72, help=meaning("branch")),
        "first": st.column_config.TextColumn(_("First"), width=116),
        "second": st.column_config.TextColumn(_("Second"), width=116),
        "in_channels": st.column_config.NumberColumn(_("In"), width=42, format="localized"),
        "middle_channels": st.column_config.NumberColumn(_("Middle"), width=50, format="localized"),
        "out_channels": st.column_config.NumberColumn(_("Out"), width=42, format="localized"),
    }


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """A table with the names of its options in the reader's language."""
    return table.assign(**{name: table[name].map(_) for name in ("option", "network") if name in table})
