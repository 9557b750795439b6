"""A linear head on frozen features: it learns a reader's own classes, and is measured on pictures that were left out.

Beside the head itself a head is trained for each fold, on all pictures but those of the fold, and asked about these.
All heads are one tensor, so that a step of them all is two products of matrices.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..runtime.turns import forward_lock
from ..words import _

LEAST_CLASSES = 2
FOLDS = 10  # at most; smaller classes than this are left out picture by picture
STEPS = 100
LEARNING_RATE, WEIGHT_DECAY = 5e-4, 1e-2  # of AdamW
CONFIDENCE = 0.95  # of the intervals
SEED = 0  # of everything that is drawn
DRAWS = 10  # sets of pictures for each point of the learning curve

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


class HeadError(InputError):
    """A head that cannot be trained, read or used here, in one sentence."""


@dataclass(frozen=True)
class Examples:
    """Pictures as a network's features, and what they show. Raises HeadError for what cannot be learnt from."""

    # (N, views, D), what the network's classifier reads of each view of each picture. Views beside the first, which is
    # the picture as it comes, are only learnt from.
    features: Floats
    classes: Whole  # (N,), the number of each picture's class
    names: tuple[str, ...]  # of the classes

    def __post_init__(self) -> None:
        if len(self.names) < LEAST_CLASSES:
            raise HeadError(_("A head needs two classes at least."))
        if len(set(self.names)) < len(self.names):
            raise HeadError(_("Two classes have the same name."))
        if empty := [name for name, count in zip(self.names, self.counts, strict=True) if not count]:
            raise HeadError(_("The class {name} has no pictures yet.").format(name=empty[0]))

    @property
    def counts(self) -> list[int]:
        """How many pictures each class has."""
        return np.bincount(self.classes, minlength=len(self.names)).tolist()

    @property
    def as_they_come(self) -> "Examples":
        """Without the further views."""
        return replace(self, features=self.features[:, :1])

    @property
    def chance(self) -> float:
        """The share that guessing gets right, where the classes have as many pictures each."""
        return 1 / len(self.names)


@dataclass(frozen=True)
class Share:
    """How many of some pictures were answered rightly, and what that says about others like them."""

    right: int
    pictures: int

    @property
    def value(self) -> float:
        """The share; not a number where there are no pictures."""
        return self.right / self.pictures if self.pictures else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The shares, of all pictures like these, that this result speaks for: Wilson's interval (1927) at 95 %.

        It takes the pictures for drawn one by one and answered by one head. Heads of several folds, which mostly learn
        from the same pictures, say a little less.
        """
        if not self.pictures:
            return 0.0, 1.0
        z, n, p = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), self.pictures, self.value
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
        low, high = ((middle + side * half) / (1 + z * z / n) for side in (-1, 1))
        return max(0.0, low), min(1.0, high)


@dataclass(frozen=True)
class Step:
    """Where a training stands. Losses are in nats, accuracies are shares."""

    number: int  # counted from 0, before anything was learnt
    loss: float  # of the head on the pictures that it learns from
    accuracy: float
    left_out_loss: float  # of the pictures that were left out, by the heads that did not learn from them
    left_out_accuracy: float  # both are not a number where none could be left out


@dataclass(frozen=True)
class Head:
    """A linear layer from a network's features, less their mean, to classes."""

    mean: Floats  # (D,) of the features that it learnt from
    weight: Floats  # (classes, D)
    bias: Floats  # (classes,)
    names: tuple[str, ...]

    def probabilities(self, features: Floats) -> Floats:
        """(N, classes) for (N, D) features; each row sums to 1."""
        logits = torch.from_numpy(features - self.mean) @ torch.from_numpy(self.weight).T
        return F.softmax(logits + torch.from_numpy(self.bias), dim=1).numpy()

    @property
    def parameters(self) -> int:
        """How many numbers it learns."""
        return self.weight.size + self.bias.size


