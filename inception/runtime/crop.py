"""`Crop`: which part of a picture a network gets, and how that part is fitted into the network's frame."""

import math
from dataclasses import dataclass
from enum import StrEnum

from ..errors import InputError
from ..words import N_, _

Box = tuple[float, float, float, float]  # left, top, right, bottom in a picture's pixels; the last two just outside

MIN_SIDE = 8  # pixels of a box; of fewer there is nothing to see


class CropError(InputError):
    """A box that cannot be cut out of a picture, in one sentence."""


class Fit(StrEnum):
    """How a part of a picture gets the shape of the network's frame."""

    CENTRE = "centre"  # its ends are cut off, as networks of ImageNet's classes are tested
    PAD = "pad"  # nothing is cut off: what is missing of the frame is filled with its mean colour
    SQUASH = "squash"  # nothing is cut off: it is stretched or compressed


FITS = {Fit.CENTRE: N_("centre"), Fit.PAD: N_("pad"), Fit.SQUASH: N_("squash")}  # what people call them


@dataclass(frozen=True)
class Crop:
    """The part of a picture that a network gets, and how it is fitted. Raises CropError for a box that can be none."""

    box: Box | None = None  # None for the whole picture
    fit: Fit = Fit.CENTRE

    def __post_init__(self) -> None:
        if self.box is None:
            return
        left, top, right, bottom = self.box
        if not all(map(math.isfinite, self.box)):
            raise CropError(_("The four edges of a box must be finite numbers."))
        if right - left < MIN_SIDE or bottom - top < MIN_SIDE:
            raise CropError(
                _(
                    "A box of {width:g}x{height:g} pixels (width x height) is too small: each side must have at least "
                    "{least}."
                ).format(width=right - left, height=bottom - top, least=MIN_SIDE)
            )

    def region(self, width: int, height: int) -> Box:
        """The part of a picture of that size; raises CropError where the box is not inside it."""
        if self.box is None:
            return 0.0, 0.0, width, height
        left, top, right, bottom = self.box
        if left < 0 or top < 0 or right > width or bottom > height:
            sentence = _(
                "The box from ({left:g}, {top:g}) to ({right:g}, {bottom:g}) does not lie inside the picture, which "
                "has {width:,}x{height:,} pixels (width x height)."
            )
            raise CropError(sentence.format(left=left, top=top, right=right, bottom=bottom, width=width, height=height))
        return self.box


def parse_box(text: str) -> Box:
    """The box in a text like "10,20,110,120": left, top, right, bottom; raises CropError for anything else."""
    try:
        left, top, right, bottom = map(float, text.split(","))
    except ValueError as error:
        sentence = _("{text!r} is no box: give left, top, right and bottom, such as 10,20,110,120.")
        raise CropError(sentence.format(text=text)) from error
    return left, top, right, bottom
