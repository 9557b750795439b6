"""A question as plain data: what is asked, what is true, and for each other answer why it is not.

There are three kinds. Each tells its `kind`, its `prompt` and the truth in a sentence (`says`), and judges an answer.
Answers are short texts in all of them, the same in every language: "macs" for an option, "3.5" for a number, "41-52"
for a place, in percent of the picture's width from the left and of its height from the top. So a page, an address, a
file and a class can all carry them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, Literal, NamedTuple

from PIL import Image

from inception.errors import InputError
from inception.vision.inside import Array
from inception.words import _

Kind = Literal["choice", "number", "place"]
LONGEST = 24  # characters of an answer


class AnswerError(InputError):
    """A text that is no answer to a question, in one sentence."""


class Judged(NamedTuple):
    """An answer beside the truth."""

    right: bool
    why: str  # a sentence on this very answer


@dataclass(frozen=True)
class Option:
    """One of several answers to choose from."""

    id: str
    text: str
    why: str  # it is right, or not


@dataclass(frozen=True)
class Choice:
    """One option is right."""

    prompt: str
    options: tuple[Option, ...]
    truth: str  # the id of the right option
    says: str
    kind: ClassVar[Kind] = "choice"

    def judge(self, answer: str) -> Judged:
        """Raises AnswerError for what is no option."""
        return Judged(answer == self.truth, self.option(answer).why)

    def option(self, id: str) -> Option:
        """The option of an id. Raises AnswerError where there is none."""
        for option in self.options:
            if option.id == id:
                return option
        raise _no_answer(id)

    def written(self, answer: str) -> str:
        """An answer as readers see it."""
        return self.option(answer).text


@dataclass(frozen=True)
class Mistake:
    """A wrong number that people come to, and the thought behind it."""

    value: float
    why: str


@dataclass(frozen=True)
class Number:
    """A number is guessed; what is at most `near` of the truth away from it is right."""

    prompt: str
    truth: float
    says: str
    near: float = 0.0  # a share of the truth
    mistakes: tuple[Mistake, ...] = ()
    kind: ClassVar[Kind] = "number"

    def judge(self, answer: str) -> Judged:
        """Raises AnswerError for what is no number."""
        value = _number(answer)
        if abs(value - self.truth) <= self.near * abs(self.truth) + 1e-9:
            return Judged(True, _("Yes. {truth}").format(truth=self.says))
        nearest = min(self.mistakes, key=lambda mistake: abs(value - mistake.value), default=None)
        if nearest and abs(value - nearest.value) <= 0.01 * abs(nearest.value):
            return Judged(False, nearest.why)
        if value <= 0:
            return Judged(False, _("No: it is more than nothing."))
        if value > self.truth:
            sentence = _("No: {value:g} is {times:.3g} times too many.")
            return Judged(False, sentence.format(value=value, times=value / self.truth))
        sentence = _("No: {value:g} is {times:.3g} times too few.")
        return Judged(False, sentence.format(value=value, times=self.truth / value))

    def written(self, answer: str) -> str:
        """An answer as readers see it."""
        return f"{_number(answer):,g}"


@dataclass(frozen=True)
class Place:
    """A place on a picture is pointed at; `inside` has the right ones."""

    prompt: str
    picture: Image.Image
    inside: Array  # (H, W) of bool, over the picture
    says: str
    why: Callable[[float, float], str]  # on a place, in shares of width and height
    kind: ClassVar[Kind] = "place"

    def judge(self, answer: str) -> Judged:
        """Raises AnswerError for what is no place on the picture."""
        x, y = place_of(answer)
        height, width = self.inside.shape
        row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
        return Judged(bool(self.inside[row, column]), self.why(x, y))

    def written(self, answer: str) -> str:
        """An answer as readers see it."""
        x, y = place_of(answer)
        return _("{x:.0%} from the left, {y:.0%} from the top").format(x=x, y=y)


Asked = Choice | Number | Place


@dataclass(frozen=True)
class Question:
    """A question of the tour, under a short and stable name; `ask` computes it in the language of this thread."""

    id: str
    kind: Kind
    ask: Callable[[], Asked]


def place_of(answer: str) -> tuple[float, float]:
    """(x, y) in shares of width and height of an answer such as "41-52". Raises AnswerError for what is none."""
    x, found, y = answer.partition("-")
    if not (found and x.isascii() and y.isascii() and x.isdigit() and y.isdigit() and int(x) <= 100 >= int(y)):
        raise _no_answer(answer)
    return int(x) / 100, int(y) / 100


def place_text(x: float, y: float) -> str:
    """The answer of a place in shares of width and height."""
    return f"{round(100 * x)}-{round(100 * y)}"


def options_in_order(options: Sequence[tuple[float, Option]], truth: Option, true_value: float) -> tuple[Option, ...]:
    """The options from the smallest value to the largest, without those that are too near to the truth to tell."""
    apart = [(value, option) for value, option in options if abs(value - true_value) > 0.1 * abs(true_value)]
    return tuple(option for _value, option in sorted([*apart, (true_value, truth)], key=lambda pair: pair[0]))


def _number(answer: str) -> float:
    try:
        value = float(answer)
    except ValueError:
        raise _no_answer(answer) from None
    if not isfinite(value):
        raise _no_answer(answer)
    return value


def _no_answer(answer: str) -> AnswerError:
    return AnswerError(_("{answer} is no answer to this question.").format(answer=repr(answer[:LONGEST])))
