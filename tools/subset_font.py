"""Cuts the font in static/ out of a whole one: `python -m tools.subset_font NotoSansCJK-Regular.ttc`.

It has the characters of all translations, Latin letters and signs, and of Chinese the first level of GB 2312, the 3,755
most used characters, so that a new sentence seldom needs a new font. Hints for coarse screens and layout features are
left out.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection

from inception.paths import FONT, LOCALE

FAMILY = "Noto Sans CJK SC"
# Thousandths of the font's size above and below the line, as those of DejaVu Sans. Graphviz puts texts as if all fonts
# were about so high; with the 1.448 of the whole font lines of a box run into each other.
ASCENT, DESCENT = 928, 236
ROWS, PLACES = range(0xB0, 0xD8), range(0xA1, 0xFF)  # of the first level of GB 2312
# Latin letters, punctuation, arrows, mathematical signs, and full-width punctuation.
SIGNS = (
    *(range(0x20, 0x180), range(0x2010, 0x2040), range(0x2190, 0x21E0), range(0x2200, 0x2270)),
    *(range(0x3000, 0x3020), range(0xFF01, 0xFF5F)),
)


def characters() -> set[str]:
    """What the font draws."""
    translations = "".join(file.read_text(encoding="utf-8") for file in LOCALE.glob("*/LC_MESSAGES/*.po"))
    most_used = "".join(bytes((row, place)).decode("gb2312", "ignore") for row in ROWS for place in PLACES)
    signs = "".join(chr(code) for codes in SIGNS for code in codes)
    return {character for character in translations + most_used + signs if character.isprintable()}


def write_subset(source: Path, target: Path) -> None:
    """Writes those glyphs of `FAMILY` that we need. source: a collection of fonts that holds it."""
    font = next(font for font in TTCollection(source).fonts if font["name"].getDebugName(1) == FAMILY)
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # the last two are the licence
    options.drop_tables += ["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(characters()))
    cutter.subset(font)
    font["hhea"].ascent, font["hhea"].descent, font["hhea"].lineGap = ASCENT, -DESCENT, 0
    font["OS/2"].sTypoAscender, font["OS/2"].sTypoDescender, font["OS/2"].sTypoLineGap = ASCENT, -DESCENT, 0
    font["OS/2"].usWinAscent, font["OS/2"].usWinDescent = ASCENT, DESCENT
    font.recalcTimestamp = False  # the same glyphs are the same bytes
    target.parent.mkdir(exist_ok=True)
    font.save(target)


if __name__ == "__main__":
    write_subset(Path(sys.argv[1]), FONT)
