"""How pictures are prepared for a network's weights."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB picture to the network's input.

    The short side is scaled to size / crop, the centre size x size is cut out, and values from 0 to 255 become
    (value - mean) / std. detail: pixels to which the short side is reduced on the way, where the network learnt from
    pictures that small.
    """

    mean: float
    std: float
    crop: float
    interpolation: str
    detail: int | None = None

    @property
    def text(self) -> str:
        """In words: (value - 127.5) / 127.5, centre 87.5 %, bicubic."""
        detail = f", by way of {self.detail} px" if self.detail else ""
        return f"(value - {self.mean:g}) / {self.std:g}, centre {100 * self.crop:g} %, {self.interpolation}{detail}"


TIMM_V4 = Preprocessing(mean=127.5, std=127.5, crop=0.875, interpolation="bicubic")
TIMM_V2 = Preprocessing(mean=127.5, std=127.5, crop=0.8975, interpolation="bicubic")
FACENET = Preprocessing(mean=127.5, std=128.0, crop=1.0, interpolation="bilinear")


def usual_preprocessing(name: str, embeds: bool) -> Preprocessing:
    """What the published weights of a network's kind want, for weights that do not say."""
    if embeds:
        return FACENET
    return TIMM_V2 if name.startswith("inception_resnet_v2") else TIMM_V4
