"""The finding of a page: one computed sentence, which ends its first screen."""

import streamlit as st

from pages.parts.glossary import prose


def finding(sentence: str) -> None:
    """Shows the finding, under the headline or beside the figure, so that it is on the first screen of a phone too.

    sentence: Markdown, with what was found in bold.
    """
    with st.container(key="finding"):
        prose(sentence)
