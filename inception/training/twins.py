"""Training small enough to watch: twins that see the same pictures, step by step.

Twins of one network start from the same weights, so whatever tells their losses apart comes from what differs between
them: the residual scale, or whether there are shortcuts. The recipe is the paper's (section 4): RMSProp with decay 0.9
and epsilon 1.0, and a learning rate of 0.045 unless asked otherwise. The networks are narrower than the paper's,
without dropout, and a run takes seconds instead of weeks.
"""

import math
import random
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from ..models.surgery import Scales, check_scales, cut_shortcuts, set_scales
from ..runtime.preprocess import to_input
from ..runtime.turns import Waiting, forward_lock, long_work, wait_quietly
from ..studies.residual import Row, profile_table, random_crop, recording
from ..weights.preprocessing import TIMM_V4
from ..words import _
from ..zoo import create_model
from .recipe import Recipe, TrainingError

DECAY, EPSILON, LEARNING_RATE = 0.9, 1.0, 0.045
SIZE = (75, 75)  # pixels: the smallest picture these networks take
MAX_WIDTH = 0.25
MAX_PICTURES = 32
MAX_STEPS = 400
SECONDS = 120  # of the processor, after which a run ends, or pauses, wherever it is

CURVE_COLUMNS = {
    "twin": "int64",
    "number": "int64",
    "loss": "float64",
    "accuracy": "float64",
    "gradient_norm": "float64",
    "dead_share": "float64",
}

Batch = tuple[Tensor, Tensor]  # (N, 3, H, W) float32 pictures and (N,) int64 classes


class Examples(Protocol):
    """What twins learn from."""

    @property
    def classes(self) -> int:
        """How many there are."""

    def batches(self, count: int, seed: int) -> Iterator[Batch]:
        """Batches of `count` pictures without end, the same for the same seed."""


@dataclass(frozen=True)
class RandomCrops:
    """RGB pictures, each a class of its own: a batch has new crops of them in turn."""

    pictures: Sequence[Image.Image]

    @property
    def classes(self) -> int:
        return len(self.pictures)

    def batches(self, count: int, seed: int) -> Iterator[Batch]:
        generator = random.Random(seed)
        labels = [i % self.classes for i in range(count)]
        while True:
            crops = [to_input(random_crop(self.pictures[label], SIZE, generator), TIMM_V4) for label in labels]
            yield torch.cat(crops), torch.tensor(labels)


