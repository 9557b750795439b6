"""How fast a network answers on this machine, and what faster settings cost in accuracy."""

import math
import threading
from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image

from ..errors import InceptionError
from ..weights.choice import AnyWeights
from ..words import _
from .crop import Crop
from .devices import DTYPES, DeviceError, devices, dtype_name
from .engines import engines, load_network
from .predictor import KEPT_PASSES, PictureNetwork, Predictor
from .preprocess import WHOLE_CENTRE
from .turns import OutOfMemory

MIN_RUNS = 3
SECONDS = 1.5  # after which `compare_settings` adds no more runs to the least
BATCHES = (1, 8)

COMPARISON_COLUMNS = {
    "engine": "str",
    "device": "str",
    "dtype": "str",
    "batch": "int64",
    "milliseconds": "float64",
    "images_per_second": "float64",
    "runs": "float64",
    "weight_bytes": "float64",
    "peak_bytes": "float64",
    "speedup": "float64",
    "top1_agreement": "float64",
    "largest_difference": "float64",
    "problem": "str",
}

_place = threading.Lock()


class SpeedError(InceptionError, RuntimeError):
    """A machine that is being measured already, in one sentence."""


@dataclass(frozen=True)
class Timing:
    """How long one pass takes after the first ones, which are slower."""

    engine: str
    device: str
    dtype: str  # its name, as in `DTYPES`
    batch: int  # pictures in a pass
    milliseconds: float  # median over the runs, from input to answer, for the whole batch
    runs: int  # passes that were measured
    weight_bytes: int  # of the network's weights in memory
    peak_bytes: int | None  # the most that a pass had allocated, with the weights; None where no one counts

    @property
    def images_per_second(self) -> float:
        return 1e3 * self.batch / self.milliseconds


@dataclass(frozen=True)
class Setting:
    """What runs a network."""

    engine: str  # a name in `ENGINES`
    device: str
    dtype: str  # a name in `DTYPES`


@dataclass(frozen=True)
class Comparison:
    """One setting at one batch size, compared with the plain network: PyTorch, float32, nothing done for speed."""

    setting: Setting
    batch: int  # pictures in a pass
    timing: Timing | None = None  # None where there is a problem
    speedup: float = math.nan  # how many times as fast as the plain network on the CPU
    # Share of the pictures on which both find the same class most probable; not a number for embeddings.
    top1_agreement: float = math.nan
    largest_difference: float = math.nan  # of a probability, or of a component of an embedding
    problem: str = ""  # why this machine cannot run it, in one sentence


class PlainNetwork(Predictor):
    """What the other settings are measured against: nothing is done to make it fast."""

    engine = "plain"
    channels_last = False


def measure(network: PictureNetwork, prepared: Sequence[Image.Image], seconds: float = 0) -> Timing:
    """How long a pass of these prepared pictures takes.

    Earlier passes of as many pictures of that size count too. If there are fewer than 3, more are made until there are
    3; further ones, up to 15, are made as long as `seconds` have not passed. Other people's work gets its turn between
    any two passes. Raises OutOfMemory.
    """
    shape = (len(prepared), 3, prepared[0].height, prepared[0].width)
    start = perf_counter()
    while (runs := len(network.computing.milliseconds(shape))) < MIN_RUNS or (
        runs < KEPT_PASSES and perf_counter() - start < seconds
    ):
        network.outputs(prepared)
    network = network.computing
    passes = network.milliseconds(shape)
    return Timing(
        engine=network.engine,
        device=network.device_name,
        dtype=dtype_name(network.dtype),
        batch=len(prepared),
        milliseconds=median(passes),
        runs=len(passes),
        weight_bytes=network.nbytes,
        peak_bytes=network.peak_bytes,
    )


