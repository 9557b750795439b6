"""Rooms in a database: opened, entered, steered, asked in and closed."""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from ..settings import settings
from ..words import _
from . import limits
from .database import connect
from .errors import LimitError, NoRoomError, NotYoursError, RoomError
from .questions import Question, Tally
from .tables import answers, members, questions, rooms

HOURS = 12  # that a room lasts
MOST_ROOMS, MOST_STUDENTS, MOST_QUESTIONS = 2_000, 1_000, 100
LONGEST_QUERY = 4_000  # letters of what a page shows
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is mistaken for another
CODE = 8  # of them
TIDY = 600  # seconds between two looks for rooms that have ended


@dataclass(frozen=True)
class Shown:
    """What a teacher shows."""

    version: int  # another one after each change that students have to see
    following: bool  # whether the students' screens follow
    page: str  # its name; "" before the first
    query: dict[str, str]  # the choices on it, as its address has them


@dataclass(frozen=True)
class Asked:
    """The latest question of a room, as one student or the teacher may see it."""

    number: int  # in the database
    question: Question
    revealed: bool
    count: int  # of answers
    own: Any  # this student's answer; None without one


class Rooms:
    """The rooms of a database. Every method raises RoomError where it cannot do what it says."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self._tidied = 0.0
        self._lock = threading.Lock()

    def open(self, visitor: str) -> tuple[str, str]:
        """A new room: its code, and the secret key with which only its opener steers it."""
        code, key = "".join(secrets.choice(LETTERS) for _letter in range(CODE)), secrets.token_urlsafe(18)
        with self._writes() as connection:
            limits.check(connection, limits.OPENINGS, _hash(visitor))
            limits.note(connection, limits.OPENINGS, _hash(visitor))
            if connection.execute(select(func.count()).select_from(rooms)).scalar_one() >= MOST_ROOMS:
                raise LimitError(_("There are as many rooms as this server has place for. Try again later."))
            ends = time.time() + HOURS * 3600
            connection.execute(insert(rooms).values(code=code, key=_hash(key), expires=ends))
        return code, key

    def enter(self, code: str, student: str) -> None:
        """Lets a student in, for whom it is known afterwards; wrong codes are counted, and too many shut the door.

        Whoever is in comes back without that, also while the door is shut for those who guess.
        """
        who = _hash(student)
        with self._writes() as connection:
            room = self._find(connection, code)
            if room and connection.execute(select(members.c.out).where(_is_member(room.id, student))).first():
                return
            limits.check(connection, limits.GUESSES, who)
            limits.check(connection, limits.ENTRIES, who)
            if room:
                limits.note(connection, limits.ENTRIES, who)
                inside = select(func.count()).select_from(members).where(members.c.room == room.id)
                if connection.execute(inside).scalar_one() >= MOST_STUDENTS:
                    raise LimitError(_("This room is full."))
                connection.execute(insert(members).values(room=room.id, student=_student(room.id, student), out=False))
                return
            limits.note(connection, limits.GUESSES, who)
        raise _no_room()

    def steers(self, code: str, key: str, visitor: str) -> bool:
        """Whether a key is that of the room's opener; wrong ones count as guesses."""
        with self._writes() as connection:
            room = self._find(connection, code)
            if room and compare_digest(room.key, _hash(key)):
                return True
            limits.check(connection, limits.GUESSES, _hash(visitor))
            limits.note(connection, limits.GUESSES, _hash(visitor))
        return False

    def shown(self, code: str) -> Shown:
        """What the teacher shows: one look by the code's index, so that a class may ask every other second."""
        self._tidy()
        with self._reads() as connection:
            room = self._room(connection, code)
        return Shown(room.version, room.following and not room.closed, room.page, json.loads(room.query))

    def show(self, code: str, key: str, page: str, query: Mapping[str, str]) -> None:
        """Shows a page with its choices to the class."""
        text = json.dumps(dict(query), sort_keys=True)
        if len(text) > LONGEST_QUERY or len(page) > 40:
            raise LimitError(_("What is chosen on this page is too long to be shown to a class."))
        with self._steering(code, key) as (connection, room):
            self._change(connection, room, page=page, query=text)

    def lead(self, code: str, key: str, on: bool) -> None:
        """Whether the students' screens follow."""
        with self._steering(code, key) as (connection, room):
            self._change(connection, room, following=on)

    def is_out(self, code: str, student: str) -> bool:
        """Whether a student has stepped out of following."""
        with self._reads() as connection:
            room = self._room(connection, code)
            return bool(connection.execute(select(members.c.out).where(_is_member(room.id, student))).scalar())

    def step(self, code: str, student: str, out: bool) -> None:
        """A student steps out of following the teacher, or back in."""
        with self._writes() as connection:
            room = self._room(connection, code)
            connection.execute(update(members).where(_is_member(room.id, student)).values(out=out))

    def students(self, code: str) -> int:
        """How many students have come in."""
        with self._reads() as connection:
            inside = select(func.count()).select_from(members).join(rooms).where(rooms.c.code == code)
            return connection.execute(inside).scalar_one()

    def ask(self, code: str, key: str, question: Question) -> None:
        """Asks the class; answers to an earlier question are no longer taken."""
        with self._steering(code, key) as (connection, room):
            asked = select(func.count()).select_from(questions).where(questions.c.room == room.id)
            if connection.execute(asked).scalar_one() >= MOST_QUESTIONS:
                raise LimitError(_("A room has at most {most} questions.").format(most=MOST_QUESTIONS))
            connection.execute(insert(questions).values(room=room.id, said=question.to_json(), revealed=False))
            self._change(connection, room)

    def reveal(self, code: str, key: str) -> None:
        """Shows the class how it answered the latest question; answers are no longer taken."""
        with self._steering(code, key) as (connection, room):
            latest = self._latest(connection, room.id)
            if latest:
                connection.execute(update(questions).where(questions.c.id == latest.id).values(revealed=True))
                self._change(connection, room)

    def answer(self, code: str, student: str, number: int, value: Any) -> None:
        """A student's answer to the question of that number; it takes the place of an earlier one.

        Raises AnswerError too.
        """
        who = _hash(student)
        with self._writes() as connection:
            room = self._room(connection, code)
            limits.check(connection, limits.ANSWERS, who)
            limits.note(connection, limits.ANSWERS, who)
            if not connection.execute(select(members.c.out).where(_is_member(room.id, student))).first():
                raise _no_room()
            # Nobody reveals it before this answer is in.
            latest = self._latest(connection, room.id, share=True)
            if room.closed or not latest or latest.id != number or latest.revealed:
                raise RoomError(_("This question takes no more answers."))
            said = json.dumps(Question.from_json(latest.said).answer(value))
            put = (sqlite if self._engine.dialect.name == "sqlite" else postgresql).insert(answers)
            put = put.values(question=number, student=_student(room.id, student), value=said)
            key = [answers.c.question, answers.c.student]
            connection.execute(put.on_conflict_do_update(index_elements=key, set_={"value": said}))

    def asked(self, code: str, student: str = "") -> Asked | None:
        """The latest question, with this student's answer; None before the first."""
        with self._reads() as connection:
            room = self._room(connection, code)
            latest = self._latest(connection, room.id)
            if not latest:
                return None
            of_question = answers.c.question == latest.id
            count = connection.execute(select(func.count()).select_from(answers).where(of_question)).scalar_one()
            mine = of_question & (answers.c.student == _student(room.id, student))
            own = connection.execute(select(answers.c.value).where(mine)).scalar()
        question = Question.from_json(latest.said)
        return Asked(
            latest.id, question, latest.revealed, count, None if own is None else question.answer(json.loads(own))
        )

    def revealed(self, code: str) -> Tally | None:
        """How the class answered the latest question, for everyone in the room; None until it is revealed."""
        with self._reads() as connection:
            latest = self._latest(connection, self._room(connection, code).id)
            return self._tally(connection, latest) if latest and latest.revealed else None

    def tallies(self, code: str, key: str) -> list[Tally]:
        """How the class answered each question so far, for the teacher alone."""
        with self._reads() as connection:
            room = self._owned(connection, code, key)
            asked = select(questions).where(questions.c.room == room.id).order_by(questions.c.id)
            return [self._tally(connection, row) for row in connection.execute(asked)]

    def close(self, code: str, key: str) -> None:
        """Ends the lesson: nobody follows or answers any more; the answers stay until the room expires."""
        with self._steering(code, key) as (connection, room):
            self._change(connection, room, closed=True)

    def closed(self, code: str) -> bool:
        """Whether the lesson has ended."""
        with self._reads() as connection:
            return bool(self._room(connection, code).closed)

    def delete(self, code: str, key: str) -> None:
        """Deletes the room with all that was said in it."""
        with self._steering(code, key) as (connection, room):
            connection.execute(delete(rooms).where(rooms.c.id == room.id))

    def _tally(self, connection: Connection, row: Row[Any]) -> Tally:
        given = connection.execute(select(answers.c.value).where(answers.c.question == row.id)).scalars()
        return Tally.of(Question.from_json(row.said), [json.loads(value) for value in given])

    def _change(self, connection: Connection, room: Row[Any], **values: Any) -> None:
        """Changes a room so that its students notice."""
        connection.execute(update(rooms).where(rooms.c.id == room.id).values(version=rooms.c.version + 1, **values))

    def _latest(self, connection: Connection, room: int, share: bool = False) -> Row[Any] | None:
        latest = select(questions).where(questions.c.room == room).order_by(questions.c.id.desc()).limit(1)
        return connection.execute(latest.with_for_update(read=True) if share else latest).first()

    def _find(self, connection: Connection, code: str) -> Row[Any] | None:
        alive = (rooms.c.code == code) & (rooms.c.expires > time.time())
        return connection.execute(select(rooms).where(alive)).first()

    def _room(self, connection: Connection, code: str) -> Row[Any]:
        found = self._find(connection, code)
        if found is None:
            raise _no_room()
        return found

    def _owned(self, connection: Connection, code: str, key: str) -> Row[Any]:
        room = self._room(connection, code)
        if not compare_digest(room.key, _hash(key)):
            raise NotYoursError(_("Only who has opened a room steers it."))
        return room

    @contextmanager
    def _steering(self, code: str, key: str) -> Iterator[tuple[Connection, Row[Any]]]:
        """A transaction of the room's opener."""
        with self._writes() as connection:
            room = self._owned(connection, code, key)
            limits.check(connection, limits.STEPS, room.key)
            limits.note(connection, limits.STEPS, room.key)
            yield connection, room

    @contextmanager
    def _reads(self) -> Iterator[Connection]:
        with _said(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writes(self) -> Iterator[Connection]:
        self._tidy()
        with _said(), self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def _tidy(self) -> None:
        """Deletes rooms that have expired, and what hangs on them, now and then."""
        with self._lock:
            if time.monotonic() - self._tidied < TIDY and self._tidied:
                return
            self._tidied = time.monotonic()
        with _said(), self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(delete(rooms).where(rooms.c.expires <= time.time()))
            limits.forget(connection)


def rooms_here() -> Rooms:
    """The rooms of the database that the settings name."""
    return _rooms(settings().database_url)


@lru_cache(maxsize=4)
def _rooms(url: str) -> Rooms:
    return Rooms(url)


def plain_code(text: str) -> str:
    """A code as somebody types it, with dashes, blanks and small letters, as the database has it."""
    return "".join(letter for letter in text.upper()[:40] if letter in LETTERS)[: CODE + 1]


def spoken_code(code: str) -> str:
    """A code as people read it out: ABCD-EFGH."""
    return f"{code[: CODE // 2]}-{code[CODE // 2 :]}"


@contextmanager
def _said() -> Iterator[None]:
    """What the database cannot do now, in one sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        raise RoomError(_("The database of the rooms does not answer. Try again in a moment.")) from error


def _no_room() -> NoRoomError:
    return NoRoomError(_("There is no room with this code, or it has ended."))


def _is_member(room: int, student: str) -> Any:
    return (members.c.room == room) & (members.c.student == _student(room, student))


def _student(room: int, student: str) -> str:
    """What stands for a student in one room: nobody can tell that somebody was in two."""
    return _hash(f"{room} {student}")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