class FixedCrops:
    """`count` crops of RGB pictures with labels, equally many of each class, cut once and shuffled anew every pass."""

    def __init__(self, pictures: Sequence[tuple[Image.Image, str]], count: int):
        self.labels = sorted({label for _picture, label in pictures})
        self.pictures = len(pictures)
        generator = random.Random(0)
        self._truth = torch.arange(count) % self.classes
        of_class = [[picture for picture, label in pictures if label == name] for name in self.labels]
        numbers = [i // self.classes for i in range(count)]
        self.crops = [
            random_crop(of_class[label][number % len(of_class[label])], SIZE, generator)
            for label, number in zip(self._truth.tolist(), numbers, strict=True)
        ]

    @property
    def classes(self) -> int:
        return len(self.labels)

    def batches(self, count: int, seed: int) -> Iterator[Batch]:
        generator = torch.Generator().manual_seed(seed)
        while True:
            for chosen in torch.randperm(len(self.crops), generator=generator).split(count):
                if len(chosen) == count or len(self.crops) < count:
                    yield torch.cat([to_input(self.crops[i], TIMM_V4) for i in chosen.tolist()]), self._truth[chosen]


@dataclass(frozen=True)
class Twin:
    """A network to train.

    Raises TrainingError for a width out of bounds, ResidualError for scales out of range.
    """

    name: str  # of the zoo
    width: float = 0.125  # channel multiplier, up to `MAX_WIDTH`
    repeats: tuple[int, int, int] | None = None  # how many A, B and C blocks; None for the network's own
    scales: Scales | None = None  # of the A, B and C blocks; None for the network's own
    shortcuts: bool = True  # whether it keeps them, see `surgery.cut_shortcuts`

    def __post_init__(self) -> None:
        if self.scales is not None:
            check_scales(self.scales)
        if not 0 < self.width <= MAX_WIDTH:
            sentence = _("The width must be above 0 and at most {most}, not {value}.")
            raise TrainingError(sentence.format(most=MAX_WIDTH, value=self.width))


def twin_of(recipe: Recipe) -> Twin:
    """The network of a recipe."""
    scales = None if recipe.scale is None else (recipe.scale,) * 3
    return Twin(recipe.model, recipe.width, recipe.repeats, scales, recipe.shortcuts)


@dataclass(frozen=True)
class Setting:
    """What to train, and how. Raises TrainingError for numbers out of bounds."""

    twins: tuple[Twin, ...]
    learning_rate: float = LEARNING_RATE
    pictures: int = 16  # in a batch, from 2 to `MAX_PICTURES`
    steps: int = 40  # from 1 to `MAX_STEPS`
    seed: int = 0  # of the first weights and the batches
    profiled: bool = False  # whether to measure the residual sums in every step

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < math.inf:
            sentence = _("The learning rate must be above 0, not {value}.")
            raise TrainingError(sentence.format(value=self.learning_rate))
        if not 2 <= self.pictures <= MAX_PICTURES:
            sentence = _("A batch has from 2 to {most} pictures, not {value}.")
            raise TrainingError(sentence.format(most=MAX_PICTURES, value=self.pictures))
        if not 1 <= self.steps <= MAX_STEPS:
            sentence = _("A run has from 1 to {most} steps, not {value}.")
            raise TrainingError(sentence.format(most=MAX_STEPS, value=self.steps))


@dataclass(frozen=True)
class Step:
    """One training step of one twin; all numbers are those of the forward pass, before the weights change."""

    twin: int  # which one, from 0
    number: int  # of the step, from 1
    loss: float  # cross-entropy of the batch, in nats
    accuracy: float  # share of the batch
    gradient_norm: float  # Euclidean norm of all gradients together
    dead_share: float  # share of the channels of all residual sums that are dead; not a number unless measured
    profile: pd.DataFrame  # the residual sums, see `residual.profile_table`; empty unless measured


class TwinResult(NamedTuple):
    """What a twin came to by its last step that counts."""

    steps: int
    first_gradient: float  # Euclidean norm of the gradient in the first step
    mean_loss: float  # of all steps
    dead_share: float  # of channels that are 0 everywhere, in the last step


@dataclass
class History:
    """What a page keeps of a run: the curves of its twins, and their residual sums in the first and the last step."""

    setting: Setting
    rows: list[Row] = field(default_factory=list)  # of the curves
    first: dict[int, pd.DataFrame] = field(default_factory=dict)  # each twin's residual sums in its first step
    # Each twin's residual sums in the last step that all twins took; empty before there is one.
    last: dict[int, pd.DataFrame] = field(default_factory=dict)
    _now: dict[int, pd.DataFrame] = field(default_factory=dict)  # of the step that the twins are taking

    def add(self, step: Step) -> None:
        """Takes the next step of the run."""
        if step.number > self.steps:
            self._now = {}
        self.rows.append({name: getattr(step, name) for name in CURVE_COLUMNS})
        self.first.setdefault(step.twin, step.profile)
        self._now[step.twin] = step.profile
        # A run may be stopped between its twins, and one that overflowed takes no more steps.
        if len(self._now) == len(self.setting.twins):
            self.last = self._now

    @property
    def steps(self) -> int:
        """How many steps the twins have taken."""
        return self.rows[-1]["number"] if self.rows else 0

    def curves(self) -> pd.DataFrame:
        """One row a step: twin, number, loss, accuracy, gradient_norm and dead_share as in `Step`."""
        return pd.DataFrame(self.rows, columns=list(CURVE_COLUMNS)).astype(CURVE_COLUMNS)

    def shared_curves(self) -> pd.DataFrame:
        """The curves up to the last step that all twins took."""
        curves = self.curves()
        taken = curves.groupby("number")["twin"].transform("count")
        return curves[taken == len(self.setting.twins)]

    def results(self) -> list[TwinResult]:
        """What each twin came to by the last step that all twins took; there must be one."""
        found = []
        for _twin, curve in self.shared_curves().groupby("twin"):
            first, last = curve.iloc[0], curve.iloc[-1]
            mean_loss = float(curve["loss"].mean())
            found.append(
                TwinResult(int(last["number"]), float(first["gradient_norm"]), mean_loss, float(last["dead_share"]))
            )
        return found

    def smooth(self, steps: int) -> pd.DataFrame:
        """The curves with loss and accuracy of each step averaged over the last `steps`, or those there were."""
        curves = self.curves()
        for column in ("loss", "accuracy"):
            curves[column] = curves.groupby("twin")[column].transform(lambda c: c.rolling(steps, min_periods=1).mean())
        return curves


class Training:
    """A run that can pause: each call of `steps` goes on where the one before ended. It keeps the twins in memory."""

    def __init__(self, setting: Setting, examples: Examples):
        self.setting = setting
        self._batches = examples.batches(setting.pictures, setting.seed)
        self._twins = _twins(setting, examples.classes)
        self._number = 0

    @property
    def done(self) -> bool:
        """Whether no twin has any step to take."""
        return self._number >= self.setting.steps or not self._twins

    def steps(self, waiting: Waiting = wait_quietly) -> Generator[list[Step], None, None]:
        """Trains the twins step by step on the same pictures, and yields each step of all of them.

        It waits for a place in `long_work` first; closing the generator pauses the training and leaves the place. There
        is no thread. A twin whose loss is no longer finite takes no more steps. It ends after the setting's steps, or
        after `SECONDS`.
        waiting: called with how many wait before. Raises BusyError where too many wait.
        """
        with long_work.place(waiting):
            seconds = 0.0
            while not self.done:
                self._number += 1
                pictures, labels = next(self._batches)
                steps = []
                for twin, (model, optimizer) in list(self._twins.items()):
                    with forward_lock:  # for one step only, so that others get their turn
                        begun = time.thread_time()
                        step = _step(twin, self._number, model, optimizer, pictures, labels, self.setting.profiled)
                        seconds += time.thread_time() - begun
                    if not math.isfinite(step.loss):
                        del self._twins[twin]
                    steps.append(step)
                yield steps
                if seconds > SECONDS:
                    return


def train(setting: Setting, examples: Examples, waiting: Waiting = wait_quietly) -> Generator[Step, None, None]:
    """The steps of a run that does not pause: closing the generator ends the training and frees everything.

    waiting: called with how many wait before. Raises ResidualError for scales, cut shortcuts or profiles of a network
    without residual sums, BusyError where too many wait.
    """
    for steps in Training(setting, examples).steps(waiting):
        yield from steps


def _twins(setting: Setting, classes: int) -> dict[int, tuple[nn.Module, torch.optim.RMSprop]]:
    twins: dict[int, tuple[nn.Module, torch.optim.RMSprop]] = {}
    for number, twin in enumerate(setting.twins):
        with forward_lock, torch.random.fork_rng(devices=[]):
            torch.manual_seed(setting.seed)  # so that networks of one kind start from the same weights
            model = create_model(twin.name, num_classes=classes, width=twin.width, repeats=twin.repeats).train()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0  # it would draw other numbers for each twin
        if twin.scales is not None:
            set_scales(model, twin.scales)
        if not twin.shortcuts:
            cut_shortcuts(model)
        twins[number] = model, torch.optim.RMSprop(model.parameters(), setting.learning_rate, DECAY, EPSILON)
    return twins


def _step(
    twin: int,
    number: int,
    model: nn.Module,
    optimizer: torch.optim.RMSprop,
    pictures: Tensor,
    labels: Tensor,
    profiled: bool,
) -> Step:
    measuring: AbstractContextManager[list[Row]] = recording(model) if profiled else nullcontext([])
    with measuring as rows:
        logits = model(pictures)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    optimizer.step()
    optimizer.zero_grad()  # gradients would wait in memory for a run that pauses
    profile = profile_table(rows)
    dead_share = profile["dead"].sum() / profile["channels"].sum() if rows else math.nan
    accuracy = (logits.argmax(1) == labels).double().mean().item()
    return Step(twin, number, loss.item(), accuracy, norm.item(), float(dead_share), profile)
