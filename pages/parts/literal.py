"""Text of a reader's, such as the name of a file, shown as it is where Streamlit would read Markdown."""

import re

# What means something: marks of Markdown anywhere, underscores at the edge of a word, colons before a word as in
# Streamlit's :red[…] and :material/…:, ampersands of entities, and what begins a list, a heading or a quotation.
MARKS = re.compile(r"([\\`*\[\]<~$]|(?<![^\W_])_|_(?![^\W_])|:(?=\w)|&(?=[\w#])|^[#>+-]|(?<=^\d)[.)]|(?<=^\d\d)[.)])")


def literal(text: str) -> str:
    """Markdown that shows a text as it is, in one line."""
    return MARKS.sub(r"\\\1", " ".join(text.split()))
