"""A head as a file: its numbers as safetensors, and what it belongs to in the header, which is text from anyone."""

import json
from dataclasses import asdict, dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..runtime.crop import FITS, Fit
from ..runtime.predictor import Predictor
from ..text import shape_text
from ..weights.preprocessing import Preprocessing
from ..words import _
from .head import Head, HeadError

MOST_BYTES = 8 * 2**20  # of a file that is read
TENSORS = ("mean", "weight", "bias")


@dataclass(frozen=True)
class Origin:
    """Whose features a head reads."""

    network: str  # its name in the zoo
    weights: str  # what people call them
    fingerprint: str  # of the weights, as of `Predictor.fingerprint`
    input_size: tuple[int, int]  # height and width of the prepared pictures, in pixels
    preprocessing: Preprocessing
    fit: Fit = Fit.CENTRE  # how pictures are fitted into the network's frame

    @classmethod
    def of(cls, network: Predictor, size: tuple[int, int], fit: Fit = Fit.CENTRE) -> "Origin":
        """Of the features that a network gives for pictures prepared at a size."""
        return cls(network.name, network.weights.label, network.fingerprint, size, network.preprocessing, fit)

    def check(self, here: "Origin") -> None:
        """Raises HeadError unless a head from here can read the features that `here` gives."""
        if self.network != here.network:
            sentence = _("This head reads features of {network}, not of {other}.")
            raise HeadError(sentence.format(network=self.network, other=here.network))
        if self.fingerprint != here.fingerprint:
            sentence = _(
                "This head reads features of {network} with the weights “{weights}”, not with those that are chosen "
                "here."
            )
            raise HeadError(sentence.format(network=self.network, weights=self.weights))
        if self.input_size != here.input_size or self.preprocessing != here.preprocessing:
            sentence = _(
                "This head knows pictures of {size} px ({preprocessing}), not of {other_size} px "
                "({other_preprocessing})."
            )
            raise HeadError(
                sentence.format(
                    size=shape_text(self.input_size),
                    preprocessing=self.preprocessing.text,
                    other_size=shape_text(here.input_size),
                    other_preprocessing=here.preprocessing.text,
                )
            )
        if self.fit != here.fit:
            sentence = _("This head knows pictures that were fitted in by {fit}, not by {other}.")
            raise HeadError(sentence.format(fit=_(FITS[self.fit]), other=_(FITS[here.fit])))


def write_head(head: Head, origin: Origin, measured: str) -> bytes:
    """The head as a .safetensors file. measured: what is known of its accuracy, in words."""
    metadata = {
        "format": "pt",
        "head_of": origin.network,
        "weights": origin.weights,
        "fingerprint": origin.fingerprint,
        "classes": json.dumps(head.names),
        "input_size": json.dumps(origin.input_size),
        "preprocessing": json.dumps(asdict(origin.preprocessing)),
        "fit": origin.fit.value,
        "measured": measured,
    }
    return save({name: getattr(head, name) for name in TENSORS}, metadata)


def read_head(data: bytes) -> tuple[Head, Origin]:
    """The head in a file, and whose features it reads; raises HeadError for anything that `write_head` does not write.

    A file of the right shape can still hold any numbers, so whoever loads one should know where it is from.
    """
    from ..weights.header import HeadHeader  # pydantic takes a while to load

    if len(data) > MOST_BYTES:
        sentence = _("The file is larger than the {most} MB that a head can have.")
        raise HeadError(sentence.format(most=MOST_BYTES >> 20))
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError) as error:
        raise HeadError(_("The file is no .safetensors file, or it is damaged.")) from error
    if "head_of" not in metadata or sorted(tensors) != sorted(TENSORS):
        raise HeadError(_("The file holds no head from this page."))
    try:
        header = HeadHeader.model_validate(metadata)
    except ValueError as error:  # pydantic's ValidationError is one
        raise HeadError(_("What the file says of itself is damaged.")) from error
    classes, width = len(header.classes), tensors["mean"].size
    shapes = {"mean": (width,), "weight": (classes, width), "bias": (classes,)}
    if any(tensors[name].shape != shape or tensors[name].dtype != np.float32 for name, shape in shapes.items()):
        raise HeadError(_("The file's tensors do not fit the classes that it names."))
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise HeadError(_("The file's tensors hold what is no number."))
    height, across = header.input_size
    origin = Origin(
        header.head_of,
        header.weights,
        header.fingerprint,
        (height, across),
        header.preprocessing.taken,
        Fit(header.fit),
    )
    return Head(**tensors, names=tuple(header.classes)), origin
