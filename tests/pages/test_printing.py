"""The tables that only paper shows."""

from xml.etree import ElementTree

import pandas as pd
import streamlit as st

from pages.parts.printing import printable_table


def test_a_printed_table_has_all_rows_in_the_formats_of_the_screen() -> None:
    table = pd.DataFrame(
        {
            "name": ["<b>a</b>", None],
            "count": [1234567, 8],
            "share": [0.125, float("nan")],
            "sure": [True, False],
            "hidden": [1, 2],
        }
    )
    configs = {
        "name": "Name",
        "count": st.column_config.NumberColumn("Count", format="localized"),
        "share": st.column_config.NumberColumn("Share", format="percent"),
        "sure": st.column_config.CheckboxColumn("Sure"),
    }
    html = printable_table(table, ["count", "name", "share", "sure"], configs, "–")
    rows = ElementTree.fromstring(html).iter("tr")
    assert [[cell.text or "" for cell in row] for row in rows] == [
        ["Count", "Name", "Share", "Sure"],
        ["1,234,567", "<b>a</b>", "12.5%", "✓"],  # what a reader wrote is no HTML
        ["8", "–", "–", ""],
    ]
