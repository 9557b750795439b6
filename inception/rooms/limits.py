"""How often visitors may do what: counted in the database, so that all servers count together."""

import time
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from ..words import _
from .errors import LimitError
from .tables import events


@dataclass(frozen=True)
class Limit:
    """How often something may happen."""

    kind: str  # its name in the database
    seconds: int  # in how long
    each: int  # times, by one visitor
    all: int  # times, by all together


# There are 31^8 codes: a thousand guesses in ten minutes need 160 years on average to find one of a hundred rooms.
GUESSES = Limit("guess", 600, 10, 1_000)  # wrong codes and keys
OPENINGS = Limit("open", 3600, 10, 500)
ENTRIES = Limit("enter", 60, 20, 2_000)
ANSWERS = Limit("answer", 60, 30, 20_000)
STEPS = Limit("step", 60, 120, 20_000)  # of a teacher through pages and questions
LONGEST = max(limit.seconds for limit in (GUESSES, OPENINGS, ENTRIES, ANSWERS, STEPS))


def check(connection: Connection, limit: Limit, who: str) -> None:
    """Raises LimitError where a visitor, or all together, have done something as often as they may."""
    recent = (events.c.kind == limit.kind) & (events.c.at > time.time() - limit.seconds)
    count = select(func.count()).select_from(events).where(recent)
    if connection.execute(count.where(events.c.who == who)).scalar_one() >= limit.each:
        minutes = -(-limit.seconds // 60)
        raise LimitError(_("That was too often. Wait {minutes} min and try again.").format(minutes=minutes))
    if connection.execute(count).scalar_one() >= limit.all:
        raise LimitError(_("Too many people are doing this at the moment. Wait a little and try again."))


def note(connection: Connection, limit: Limit, who: str) -> None:
    """Counts what a visitor has done."""
    connection.execute(insert(events).values(kind=limit.kind, who=who, at=time.time()))


def forget(connection: Connection) -> None:
    """Drops what is too old to count."""
    connection.execute(delete(events).where(events.c.at < time.time() - LONGEST))
