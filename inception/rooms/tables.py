"""The tables of the database: rooms, who is in them, questions and answers. Times are seconds since 1970.

Nothing here says who somebody is: a student is the hash of a random text that only one browser has, another hash in
each room.
"""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", String(16), nullable=False, unique=True),
    Column("key", String(64), nullable=False),  # the hash of the secret with which its opener steers it
    Column("expires", Float, nullable=False, index=True),
    Column("closed", Boolean, nullable=False, default=False),
    Column("version", Integer, nullable=False, default=0),  # grows with every change that students have to see
    Column("following", Boolean, nullable=False, default=True),  # whether the students' screens follow
    Column("page", String(40), nullable=False, default=""),  # what the teacher shows; "" before the first page
    Column("query", Text, nullable=False, default="{}"),  # and its choices, as JSON
)

members = Table(
    "members",
    metadata,
    Column("room", ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True),
    Column("student", String(64), primary_key=True),
    Column("out", Boolean, nullable=False, default=False),  # whether the student has stepped out of following
)

questions = Table(
    "questions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room", ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("said", Text, nullable=False),  # the question, as JSON
    Column("revealed", Boolean, nullable=False, default=False),
)

answers = Table(
    "answers",
    metadata,
    Column("question", ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True),
    Column("student", String(64), primary_key=True),
    Column("value", String(100), nullable=False),  # as JSON
)

# What visitors did lately, as far as it is limited.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("who", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Index("events_of_one", "kind", "who", "at"),
    Index("events_of_all", "kind", "at"),
)
