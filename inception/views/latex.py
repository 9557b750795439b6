"""Tables in LaTeX that fit a page of A4, in a document of one column or of two.

The narrowest line that they meet is that of the class `article` in one column, which is 345 pt wide: a smaller font
is chosen, then texts are broken, then the page is turned. Widths are estimated with the measures of Computer Modern,
rounded up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError
from ..text import and_list, is_wide
from ..words import _

# What a layer table shows of itself on a page, in this order, and which column gives way first.
PAGE_COLUMNS = (
    *("block", "repeat", "branch", "layer", "op"),
    *("kernel", "stride", "out_shape", "params", "macs", "flops", "rf"),
)
GIVE_WAY = ("rf", "stride", "repeat", "kernel", "branch", "op")
LINE, TURNED = 345, 598  # points of a line of `article` on A4, upright and in landscape
TALLEST = 540  # points of rows that fit a page together with their caption
GAP = 3  # points on each side of a column


@dataclass(frozen=True)
class Font:
    """A size of LaTeX's."""

    name: str
    em: float  # points; small sizes are cut wider than they are high, hence more than their nominal size
    leading: float  # points from one line to the next


FONTS = (Font("footnotesize", 8.5, 9.5), Font("scriptsize", 8.0, 8.0), Font("tiny", 6.8, 6.0))
READABLE = FONTS[1]  # the smallest that is chosen by itself for a layer table
ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\n": " ",
        "\0": "{}",  # between characters that would become one
        **{character: f"\\{character}" for character in "&%$#_{}"},
    }
)
# What pdfLaTeX knows beside Latin letters with accents.
PUNCTUATION = "\N{EN DASH}\N{EM DASH}\N{BULLET}\N{HORIZONTAL ELLIPSIS}\N{EURO SIGN}‘’“”‚„†‡‹›™"  # noqa: RUF001
LONGEST = 14  # letters that stand together in a text that has to break
BREAKS = re.compile(r"(?<=[ _./-])|(?<=\dx)(?=\d)")  # where a text may go on in the next line


class LatexError(InputError):
    """A table that is too wide for every page, in one sentence."""


@dataclass(frozen=True)
class _Layout:
    """How a table meets its page."""

    font: Font
    widths: tuple[float, ...] | None  # of columns that break their texts; None where none has to
    turned: bool  # in landscape


def page_columns(texts: pd.DataFrame) -> list[str]:
    """The columns of a layer table that stand side by side on a page, of those that say something.

    texts: every cell as a reader sees it.
    """
    columns = [name for name in PAGE_COLUMNS if name in texts and not (texts[name] == "").all()]
    if "branch" in columns and "op" in columns:
        columns.remove("op")  # branches are those of our networks, whose layers name their operation
    widths = {name: _widths([[name], *texts[[name]].to_numpy().tolist()], READABLE)[0] + 2 * GAP for name in columns}
    for name in GIVE_WAY:
        if name in columns and sum(widths[name] for name in columns) > LINE:
            columns.remove(name)
    return columns


def latex_table(texts: pd.DataFrame, numbers: Sequence[bool], title: str) -> str:
    """A fragment of LaTeX: one float where the table fits a page, else a table over several pages.

    texts: every cell as a reader sees it. numbers: which columns are flush right.
    Raises LatexError where the columns fit no page.
    """
    columns = list(map(str, texts.columns))
    rows = [list(map(str, row)) for row in texts.to_numpy().tolist()]
    layout = _layout([columns, *rows], numbers)
    lines = [_line(row, broken=layout.widths is not None) for row in [columns, *rows]]
    on_one_page = not layout.turned and _height(layout, [columns, *rows]) <= TALLEST
    caption = rf"\caption{{{escaped(title)}}}"
    table = (_one_page if on_one_page else _several_pages)(layout, _columns(layout, numbers), caption, *lines)
    return _comment(layout, on_one_page, title + "".join(map("".join, [columns, *rows]))) + table


def escaped(text: str) -> str:
    """`text` as LaTeX shows it letter by letter: no command, no ligature of dashes, quotes or angle brackets."""
    return re.sub(r"([-<>,'`])(?=\1)", "\\1\0", text).translate(ESCAPES)


def _one_page(layout: _Layout, columns: str, caption: str, head: str, *rows: str) -> str:
    tabular = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    # A starred float is as wide as the page in two columns; in one column it is a plain float.
    start = [r"\begin{table*}", r"\centering", rf"\{layout.font.name}\setlength{{\tabcolsep}}{{{GAP}pt}}", caption]
    return "\n".join([*start, *tabular, r"\end{table*}"]) + "\n"