def offered_settings() -> list[Setting]:
    """Every engine on every device of this machine, in float32, bfloat16 and, off the CPU, float16.

    Processors without float16 units take four times as long in float16 as in float32.
    """
    return [
        Setting(engine, device, dtype)
        for device in devices()
        for engine in engines(device)
        for dtype in DTYPES
        if not (device == "cpu" and dtype == "float16")
    ]


def compare_settings(
    name: str,
    weights: AnyWeights,
    size: tuple[int, int],
    pictures: Sequence[Image.Image],
    batches: Sequence[int] = BATCHES,
    settings: Sequence[Setting] | None = None,
    crop: Crop = WHOLE_CENTRE,
    patience: float = 0,
) -> Generator[Comparison, None, None]:
    """Measures the network on RGB pictures of `size` (height, width): the plain one first, then each setting.

    settings: all of `offered_settings` by default. crop: which part of each picture the network gets. patience: seconds
    to wait for whoever measures already. Yields each row as soon as it is measured; closing the generator ends the
    work. A setting that this machine cannot run has a row that says why. Each setting has a network of its own, freed
    before the next is loaded.
    Raises SpeedError while someone else measures, CheckpointError, OutOfMemory if even the plain network does not fit.
    """
    if not _place.acquire(timeout=patience):
        raise SpeedError(_("Someone else is measuring on this server; try again in a minute."))
    try:
        plain = PlainNetwork(name, weights)
        prepared = [plain.prepare(picture, size, crop) for picture in pictures]
        filled = {batch: [prepared[i % len(prepared)] for i in range(batch)] for batch in batches}
        reference = {}
        for batch, images in filled.items():
            timing = measure(plain, images, SECONDS)
            reference[batch] = timing.milliseconds, plain.outputs(images)
            agreement = math.nan if plain.embeds else 1.0
            yield Comparison(Setting(plain.engine, "cpu", "float32"), batch, timing, 1.0, agreement, 0.0)
        embeds = plain.embeds
        del plain
        for setting in offered_settings() if settings is None else settings:
            try:
                network = load_network(setting.engine, name, weights, setting.device, DTYPES[setting.dtype])
            except (DeviceError, OutOfMemory) as error:
                yield from (Comparison(setting, batch, problem=str(error)) for batch in batches)
                continue
            for batch, images in filled.items():
                try:
                    timing, outputs = measure(network, images, SECONDS), network.outputs(images)
                except OutOfMemory as error:
                    yield Comparison(setting, batch, problem=str(error))
                    continue
                milliseconds, expected = reference[batch]
                agreement, difference = compare_outputs(outputs, expected, embeds)
                yield Comparison(setting, batch, timing, milliseconds / timing.milliseconds, agreement, difference)
            del network
    finally:
        _place.release()


def compare_outputs(
    outputs: NDArray[np.float32], expected: NDArray[np.float32], embeds: bool = False
) -> tuple[float, float]:
    """`top1_agreement` and `largest_difference` of a `Comparison`, of logits (N, classes) or embeddings (N, D)."""
    if embeds:
        return math.nan, float(np.abs(outputs - expected).max())
    found, wanted = (torch.from_numpy(logits).double().softmax(dim=1) for logits in (outputs, expected))
    same = found.argmax(dim=1) == wanted.argmax(dim=1)
    return same.double().mean().item(), (found - wanted).abs().max().item()


def comparison_table(rows: Iterable[Comparison]) -> pd.DataFrame:
    """One row each: what `Setting`, `Timing` and `Comparison` say of it; not a number where there is a problem."""
    cells = []
    for row in rows:
        timing = asdict(row.timing) if row.timing else {}
        own = {name: getattr(row, name) for name in ("batch", "speedup", "top1_agreement", "largest_difference")}
        cells.append({**timing, **asdict(row.setting), **own, "problem": row.problem})
    table = pd.DataFrame(cells, columns=list(COMPARISON_COLUMNS)).astype(COMPARISON_COLUMNS)
    table["images_per_second"] = 1e3 * table["batch"] / table["milliseconds"]
    return table
