"""Shapes, counts and numbers as readers see them; and what they look for."""

import re
from collections.abc import Sequence
from textwrap import wrap
from unicodedata import east_asian_width

from .words import _

HAN, FULL_WIDTH = "\u4e00-\u9fff", "\u3000-\u303f\uff00-\uffef"
TOO_WIDE = re.compile(f"(?<=[{FULL_WIDTH}]) | (?=[{FULL_WIDTH}])|(?<=[{HAN}]) (?=[{HAN}])")


def scaled(number: int, unit: str = "") -> str:
    """A whole number for a reader in a hurry: 12,345,678 as 12.35 M, with a unit as 12.35 MB."""
    for factor, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= factor:
            return f"{number / factor:,.2f} {prefix}{unit}"
    return f"{number} {unit}".rstrip()


def macs_text(macs: int) -> str:
    """Multiply-accumulates of a network: 12.254 GMACs, and each of them where there are few: 58,376 MACs."""
    return f"{macs / 1e9:,.3f} GMACs" if macs >= 10**7 else f"{macs:,} MACs"


def and_list(items: Sequence[str]) -> str:
    """Items in a sentence: "a, b and c", or as the language of this thread lists them."""
    if len(items) < 2:
        return "".join(items)
    return _("{items} and {last}").format(items=_(", ").join(items[:-1]), last=items[-1])


def or_list(items: Sequence[str]) -> str:
    """Items to choose from in a sentence: "a, b or c", or as the language of this thread lists them."""
    if len(items) < 2:
        return "".join(items)
    return _("{items} or {last}").format(items=_(", ").join(items[:-1]), last=items[-1])


def running_text(*sentences: str) -> str:
    """Sentences one after the other, with a blank between them.

    Chinese has no blank between two characters or beside a full-width mark, where a template may have left one.
    """
    return TOO_WIDE.sub("", " ".join(sentences))


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a text that is at most `width` wide; Chinese characters are two wide and part without a blank.

    No line starts with a mark that belongs to what is before it, or ends with one that opens what is behind it.
    """
    if not any(map(is_wide, text)):
        return wrap(text, width)
    lines = [""]
    # A piece is what stays together: a word with its blanks, or one wide character with the marks behind it.
    word = r"[^\u2e80-\uffef]+?(?: +|$|(?=[\u2e80-\uffef]))"
    for piece in re.findall(rf"[（“《]*(?:{word}|.)[。，、；：？！）”》]*", text):
        if lines[-1] and text_width(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes: two for a Chinese character."""
    return sum(1 + is_wide(character) for character in text)


def is_wide(character: str) -> bool:
    """Whether a character is as wide as a Chinese one."""
    return east_asian_width(character) in "WF"


def shape_text(sizes: tuple[int, ...]) -> str:
    """Sizes as the table writes them: 192x35x35."""
    return "x".join(map(str, sizes))


def found_names(words: str, names: Sequence[str]) -> list[int]:
    """Which names have all the words in them, as places in `names`: those with whole words first.

    After them come names with words that begin so, then all others; each group keeps its order. "cat" finds "Siamese
    cat", then "catamaran", then "muscat".
    """

    def rank(name: str) -> int:
        """0 for whole words, 1 for beginnings of words, 2 for parts, 3 where a word is missing."""
        return max((_rank(word, name) for word in words.casefold().split()), default=0)

    ranks = [rank(name.casefold()) for name in names]
    return [place for _, place in sorted((rank, place) for place, rank in enumerate(ranks) if rank < 3)]


def _rank(word: str, name: str) -> int:
    patterns = rf"(?<!\w){re.escape(word)}(?!\w)", rf"(?<!\w){re.escape(word)}", re.escape(word)
    return next((rank for rank, pattern in enumerate(patterns) if re.search(pattern, name)), 3)
