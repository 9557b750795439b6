"""Classes found by parts of their names, whole words first."""

import pandas as pd
import streamlit as st

from inception.text import found_names
from inception.vision.titles import class_title
from inception.words import _
from pages.parts import address

FEW = 20  # classes that one finds in a list without a search


def search_field(label: str, key: str) -> str:
    """The words that the reader looks for."""
    return st.text_input(
        label, placeholder=_("part of a name, such as cat"), label_visibility="collapsed", key=address.written(key)
    )


def found_classes(table: pd.DataFrame, words: str) -> pd.DataFrame:
    """The rows whose label has the words, whole words first; a sentence where there are none."""
    found = table.iloc[found_names(words, table["label"].tolist())]
    if found.empty:
        st.caption(_("No class of this network has “{words}” in its name.").format(words=words))
    return found


def choose_class(table: pd.DataFrame) -> tuple[int, str]:
    """A class of what `PictureNetwork.classify` gave, its index and its label: at first the most probable."""
    table = table.assign(label=table["label"].map(class_title), network_label=table["label"])
    words = search_field(_("Find a class"), "class_words") if len(table) > FEW else ""
    found = found_classes(table, words)
    offered = (table if found.empty else found).set_index("index")
    codes = {index: f"{index}-{address.slug(label)}" for index, label in offered["network_label"].items()}
    index = st.selectbox(
        _("Class"),
        offered.index,
        key=address.choice("class", offered.index, code=codes.__getitem__),
        format_func=lambda i: f"{offered['label'][i]} ({offered['probability'][i]:.1%})",
        filter_mode="contains",
        help=_("The most probable classes come first. A search lists names with the whole words first."),
    )
    return int(index), str(offered["label"][index])
