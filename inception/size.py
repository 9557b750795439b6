"""`Size`: height and width in pixels or cells, parsed once where text comes in."""

import re
from typing import NamedTuple

from .errors import InputError
from .words import _

MAX_SIDE = 1024  # pixels that a reader may ask for; a trace takes any size


class Size(NamedTuple):
    """Height and width. It is a tuple, so it can be compared, unpacked and handed to PyTorch as it is."""

    height: int
    width: int

    @classmethod
    def square(cls, side: int) -> "Size":
        """As high as it is wide."""
        return cls(side, side)

    @classmethod
    def parse(cls, text: str) -> "Size":
        """The size in a text like "299" or "350x400"; raises SizeError for anything else and above `MAX_SIDE`."""
        match = re.fullmatch(r"\s*([0-9]{1,4})(?:\s*x\s*([0-9]{1,4}))?\s*", text)
        size = cls(int(match[1]), int(match[2] or match[1])) if match else cls(0, 0)
        if not all(0 < side <= MAX_SIDE for side in size):
            sentence = _(
                "{text!r} is not an input size: give pixels, such as 299, or height x width, such as 350x400, each at "
                "most {most}."
            )
            raise SizeError(sentence.format(text=text, most=MAX_SIDE))
        return size

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


class SizeError(InputError):
    """A text that is no size, in one sentence."""
