"""Training small enough to watch: twins of one network that differ in their residual scale alone.

They start from the same weights and see the same crops, so whatever tells their losses apart comes from the scale. The
recipe is the paper's (section 4): RMSProp with decay 0.9 and epsilon 1.0, and a learning rate of 0.045 unless asked
otherwise. The networks are narrower than the paper's, without dropout, and a run takes seconds instead of weeks.
"""

import math
import random
import threading
import time
from collections.abc import Generator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ..models import create_model
from ..models.weights import TIMM_V4
from .predictor import forward_lock
from .preprocess import to_input
from .residual import Row, Scales, check_scales, profile_table, random_crop, recording, set_scales

DECAY, EPSILON, LEARNING_RATE = 0.9, 1.0, 0.045
SIZE = (75, 75)  # pixels: the smallest picture these networks take
MAX_WIDTH = 0.25
MAX_PICTURES = 32
MAX_STEPS = 100
SECONDS = 120  # after which a run ends wherever it is
MAX_RUNS = 4  # at once in a server

CURVE_COLUMNS = {
    "twin": "int64",
    "number": "int64",
    "loss": "float64",
    "gradient_norm": "float64",
    "dead_share": "float64",
}

_places = threading.BoundedSemaphore(MAX_RUNS)


class TrainingError(ValueError):
    """Settings out of bounds, or a server that is busy, in one sentence."""


@dataclass(frozen=True)
class Setting:
    """What to train: the network, and for each twin the scales of its A, B and C blocks.

    width: channel multiplier, up to 0.25. repeats: how many A, B and C blocks, None for the network's own.
    pictures: in a batch, 2 to 32. steps: 1 to 100. Raises TrainingError, for scales out of range ResidualError.
    """

    name: str
    scales: tuple[Scales, ...]
    width: float = 0.125
    repeats: tuple[int, int, int] | None = None
    learning_rate: float = LEARNING_RATE
    pictures: int = 16
    steps: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        for scales in self.scales:
            check_scales(scales)
        if not 0 < self.width <= MAX_WIDTH:
            raise TrainingError(f"The width must be above 0 and at most {MAX_WIDTH}, not {self.width}.")
        if not 0 < self.learning_rate < math.inf:
            raise TrainingError(f"The learning rate must be above 0, not {self.learning_rate}.")
        if not 2 <= self.pictures <= MAX_PICTURES:
            raise TrainingError(f"A batch has from 2 to {MAX_PICTURES} pictures, not {self.pictures}.")
        if not 1 <= self.steps <= MAX_STEPS:
            raise TrainingError(f"A run has from 1 to {MAX_STEPS} steps, not {self.steps}.")


@dataclass(frozen=True)
class Step:
    """One training step of one twin.

    twin: which, from 0. number: of the step, from 1. loss: cross-entropy of the batch in nats, before the step; the
    rest belongs to the same pass. gradient_norm: Euclidean norm of all gradients together. profile: the residual sums,
    see `residual.profile_table`. dead_share: dead channels of all these sums over all their channels.
    """

    twin: int
    number: int
    loss: float
    gradient_norm: float
    dead_share: float
    profile: pd.DataFrame


@dataclass
class History:
    """What is worth keeping of a run: the curves of its twins, and their residual sums in the first and last step."""

    setting: Setting
    rows: list[Row] = field(default_factory=list)
    first: dict[int, pd.DataFrame] = field(default_factory=dict)
    last: dict[int, pd.DataFrame] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        """Takes the next step of the run."""
        self.rows.append({name: getattr(step, name) for name in CURVE_COLUMNS})
        self.first.setdefault(step.twin, step.profile)
        self.last[step.twin] = step.profile

    def curves(self) -> pd.DataFrame:
        """One row a step: twin, number, loss, gradient_norm and dead_share as in `Step`."""
        return pd.DataFrame(self.rows, columns=list(CURVE_COLUMNS)).astype(CURVE_COLUMNS)


def train(setting: Setting, examples: Sequence[Image.Image]) -> Generator[Step, None, None]:
    """Trains the twins, in turn and step by step, to tell random crops of the `examples` (RGB) apart.

    Every step draws new crops, the same for all twins. Closing the generator ends the training and frees everything;
    there is no thread. A twin whose loss is no longer finite takes no more steps. Everything ends after the setting's
    steps, or after `SECONDS`.
    Raises ResidualError for a network without residual sums, TrainingError while `MAX_RUNS` others are training.
    """
    if not _places.acquire(blocking=False):
        raise TrainingError(f"{MAX_RUNS} readers are training on this server; try again in a minute.")
    try:
        end = time.monotonic() + SECONDS
        twins = _twins(setting, len(examples))
        generator = random.Random(setting.seed)
        for number in range(1, setting.steps + 1):
            pictures, labels = _batch(examples, setting.pictures, generator)
            for twin, (model, optimizer) in list(twins.items()):
                with forward_lock:  # for one step only, so that others get their turn
                    step = _step(twin, number, model, optimizer, pictures, labels)
                if not math.isfinite(step.loss):
                    del twins[twin]
                yield step
                if time.monotonic() > end:
                    return
    finally:
        _places.release()


def _twins(setting: Setting, classes: int) -> dict[int, tuple[nn.Module, torch.optim.RMSprop]]:
    with forward_lock, torch.random.fork_rng(devices=[]):
        torch.manual_seed(setting.seed)
        first = create_model(setting.name, num_classes=classes, width=setting.width, repeats=setting.repeats).train()
    for module in first.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # it would draw other numbers for each twin
    twins = {}
    for twin, scales in enumerate(setting.scales):
        model = deepcopy(first)
        set_scales(model, scales)
        twins[twin] = model, torch.optim.RMSprop(model.parameters(), setting.learning_rate, DECAY, EPSILON)
    return twins


def _batch(examples: Sequence[Image.Image], count: int, generator: random.Random) -> tuple[Tensor, Tensor]:
    """(count, 3, H, W) crops of the examples in turn, and which example each is of."""
    labels = [i % len(examples) for i in range(count)]
    crops = [to_input(random_crop(examples[label], SIZE, generator), TIMM_V4) for label in labels]
    return torch.cat(crops), torch.tensor(labels)


def _step(
    twin: int, number: int, model: nn.Module, optimizer: torch.optim.RMSprop, pictures: Tensor, labels: Tensor
) -> Step:
    with recording(model) as rows:
        loss = F.cross_entropy(model(pictures), labels)
    optimizer.zero_grad()
    loss.backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    optimizer.step()
    profile = profile_table(rows)
    dead_share = profile["dead"].sum() / profile["channels"].sum()
    return Step(twin, number, loss.item(), norm.item(), float(dead_share), profile)