def _several_pages(layout: _Layout, columns: str, caption: str, head: str, *rows: str) -> str:
    turned = layout.turned
    lines = [
        # A longtable stands in one column only; a paper in two columns goes on after it on a new page.
        r"\makeatletter",
        r"\if@twocolumn\onecolumn\let\afterthistable\twocolumn\else\let\afterthistable\relax\fi",
        r"\makeatother",
        *([r"\begin{landscape}"] if turned else []),
        rf"\begingroup\{layout.font.name}\setlength{{\tabcolsep}}{{{GAP}pt}}",
        rf"\begin{{longtable}}{{{columns}}}",
        caption + r" \\",
        *(r"\toprule", head, r"\midrule", r"\endfirsthead"),
        *(r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", r"\bottomrule", r"\endlastfoot"),
        *rows,
        r"\end{longtable}",
        r"\endgroup",
        *([r"\end{landscape}"] if turned else []),
        r"\afterthistable",
    ]
    return "\n".join(lines) + "\n"


def _comment(layout: _Layout, on_one_page: bool, everything: str) -> str:
    packages = [r"\usepackage{booktabs}"]
    if layout.widths:
        packages.append(r"\usepackage{array}")
    if not on_one_page:
        packages.append(r"\usepackage{longtable}")
    if layout.turned:
        packages.append(r"\usepackage{pdflscape}")
    foreign = sorted({character for character in everything if not _is_known(character)})
    chinese = [character for character in foreign if is_wide(character)]
    others = [character for character in foreign if not is_wide(character)]
    if chinese:
        packages.append(r"\usepackage[scheme=plain]{ctex}")
    packages += [r"\usepackage{fontspec}"] if others else [] if chinese else [r"\usepackage[T1]{fontenc}"]
    lines = [_("Needs {packages}.").format(packages=and_list(packages))]
    if others:
        needs = _("Needs XeLaTeX or LuaLaTeX, and a font that has {letters}")
        lines.append(needs.format(letters=" ".join(others)))
    elif chinese:
        lines.append(_("Needs XeLaTeX or LuaLaTeX."))
    lines.append(_("Fits the lines of the class article on A4, in one column and in two, and wider ones."))
    return "".join(f"% {line}\n" for line in lines)


def _is_known(character: str) -> bool:
    """Whether pdfLaTeX has the character by itself in the encoding T1."""
    return (character <= "\N{LATIN SMALL LETTER LONG S}" and character != "\N{SOFT HYPHEN}") or character in PUNCTUATION


def _layout(rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> _Layout:
    """The largest font in which the columns stand side by side; texts are broken where even the smallest is too wide.

    Raises LatexError where broken texts are too wide for a page in landscape.
    """
    count = len(rows[0])
    for font in FONTS:
        if sum(_widths(rows, font)) + 2 * GAP * count <= LINE:
            return _Layout(font, None, turned=False)
    for line in (LINE, TURNED):
        for font in FONTS[1:]:
            whole = _widths(rows, font)
            least = [
                width if number else narrow
                for width, narrow, number in zip(
                    whole,
                    _widths([[max(_pieces(t), key=len) for t in row] for row in rows], font),
                    numbers,
                    strict=True,
                )
            ]
            if sum(whole) + 2 * GAP * count <= line:
                return _Layout(font, None, turned=line == TURNED)
            room = line - 2 * GAP * count - sum(least)
            if room >= 0:
                wanted = [width - narrow for width, narrow in zip(whole, least, strict=True)]
                share = room / sum(wanted)
                widths = tuple(narrow + want * share for narrow, want in zip(least, wanted, strict=True))
                return _Layout(font, tuple((width + 2 * GAP) / line for width in widths), turned=line == TURNED)
    raise LatexError(_("{count} columns are too wide for a page of A4; choose fewer of them.").format(count=count))


def _columns(layout: _Layout, numbers: Sequence[bool]) -> str:
    """The argument of a tabular: plain columns, or shares of the line."""
    if layout.widths is None:
        return "".join("r" if number else "l" for number in numbers)
    return "".join(
        rf">{{\{'raggedleft' if number else 'raggedright'}\arraybackslash}}"
        rf"p{{\dimexpr{int(share * 10_000) / 10_000}\linewidth-2\tabcolsep\relax}}"
        for share, number in zip(layout.widths, numbers, strict=True)
    )


def _height(layout: _Layout, rows: Sequence[Sequence[str]]) -> float:
    """Points of all rows together."""
    if layout.widths is None:
        return len(rows) * layout.font.leading
    line = TURNED if layout.turned else LINE
    rooms = [share * line - 2 * GAP for share in layout.widths]
    lines = [
        max(len(list(_broken(text, room, layout.font))) for text, room in zip(row, rooms, strict=True)) for row in rows
    ]
    return sum(lines) * layout.font.leading


def _broken(text: str, room: float, font: Font) -> list[str]:
    """The lines of a text in a narrow column."""
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and _width(lines[-1] + piece, font) > room:
            lines.append(piece)
        else:
            lines[-1] += piece
    return lines


def _pieces(text: str) -> list[str]:
    """What a line break cannot separate."""
    return [whole[i : i + LONGEST] for whole in BREAKS.split(text) for i in range(0, max(len(whole), 1), LONGEST)]


def _line(row: Sequence[str], broken: bool) -> str:
    return " & ".join(_cell(text, broken) for text in row) + r" \\"


def _cell(text: str, broken: bool) -> str:
    """A cell; a row that began with [ or * would be an argument of the line break before it."""
    cell = r"\allowbreak{}".join(map(escaped, _pieces(text) if broken else [text]))
    return f"{{{cell[0]}}}{cell[1:]}" if cell[:1] in ("[", "*") else cell


def _widths(rows: Sequence[Sequence[str]], font: Font) -> list[float]:
    return [max(_width(text, font) for text in column) for column in zip(*rows, strict=True)]


def _width(text: str, font: Font) -> float:
    return sum(map(_ems, text)) * font.em


def _ems(character: str) -> float:
    """The width of a character in Computer Modern, rounded up, for an em of `Font`."""
    if is_wide(character):
        return 1.0
    if character in "mwMW@%+=<>~^":
        return 1.0 if character == "W" else 0.9
    if character in " .,:;'|![]()/ijlt-`":
        return 0.4
    return 0.76 if character.isupper() else 0.51 if character.isdigit() else 0.57
