"""`Attribution`: a map over the pixels of a picture, and what it says."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ...errors import InputError
from ...words import N_, Filled, _
from ..inside import Array
from ..maps import lay_over
from ..wire import travels

GRAD_CAM, LAYER_CAM, GRADIENTS, OCCLUSION = "Grad-CAM", "LayerCAM", N_("Integrated gradients"), N_("Occlusion")
CLIPPED = 0.5  # percent of the pixels of a signed map that may lie beyond its colours
FLAT = 1e-6  # a map whose values differ by less than this share of the largest is of one value


class AttributionError(InputError):
    """A class, embedding, layer or number of steps that does not exist, in one sentence."""


@travels
@dataclass(frozen=True)
class Attribution:
    """A map over the pixels of a prepared picture."""

    values: Array  # (H, W)
    signed: bool  # whether values can be below 0, and then speak against the score
    says: Filled  # what a value says
    score: float  # of the picture
    baseline: float | None = None  # the score of a black picture; integrated gradients only
    tells_nothing: Filled | None = None  # why, where all of the map is 0 or has one value

    @property
    def meaning(self) -> str:
        """What a value says, in one sentence."""
        return _(self.says)

    @property
    def dead(self) -> str:
        """Why the map tells nothing, in a sentence; empty where it tells something."""
        return _(self.tells_nothing) if self.tells_nothing else ""

    @property
    def color_range(self) -> tuple[float, float]:
        """(low, high) of the colours: 0 to the largest value, or as far below 0 as above.

        Of a signed map 0.5 % of the pixels may lie beyond, so that a single one does not make all others pale.
        """
        if not self.signed:
            return 0.0, float(self.values.max())
        high = float(np.percentile(np.abs(self.values), 100 - CLIPPED)) or float(np.abs(self.values).max())
        return -high, high

    @property
    def half(self) -> float:
        """The smallest share of the pixels that holds half of the map, signs left out; 1 where all of it is 0."""
        strongest = np.sort(np.abs(self.values), axis=None)[::-1].cumsum(dtype=np.float64)
        return float((np.searchsorted(strongest, strongest[-1] / 2) + 1) / strongest.size) if strongest[-1] else 1.0

    def over(self, prepared: Image.Image, opacity: float = 0.6) -> Image.Image:
        """The map laid over the picture, which turns grey beneath it; see `maps.heat_map` for the colours."""
        return lay_over(prepared, self.values, *self.color_range, self.signed, opacity)

    def smoothed(self, detail: int) -> "Attribution":
        """The map without what is finer than `detail` cells on its short side, as pictures reduced to that have none.

        Each cell gets the mean of its pixels, with straight lines between the middles of cells.
        """
        height, width = self.values.shape
        cells = round(width * detail / min(height, width)), round(height * detail / min(height, width))
        coarse = Image.fromarray(self.values).resize(cells, Image.Resampling.BOX)
        return replace(self, values=np.array(coarse.resize((width, height), Image.Resampling.BILINEAR)))


def is_flat(values: Array) -> bool:
    """Whether a map has one value everywhere, up to rounding."""
    return float(np.ptp(values)) <= FLAT * float(np.abs(values).max())
