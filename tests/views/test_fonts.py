"""Drawings have letters on every machine, in every language."""

import base64
import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from inception import trace
from inception.paths import FONT, LOCALE
from inception.words import speaking

DRAWN = """
import sys
from inception import trace
from inception.words import speaking
with speaking("zh_CN"):
    sys.stdout.buffer.write(trace("inception_v4").diagram("Reduction-A", legend=True).file("pdf"))
"""


def test_the_font_has_every_letter_of_the_translations() -> None:
    drawn = TTFont(FONT).getBestCmap()
    for file in LOCALE.glob("*/LC_MESSAGES/*.po"):
        letters = {letter for letter in file.read_text(encoding="utf-8") if letter.isprintable()}
        assert "".join(sorted(letter for letter in letters if ord(letter) not in drawn)) == "", (
            f"{file}: python -m tools.subset_font makes the font anew"
        )


@pytest.mark.slow
def test_no_box_is_empty_on_a_machine_without_fonts(tmp_path: Path) -> None:
    """A letter without a glyph would be a drawn box, and no text of the PDF."""
    (tmp_path / "fonts.conf").write_text("<fontconfig></fontconfig>")
    machine = {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
    pdf = subprocess.run([sys.executable, "-c", DRAWN], env=machine, capture_output=True, check=True).stdout
    page = PdfReader(BytesIO(pdf)).pages[0]
    for sentence in ("1x1 卷积", "池化", "滤波器拼接", "步幅 2", "输入 384x35x35", "Conv2d_1a_3x3"):
        assert sentence in page.extract_text()
    assert set(re.findall(rb"/BaseFont /[A-Z]+\+(\S+)", pdf)) == {b"NotoSansCJKsc-Regular"}


def test_an_svg_file_brings_the_letters_that_it_shows() -> None:
    drawing = trace("inception_v4").diagram("Reduction-A")
    assert b"@font-face" not in drawing.file("svg"), "English needs none"
    with speaking("zh_CN"):
        drawing = trace("inception_v4").diagram("Reduction-A", legend=True)
        svg = drawing.file("svg").decode()
    [font] = re.findall(r"url\(data:font/woff;base64,([^)]+)\)", svg)
    shown = "".join(re.findall(r">([^<>]+)</text>", svg))
    assert "卷积" in shown
    assert {ord(letter) for letter in shown if letter.isprintable()} <= TTFont(
        BytesIO(base64.b64decode(font))
    ).getBestCmap().keys() | {0xA0}