class HeadTraining:
    """A head in training with those of its folds, on the CPU in float32.

    Features are moved to the mean of the pictures that a head learns from, and scaled by one number, their standard
    deviation. One for each feature, as is usual, blows up what hardly varies in a few pictures, and was never better
    on photographs.
    """

    def __init__(self, examples: Examples, learnt: NDArray[np.bool_], left_out: NDArray[np.bool_]) -> None:
        """learnt, left_out: (heads, N), which pictures each head learns from, and which it is asked about."""
        views = examples.features.shape[1]
        self.examples, self._views = examples, views
        first = np.arange(left_out.shape[1] * views) % views == 0
        self.left_out = torch.from_numpy(left_out.repeat(views, 1) & first)  # (heads, N * views), as all below
        self._learnt = torch.from_numpy(learnt.repeat(views, 1)).float()
        self._y = torch.from_numpy(examples.classes.repeat(views))
        # Features of an untrained network are all but the same for all pictures. Float32 would lose what differs in
        # the products below, so the mean and scale of all pictures go first; each head then has its own beside them.
        features = torch.from_numpy(examples.features).double().flatten(0, 1)
        self._centre = features.mean(0)
        centred = features - self._centre
        self._unit = centred.square().mean().sqrt().clamp(min=1e-30)
        self._x = (centred / self._unit).float()
        heads, width = len(learnt), self._x.shape[1]
        self._mean = self._learnt @ self._x / self._learnt.sum(1, keepdim=True)
        spread = [(self._x[row > 0] - mean).square().mean() for row, mean in zip(self._learnt, self._mean, strict=True)]
        self._scale = torch.stack(spread).sqrt().clamp(min=1e-6)[:, None]  # 0 where a head learns from one picture
        self.weight = torch.zeros(heads, len(examples.names), width, requires_grad=True)
        self.bias = torch.zeros(heads, len(examples.names), requires_grad=True)
        decayed = {"params": [self.weight], "weight_decay": WEIGHT_DECAY}
        self._optimizer = torch.optim.AdamW(
            [decayed, {"params": [self.bias], "weight_decay": 0.0}], lr=LEARNING_RATE, foreach=False
        )
        self.number = 0

    @classmethod
    def of(cls, examples: Examples, pictures: int | None = None) -> Self:
        """The head of all pictures with its folds; or that of the first pictures of each class, asked about the rest.

        A fold has one picture of each class, or a tenth where a class has more than ten. Classes of one picture leave
        none out: without it nothing would be known of them.
        pictures: how many of each class to learn from; None for all.
        """
        rank = _rank(examples.classes)
        if pictures is not None:
            learnt = (rank < pictures)[None]
            return cls(examples, learnt, ~learnt)
        if min(examples.counts) < 2:
            everything = np.ones((1, len(rank)), dtype=bool)
            return cls(examples, everything, ~everything)
        fold = rank % min(max(examples.counts), FOLDS)
        left_out = np.arange(fold.max() + 1)[:, None] == fold
        whole = np.ones(len(rank), dtype=bool)
        return cls(examples, np.vstack([whole, ~left_out]), np.vstack([~whole, left_out]))

    @property
    def done(self) -> bool:
        """Whether it has made all its steps."""
        return self.number >= STEPS

    def steps(self) -> Iterator[Step]:
        """Trains, and yields where it stands before each step and after the last; another call goes on."""
        while True:
            yield self.now()
            if self.done:
                return
            with forward_lock:  # for one step only, so that others get their turn
                losses = F.cross_entropy(self._logits().transpose(1, 2), self._targets(), reduction="none")
                # Each head has its own numbers, so the sum of their mean losses trains each by its own.
                loss = (losses * self._learnt).sum(1) / self._learnt.sum(1)
                self._optimizer.zero_grad()
                loss.sum().backward()
                self._optimizer.step()
            self.number += 1

    def run(self) -> Self:
        """Trains until the last step."""
        for _step in self.steps():
            pass
        return self

    @torch.no_grad()
    def now(self) -> Step:
        """Where it stands."""
        logits = self._logits()
        losses = F.cross_entropy(logits.transpose(1, 2), self._targets(), reduction="none")
        right = (logits.argmax(2) == self._targets()).float()
        learnt, left_out = self._learnt[0] > 0, self.left_out
        return Step(
            self.number,
            losses[0][learnt].mean().item(),
            right[0][learnt].mean().item(),
            losses[left_out].mean().item(),
            right[left_out].mean().item(),
        )

    @property
    def head(self) -> Head:
        """The head as it stands, for features as the network gives them."""
        mean = self._centre + self._unit * self._mean[0]
        weight = self.weight[0].detach() / (self._unit * self._scale[0])
        return Head(mean.float().numpy(), weight.float().numpy(), self.bias[0].detach().numpy(), self.examples.names)

    @torch.no_grad()
    def answers(self) -> tuple[Whole, Whole]:
        """For each picture that was left out, its number and the class that the head without it answered."""
        heads, pictures = self.left_out.nonzero(as_tuple=True)
        order = pictures.argsort()
        answer = self._logits().argmax(2)[heads, pictures]
        return pictures[order].numpy() // self._views, answer[order].numpy()

    def share(self) -> Share:
        """How many of the pictures that were left out are answered rightly."""
        pictures, answers = self.answers()
        return Share(int((self.examples.classes[pictures] == answers).sum()), len(pictures))

    def confusion(self) -> Whole:
        """(classes, classes): pictures left out of each class (rows) by the class that was answered (columns)."""
        count = len(self.examples.names)
        pictures, answers = self.answers()
        pairs = self.examples.classes[pictures] * count + answers
        return np.bincount(pairs, minlength=count**2).reshape(count, count)

    def most_mixed_up(self) -> tuple[list[tuple[int, int]], int]:
        """Which class is taken for which other one most often, all pairs where several tie, and how many pictures.

        No pair, and 0, where none is mixed up.
        """
        wrong = self.confusion()
        np.fill_diagonal(wrong, 0)
        most = int(wrong.max())
        pairs = np.argwhere(wrong == most).tolist() if most else []
        return [(shown, answered) for shown, answered in pairs], most

    def _logits(self) -> Tensor:
        """(heads, N * views, classes)."""
        scaled = self.weight / self._scale[:, :, None]
        bias = self.bias - (scaled @ self._mean[:, :, None])[:, :, 0]
        return self._x @ scaled.transpose(1, 2) + bias[:, None]

    def _targets(self) -> Tensor:
        return self._y.expand(len(self._learnt), -1)


