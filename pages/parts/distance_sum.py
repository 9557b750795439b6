"""The distance of two faces as the sum that it is."""

import streamlit as st

from inception.vision.cell_text import short
from inception.vision.faces import EmbeddedFace, distance_terms
from inception.words import _
from pages.parts import tables
from pages.parts.literal import literal

NAMED = 5  # numbers of the embeddings


def distance_sum(first: EmbeddedFace, second: EmbeddedFace, names: tuple[str, str]) -> None:
    """The numbers in which two faces differ most, the others together, and the root of the sum.

    names: of the faces, for readers.
    """
    table = distance_terms(first, second)
    total, named = float(table["square"].sum()), float(table["square"][:NAMED].sum())
    title = _("What the distance of {first} and {second} is made of")
    with st.expander(title.format(first=literal(names[0]), second=literal(names[1])), icon=":material/calculate:"):
        tables.show_table(
            table.head(NAMED),
            column_config={
                "number": st.column_config.NumberColumn(_("Number of the embedding")),
                "first": st.column_config.NumberColumn(names[0], format="%.4f"),
                "second": st.column_config.NumberColumn(names[1], format="%.4f"),
                "square": st.column_config.NumberColumn(_("Difference, squared"), format="%.5f"),
            },
        )
        sentence = _(
            "These {count} give {named}, the other {others:,} together {rest}. The sum is {total}, and its root is the "
            "distance: **{distance:.3f}**."
        )
        st.markdown(
            sentence.format(
                count=NAMED,
                named=short(named),
                others=len(table) - NAMED,
                rest=short(total - named),
                total=short(total),
                distance=total**0.5,
            )
        )
