"""What a weights file of this project says of itself, validated: a header is text from anyone.

This module is imported only when there is a header to read, because pydantic takes a tenth of a second to load.
"""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json

from .preprocessing import Channels, Preprocessing

MOST_BLOCKS, MOST_CLASSES = 100, 100_000  # that a file may ask for

Number = int | float  # whole numbers stay whole, so that the header is written again as it was read
Mean = Annotated[Number, Field(allow_inf_nan=False)]
Std = Annotated[Number, Field(gt=0, allow_inf_nan=False)]
Blocks = Annotated[int, Field(ge=1, le=MOST_BLOCKS)]
Side = Annotated[int, Field(ge=1, le=10_000)]  # pixels


class _Preparation(BaseModel):
    """`Preprocessing` as JSON has it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    mean: Mean | Annotated[list[Mean], Field(min_length=3, max_length=3)]
    std: Std | Annotated[list[Std], Field(min_length=3, max_length=3)]
    crop: Annotated[Number, Field(gt=0, le=1)]
    interpolation: Literal["bilinear", "bicubic", "lanczos"]
    detail: Side | None = None

    @property
    def taken(self) -> Preprocessing:
        """As the networks take it."""
        return Preprocessing(_channels(self.mean), _channels(self.std), self.crop, self.interpolation, self.detail)


class Header(BaseModel):
    """The entries that every header of this project has; further ones tell of the training and are not judged."""

    model_config = ConfigDict(strict=True)

    variant: str
    title: str
    source: str
    licence: str
    accuracy: str
    classes: Json[Annotated[list[str], Field(min_length=2, max_length=MOST_CLASSES)]]
    width: Json[Annotated[Number, Field(ge=1e-3, le=1)]]
    repeats: Json[Annotated[list[Blocks], Field(min_length=3, max_length=3)] | None]
    input_size: Json[Annotated[Number, Field(ge=1, le=10_000)]]
    preprocessing: Json[_Preparation]
    temperature: Json[Annotated[Number, Field(ge=1e-3, le=1e3)]]
    threshold: Json[Annotated[Number, Field(ge=-math.inf, le=1e3)]]

    @property
    def preparation(self) -> Preprocessing:
        """The preprocessing as the networks take it."""
        return self.preprocessing.taken


class HeadHeader(BaseModel):
    """What the file of a head says: of which network and weights it reads the features, and what its classes are."""

    model_config = ConfigDict(strict=True)

    head_of: str  # the network's name in the zoo
    weights: str  # what people call them
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # as of `Predictor.fingerprint`
    classes: Json[Annotated[list[str], Field(min_length=2, max_length=MOST_CLASSES)]]
    input_size: Json[Annotated[list[Side], Field(min_length=2, max_length=2)]]
    preprocessing: Json[_Preparation]
    fit: Literal["centre", "pad", "squash"] = "centre"  # how pictures were fitted into the network's frame
    measured: str


def _channels(numbers: Number | list[Number]) -> Channels:
    if not isinstance(numbers, list):
        return numbers
    red, green, blue = numbers
    return red, green, blue
