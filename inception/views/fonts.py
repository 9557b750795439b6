"""Fonts of drawings: which ones are asked for in which language, and one that is always there.

static/ holds the letters of all languages that we speak, so that a picture has no empty box on a machine without fonts;
the app serves it to browsers that have none (assets/style.css). `python -m tools.subset_font` makes it.
"""

import ctypes
from ctypes.util import find_library
from functools import cache
from pathlib import Path

from ..paths import FONT
from ..words import N_, _

# Translators: fonts, the best first. Keep "sans-serif" at the end. Languages with letters that Arial lacks name fonts
# that have them.
FAMILIES = N_("Helvetica,Arial,sans-serif")


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
