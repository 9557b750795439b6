"""The database of the rooms: SQLite in a file, or PostgreSQL for several servers."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

from ..words import _
from .errors import RoomError
from .tables import metadata

WAIT = 20  # seconds for another writer to finish


def connect(url: str) -> Engine:
    """The database at a URL, with its tables made where there are none. Raises RoomError where it cannot be had."""
    try:
        engine = _sqlite(url) if url.startswith("sqlite") else _postgresql(url)
        try:
            metadata.create_all(engine)
        except SQLAlchemyError:  # another server was faster with the same tables
            metadata.create_all(engine)
    except (SQLAlchemyError, OSError) as error:
        sentence = _("Rooms need a database, and the one that INCEPTION_DATABASE_URL names cannot be opened.")
        raise RoomError(sentence) from error
    return engine


def _postgresql(url: str) -> Engine:
    """Of the drivers there are, ours is psycopg 3."""
    return create_engine(
        re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url), pool_pre_ping=True, pool_timeout=WAIT
    )


def _sqlite(url: str) -> Engine:
    """A file whose readers do not wait for writers (WAL); its folder is made where there is none, for us alone."""
    file = make_url(url).database
    if file:
        Path(file).absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": WAIT})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where Python thinks they should
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Who reads first and writes then could find that somebody else wrote meanwhile: writers wait at the beginning.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
