"""Rooms keep what a class says, on SQLite and on PostgreSQL: once each, only from inside, and only for a while."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import create_engine, func, inspect, select

from inception.rooms import limits, store
from inception.rooms.errors import AnswerError, LimitError, NoRoomError, NotYoursError, RoomError
from inception.rooms.questions import Kind, Question
from inception.rooms.store import CODE, LETTERS, Rooms, plain_code, spoken_code
from inception.rooms.tables import metadata, rooms

from ..reference import assert_one_sentence

COUNT = Question(Kind.NUMBER, "How many layers?", truth=490)
COLOUR = Question(Kind.CHOICE, "Which colour?", ("red", "green"), truth=1)
PLACE = Question(Kind.PLACE, "Where is its eye?", picture="cat")


@pytest.fixture
def here(url: str) -> Rooms:
    return Rooms(url)


def test_a_lesson(here: Rooms, url: str) -> None:
    code, key = here.open("teacher")
    assert len(code) == CODE
    assert set(code) <= set(LETTERS)
    for student in ("one", "two", "three"):
        here.enter(code, student)
    first = here.shown(code)
    assert (first.following, first.page, here.students(code), here.asked(code)) == (True, "", 3, None)

    here.show(code, key, "atlas", {"model": "inception_v4", "layer": "features.3"})
    here.ask(code, key, COUNT)
    here.step(code, "two", True)
    late = here.shown(code)
    assert (late.page, late.query["layer"]) == ("atlas", "features.3")
    assert late.version > first.version
    assert [here.is_out(code, student) for student in ("one", "two")] == [False, True]

    asked = here.asked(code, "one")
    assert asked
    here.answer(code, "one", asked.number, 400)
    here.answer(code, "two", asked.number, 500)
    here.answer(code, "one", asked.number, "490")  # changes it

    again = Rooms(url)  # as after a restart
    asked = again.asked(code, "one")
    assert asked
    assert (asked.question, asked.count, asked.own, asked.revealed) == (COUNT, 2, 490, False)
    assert again.revealed(code) is None
    assert again.tallies(code, key)[0].answers == (490, 500)
    again.reveal(code, key)
    tally = again.revealed(code)
    assert tally
    assert (tally.answers, tally.median) == ((490, 500), 495)
    with pytest.raises(RoomError, match="no more answers"):
        again.answer(code, "three", asked.number, 1)

    again.ask(code, key, COLOUR)
    now = again.asked(code, "one")
    assert now
    assert (now.question, now.own, now.count) == (COLOUR, None, 0)
    with pytest.raises(RoomError, match="no more answers"):
        again.answer(code, "one", asked.number, 1)  # to the question before
    again.lead(code, key, False)
    assert not again.shown(code).following
    again.close(code, key)
    assert again.closed(code)
    with pytest.raises(RoomError, match="no more answers"):
        again.answer(code, "one", now.number, 1)
    assert [len(tally.answers) for tally in again.tallies(code, key)] == [2, 0]
    again.delete(code, key)
    with pytest.raises(NoRoomError):
        again.shown(code)


def test_no_answer_is_lost_when_sixty_come_at_once(here: Rooms) -> None:
    code, key = here.open("teacher")
    here.ask(code, key, PLACE)
    asked = here.asked(code)
    assert asked
    places = [(number / 60, 1 - number / 60) for number in range(60)]
    start = threading.Barrier(60)

    def student(number: int) -> None:
        start.wait()
        here.enter(code, f"student {number}")
        here.answer(code, f"student {number}", asked.number, (0, 0))
        here.answer(code, f"student {number}", asked.number, places[number])

    with ThreadPoolExecutor(60) as class_:
        list(class_.map(student, range(60)))
    assert here.students(code) == 60
    assert here.tallies(code, key)[0].answers == tuple((round(x, 4), round(y, 4)) for x, y in places)


def test_only_the_opener_steers(here: Rooms) -> None:
    code, key = here.open("teacher")
    _, other = here.open("another teacher")
    here.enter(code, "student")
    for wrong in ("", other, key[:-1], code):
        assert not here.steers(code, wrong, f"thief of {wrong}")
        for steer in (
            lambda: here.show(code, wrong, "zoo", {}),  # noqa: B023
            lambda: here.lead(code, wrong, False),  # noqa: B023
            lambda: here.ask(code, wrong, COUNT),  # noqa: B023
            lambda: here.reveal(code, wrong),  # noqa: B023
            lambda: here.tallies(code, wrong),  # noqa: B023
            lambda: here.close(code, wrong),  # noqa: B023
            lambda: here.delete(code, wrong),  # noqa: B023
        ):
            with pytest.raises(NotYoursError) as caught:
                steer()
            assert_one_sentence(caught.value)
    assert here.steers(code, key, "teacher")
    assert (here.shown(code).page, here.asked(code), here.closed(code)) == ("", None, False)


def test_guessing_shuts_the_door_but_not_for_those_inside(here: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    code, key = here.open("teacher")
    here.enter(code, "student")
    guesses = Random(0)

    def guess(who: str) -> None:
        here.enter("".join(guesses.choices(LETTERS, k=CODE)), who)

    for _ in range(limits.GUESSES.each):
        with pytest.raises(NoRoomError) as caught:
            guess("guesser")
        assert_one_sentence(caught.value)
    for door in (lambda: here.enter(code, "guesser"), lambda: here.steers(code, code, "guesser")):
        with pytest.raises(LimitError, match="too often"):
            door()
    here.enter(code, "another student")
    assert here.steers(code, key, "guesser"), "no lesson ends because somebody guesses"

    # Another browser for every guess.
    monkeypatch.setattr(limits, "GUESSES", limits.Limit("guess", 600, 10, 15))
    for number in range(5):
        with pytest.raises(NoRoomError):
            guess(f"browser {number}")
    with pytest.raises(LimitError, match="Too many people"):
        here.enter(code, "third student")
    here.enter(code, "student")  # comes back
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    here.enter(code, "third student")


def test_a_room_ends_by_itself_and_leaves_nothing(here: Rooms, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, key = here.open("teacher")
    here.enter(code, "student")
    here.ask(code, key, COLOUR)
    asked = here.asked(code)
    assert asked
    here.answer(code, "student", asked.number, 0)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + store.HOURS * 3600 + 1)
    for visit in (lambda: here.shown(code), lambda: here.enter(code, "student"), lambda: here.tallies(code, key)):
        with pytest.raises(NoRoomError, match="has ended"):
            visit()
    Rooms(url).open("another teacher")  # a server that starts later, or looks ten minutes later
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
    engine.dispose()
    assert counts == {
        "rooms": 1,
        "members": 0,
        "questions": 0,
        "answers": 0,
        "events": 2,
    }  # the opening, and a code that is none now


def test_what_visitors_send_is_bounded(here: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    code, key = here.open("teacher")
    with pytest.raises(LimitError, match="too long"):
        here.show(code, key, "atlas", {"layer": "x" * store.LONGEST_QUERY})
    here.ask(code, key, COUNT)
    asked = here.asked(code)
    assert asked
    with pytest.raises(NoRoomError):
        here.answer(code, "stranger", asked.number, 1)
    here.enter(code, "student")
    for bad in ("many", float("nan"), 1e300, (1, 2), None):
        with pytest.raises(AnswerError):
            here.answer(code, "student", asked.number, bad)
    for number in range(limits.ANSWERS.each):
        here.answer(code, "student", asked.number, number)
    with pytest.raises(LimitError, match="too often"):
        here.answer(code, "student", asked.number, 1)
    monkeypatch.setattr(store, "MOST_QUESTIONS", 1)
    with pytest.raises(LimitError, match="at most 1"):
        here.ask(code, key, COUNT)
    monkeypatch.setattr(store, "MOST_STUDENTS", 1)
    with pytest.raises(LimitError, match="full"):
        here.enter(code, "another student")
    for _ in range(limits.OPENINGS.each):
        here.open("busy teacher")
    with pytest.raises(LimitError):
        here.open("busy teacher")


def test_the_database_holds_no_secret_and_nobody(here: Rooms, url: str) -> None:
    code, key = here.open("teacher")
    another, _ = here.open("teacher")
    here.enter(code, "student")
    here.enter(another, "student")
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        held = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
        members = connection.execute(select(metadata.tables["members"].c.student)).scalars().all()
    indexes = {tuple(index["column_names"]) for index in inspect(engine).get_unique_constraints("rooms")} | {
        tuple(index["column_names"]) for index in inspect(engine).get_indexes("rooms")
    }
    engine.dispose()
    assert not any(secret in str(held) for secret in (key, "student", "teacher"))
    assert len(set(members)) == 2, "nobody can tell that somebody was in two rooms"
    assert ("code",) in indexes


def test_codes_are_read_as_people_type_them() -> None:
    assert spoken_code("ABCD2345") == "ABCD-2345"
    assert plain_code(" abcd-2345 ") == plain_code("ABCD 2345") == "ABCD2345"
    assert len(plain_code("A" * 1000)) == CODE + 1, "too long is not cut to one that fits"
    assert len(LETTERS) == 31 == len(set(LETTERS))


def test_a_database_that_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for url in (f"sqlite:///{tmp_path}/file/rooms.sqlite3", "postgresql://nobody:s3cret@127.0.0.1:1/rooms"):
        with pytest.raises(RoomError, match="INCEPTION_DATABASE_URL") as caught:
            Rooms(url)
        assert_one_sentence(caught.value)
        assert "s3cret" not in str(caught.value)


def test_readers_of_a_file_do_not_wait_for_writers(tmp_path: Path) -> None:
    here = Rooms(f"sqlite:///{tmp_path}/rooms.sqlite3")
    code, _ = here.open("teacher")
    with here._writes() as connection:
        connection.execute(rooms.update().values(page="zoo"))
        assert here.shown(code).page == ""
    assert here.shown(code).page == "zoo"
