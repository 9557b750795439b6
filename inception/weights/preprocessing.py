"""How pictures are prepared for a network's weights."""

from dataclasses import dataclass

from ..words import N_, _

Channels = float | tuple[float, float, float]  # one number for all three colours, or one each for red, green and blue


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB picture to the network's input.

    The short side is scaled to size / crop, the centre of size x size is cut out, and each value from 0 to 255 becomes
    (value - mean) / std.
    """

    mean: Channels  # in the units of the picture, 0 to 255
    std: Channels  # in the same units
    crop: float  # the side of the part that is kept, as a share of the scaled picture's short side
    interpolation: str  # bilinear, bicubic or lanczos
    # Pixels to which the short side is reduced on the way, where the network learnt from pictures that small.
    detail: int | None = None

    @property
    def formula(self) -> str:
        """What becomes of a value, in words: (value - 127.5) / 127.5, or with three means and deviations."""
        if not isinstance(self.mean, tuple) and not isinstance(self.std, tuple):
            return _("(value - {mean:g}) / {std:g}").format(mean=self.mean, std=self.std)
        means, deviations = (_listed(numbers) for numbers in (self.mean, self.std))
        sentence = _("(value - mean) / std, with mean {means} and std {deviations} for red, green and blue")
        return sentence.format(means=means, deviations=deviations)

    @property
    def text(self) -> str:
        """All of it in words: (value - 127.5) / 127.5, centre 87.5 %, bicubic."""
        sentence = _("{formula}, centre {share:g} %, {interpolation}")
        if self.detail:
            sentence = _("{formula}, centre {share:g} %, {interpolation}, by way of {detail} px")
        return sentence.format(
            formula=self.formula, share=100 * self.crop, interpolation=_(self.interpolation), detail=self.detail
        )


def _listed(numbers: Channels) -> str:
    three = numbers if isinstance(numbers, tuple) else (numbers,) * 3
    return f"({', '.join(f'{number:g}' for number in three)})"


TIMM_V4 = Preprocessing(mean=127.5, std=127.5, crop=0.875, interpolation="bicubic")
TIMM_V2 = Preprocessing(mean=127.5, std=127.5, crop=0.8975, interpolation="bicubic")
FACENET = Preprocessing(mean=127.5, std=128.0, crop=1.0, interpolation="bilinear")
INTERPOLATIONS = (N_("bilinear"), N_("bicubic"), N_("lanczos"))

# Mean and standard deviation of ImageNet's training pictures, as torchvision and GluonCV give them, times 255.
IMAGENET = Preprocessing(
    mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), crop=0.875, interpolation="bicubic"
)
