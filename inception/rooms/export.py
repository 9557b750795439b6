"""The answers of a room as CSV."""

import csv
import io
from collections.abc import Sequence

from .questions import Answer, Kind, Question, Tally

COLUMNS = ("question", "kind", "text", "answer", "x", "y", "truth", "truth_x", "truth_y")
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # begins one, also in the wide letters of Chinese


def answers_csv(tallies: Sequence[Tally]) -> bytes:
    """One row an answer, in the order of the questions and then by value: nobody's answers stand together.

    x and y are a place, as shares of the picture's width and height. The first bytes tell Excel that it is UTF-8.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for number, tally in enumerate(tallies, 1):
        question = tally.question
        for answer in tally.answers:
            begin = (number, question.kind.value, _safe(question.text))
            table.writerow([*begin, *_cells(question, answer), *_cells(question, question.truth)])
    return text.getvalue().encode("utf-8-sig")


def _cells(question: Question, answer: Answer | None) -> tuple[object, object, object]:
    """An answer, and across and down of a place."""
    if answer is None:
        return "", "", ""
    if isinstance(answer, tuple):
        return question.picture, *answer
    return (_safe(question.options[int(answer)]) if question.kind is Kind.CHOICE else f"{answer:.15g}"), "", ""


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    formula = text.lstrip().startswith(FORMULA) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if formula else text
