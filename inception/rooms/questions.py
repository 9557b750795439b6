"""A question to a class, what counts as an answer to it, and what the answers come to."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import isfinite
from statistics import median
from typing import Any

from ..words import _
from .errors import AnswerError

LONGEST_TEXT, LONGEST_OPTION, MOST_OPTIONS = 500, 100, 8
LARGEST = 1e15  # of a number that is an answer

Place = tuple[float, float]  # from the left and from the top, as shares of the picture's width and height
Answer = float | int | Place  # a number; which option, from 0; a place


class Kind(StrEnum):
    """What an answer is."""

    NUMBER = "number"
    CHOICE = "choice"
    PLACE = "place"


@dataclass(frozen=True)
class Question:
    """A question; raises AnswerError for one that nobody could answer."""

    kind: Kind
    text: str
    options: tuple[str, ...] = ()  # to choose from
    picture: str = ""  # the sample on which a place is pointed at
    truth: Answer | None = None  # what is right, where that is known
    ready: str = ""  # the name of one that comes with the project, which each student reads in their own language

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise AnswerError(_("Write the question first."))
        if len(self.text) > LONGEST_TEXT:
            sentence = _("A question has at most {most} letters.")
            raise AnswerError(sentence.format(most=LONGEST_TEXT))
        if self.kind is Kind.CHOICE:
            self._check_options()
        if self.kind is Kind.PLACE and not self.picture:
            raise AnswerError(_("Choose the picture on which the class shall point at a place."))
        if self.truth is not None:
            self.answer(self.truth)

    def _check_options(self) -> None:
        if not 2 <= len(self.options) <= MOST_OPTIONS or len(set(self.options)) < len(self.options):
            sentence = _("A choice has from 2 to {most} different answers, one a line.")
            raise AnswerError(sentence.format(most=MOST_OPTIONS))
        if any(not option.strip() or len(option) > LONGEST_OPTION for option in self.options):
            sentence = _("Each answer to choose from has from 1 to {most} letters.")
            raise AnswerError(sentence.format(most=LONGEST_OPTION))

    def answer(self, value: Any) -> Answer:
        """A value as an answer to this question; raises AnswerError for what is none."""
        try:
            if self.kind is Kind.PLACE:
                across, down = (round(float(share), 4) for share in value)
                if 0 <= across <= 1 and 0 <= down <= 1:
                    return across, down
            elif self.kind is Kind.CHOICE:
                if int(value) == value and 0 <= value < len(self.options):
                    return int(value)
            elif isfinite(number := float(value)) and abs(number) <= LARGEST:
                return number
        except (TypeError, ValueError, OverflowError):
            pass
        raise AnswerError(_("This is no answer to the question."))

    def to_json(self) -> str:
        """The question as a text for `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Question":
        """The question of a text that `to_json` made."""
        fields = json.loads(text)
        truth = fields["truth"]
        kept = {**fields, "kind": Kind(fields["kind"]), "options": tuple(fields["options"])}
        return cls(**{**kept, "truth": tuple(truth) if isinstance(truth, list) else truth})


@dataclass(frozen=True)
class Tally:
    """What the answers to a question come to, without saying whose they are."""

    question: Question
    answers: tuple[Answer, ...]  # from small to large, so that their order says nothing of when they came

    @classmethod
    def of(cls, question: Question, answers: Sequence[Any]) -> "Tally":
        """Of answers as they came."""
        return cls(question, tuple(sorted(question.answer(value) for value in answers)))

    @property
    def counts(self) -> list[int]:
        """How many chose each option."""
        chosen = Counter(self.answers)
        return [chosen[index] for index in range(len(self.question.options))]

    @property
    def median(self) -> float | None:
        """The number in the middle; None without answers."""
        return median(float(value) for value in self.answers if not isinstance(value, tuple)) if self.answers else None
