"""Text of a reader's, such as the name of a file, shown as it is where Streamlit would read Markdown."""

import re

# Every ASCII punctuation mark may stand behind a backslash in Markdown; these are the ones that mean something there,
# in Streamlit's directives (:red[…], :material/…:) or in formulas ($…$).
MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>:$&^=])")


def literal(text: str) -> str:
    """Markdown that shows a text as it is, in one line."""
    return MARKS.sub(r"\\\1", " ".join(text.split()))
