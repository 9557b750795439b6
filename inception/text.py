"""Shapes, counts and numbers as readers see them; and what they look for."""

import re
from collections.abc import Sequence

from .words import _


def scaled(number: int, unit: str = "") -> str:
    """A whole number for a reader in a hurry: 12,345,678 as 12.35 M, with a unit as 12.35 MB."""
    for factor, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= factor:
            return f"{number / factor:,.2f} {prefix}{unit}"
    return f"{number} {unit}".rstrip()


def counted(number: int, one: str) -> str:
    """A number of things, as "1 row" or "2 rows". one: the word for one of them."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


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
    """Sentences one after the other, with a blank between them, except after a full-width stop, which has its own."""
    return re.sub("(?<=[。！？；：，]) ", "", " ".join(sentences))


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
