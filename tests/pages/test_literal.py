"""Names of files are shown as they are."""

import pytest
from markdown_it import MarkdownIt

from pages.parts.literal import literal

NAMES = [
    *("cat.jpg", "inception_v4.tf_in1k.pt", "my photo (1) - copy.png", "_bold_ __very__.png", "**x** *y*.png"),
    *("[link](http://example.test).png", "<b>x</b>.png", "`code`.png", "~~gone~~.png", "a & b &amp; c.png"),
    *(":red[hot].png", ":material/home:.png", ":smile:.png", "$x^2$.png", "# one.png", "- two.png", "1. three.png"),
    *("12) four.png", "> five.png", "+ six.png", "back\\slash \\*.png", "![x](y).png", "ümlaut 猫.png", "a:b.png"),
]


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_the_name(name: str) -> None:
    """By another reader of CommonMark than Streamlit's."""
    tokens = MarkdownIt("commonmark").enable("strikethrough").parse(literal(name))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == name


def test_what_is_no_markdown_stays() -> None:
    assert literal("tuned.pt: 'module.conv1.weight' is missing.") == "tuned.pt: 'module.conv1.weight' is missing."
    assert literal("two\nlines") == "two lines"