@dataclass(frozen=True)
class CurvePoint:
    """What heads that learnt from so many pictures of each class know."""

    pictures: int  # of each class
    learnt: float  # share right of those that they learnt from, mean over the draws
    left_out: float  # share right of the others
    low: float  # of the worst draw, of the others
    high: float  # of the best


def learning_curve(examples: Examples, shuffled: bool = False) -> list[CurvePoint]:
    """Heads that learnt from 1, 2, 3, … pictures of each class, which were drawn `DRAWS` times, asked about the rest.

    Up to one picture less than the smallest class has; empty where that has one only.
    shuffled: deals the names of the classes out at random first, so that there is nothing to know about the rest.
    """
    examples, generator = examples.as_they_come, np.random.default_rng(SEED)
    least = min(examples.counts)
    sizes = [size for size in (1, 2, 3, 4, 5, 7, 10, 15, 20) if size < least]
    points = []
    for size in sizes:
        learnt, classes = np.zeros((DRAWS, len(examples.classes)), dtype=bool), []
        for row in learnt:
            named = generator.permutation(examples.classes) if shuffled else examples.classes
            classes.append(named)
            for number in range(len(examples.names)):
                row[generator.choice(np.flatnonzero(named == number), size, replace=False)] = True
        training = _Draws(examples, learnt, ~learnt, np.stack(classes)).run()
        known, others = training.shares()
        points.append(CurvePoint(size, known.mean(), others.mean(), others.min(), others.max()))
    return points


class _Draws(HeadTraining):
    """Heads that each have pictures, and names for them, of their own."""

    def __init__(
        self, examples: Examples, learnt: NDArray[np.bool_], left_out: NDArray[np.bool_], classes: Whole
    ) -> None:
        super().__init__(examples, learnt, left_out)
        self._classes = torch.from_numpy(classes)

    def _targets(self) -> Tensor:
        return self._classes

    @torch.no_grad()
    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(heads,) shares right: of the pictures that each learnt from, and of those that were left out."""
        right = (self._logits().argmax(2) == self._targets()).double()
        return tuple(  # type: ignore[return-value]
            ((right * mask).sum(1) / mask.sum(1)).numpy() for mask in (self._learnt, self.left_out)
        )


def _rank(classes: Whole) -> Whole:
    """The number of each picture within its class, counted from 0."""
    rank = np.zeros(len(classes), dtype=np.int64)
    for number in np.unique(classes):
        rank[classes == number] = np.arange((classes == number).sum())
    return rank
