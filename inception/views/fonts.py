"""Fonts of drawings: which ones are asked for in which language, and one that is always there.

static/ holds the letters of all languages that we speak, so that a picture has no empty box on a machine without fonts;
the app serves it to browsers that have none (assets/style.css), PDF and PNG are drawn with it, and an SVG file carries
the letters that it shows. `python -m tools.subset_font` makes it.
"""

import base64
import ctypes
import re
from ctypes.util import find_library
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

from ..paths import FONT
from ..words import N_, _

# Translators: fonts, the best first. Keep "sans-serif" at the end. Languages with letters that Arial lacks name fonts
# that have them.
FAMILIES = N_("Helvetica,Arial,sans-serif")
OURS = "Noto Sans CJK SC"  # the name of our font in FAMILIES
NEEDED = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")  # letters that a machine's fonts may lack


def families() -> str:
    """The names of fonts for text in the language of this thread, as SVG and Graphviz take them."""
    return _(FAMILIES)


@cache
def add_bundled_font() -> bool:
    """Lets the Graphviz of this process find our font beside those of the machine; False where it cannot.

    Graphviz finds fonts with fontconfig, which has to be told before it draws for the first time. A letter that none of
    the fonts asked for has comes from any that has it, and so from ours at last.
    """
    import pygraphviz

    folder = Path(pygraphviz.__file__).parent
    # A wheel brings a fontconfig of its own; a package that was built here has that of the machine.
    brought = [*folder.parent.glob("pygraphviz.libs/libfontconfig*"), *folder.glob(".dylibs/libfontconfig*")]
    library = str(brought[0]) if brought else find_library("fontconfig")
    if library is None:
        return False
    try:
        add = ctypes.CDLL(library).FcConfigAppFontAddFile
    except (OSError, AttributeError):
        return False
    add.argtypes, add.restype = [ctypes.c_void_p, ctypes.c_char_p], ctypes.c_int
    return bool(add(None, str(FONT).encode()))


def with_font(svg: str) -> str:
    """An SVG that brings our font with its letters; the same text where it has none that a machine's fonts may lack.

    Latin letters come along, because Graphviz has measured them in the same font where it knew no better one.
    """
    if not NEEDED.search(svg):
        return svg
    letters = "".join(sorted(letter for letter in set(svg) if letter.isprintable()))
    data = base64.b64encode(_woff(letters)).decode()
    style = f'<style>@font-face {{ font-family: "{OURS}"; src: url(data:font/woff;base64,{data}); }}</style>'
    end_of_tag = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:end_of_tag]}{style}{svg[end_of_tag:]}"


@lru_cache(maxsize=32)
def _woff(letters: str) -> bytes:
    """Our font with these letters alone, as WOFF; the same bytes each time."""
    from fontTools import subset  # here, because English needs none
    from fontTools.ttLib import TTFont

    font = TTFont(FONT, recalcTimestamp=False)
    cutter = subset.Subsetter(subset.Options(hinting=False, layout_features=[]))
    cutter.populate(text=letters)
    cutter.subset(font)
    font.flavor = "woff"
    written = BytesIO()
    font.save(written)
    return written.getvalue()
