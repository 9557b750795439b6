"""Both databases that rooms may be in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from inception.rooms.database import connect
from inception.rooms.tables import metadata

from .postgres import postgresql


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server; without one the test is skipped locally and fails in CI."""
    with postgresql() as url:
        if url is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("no PostgreSQL, and apt-get could not install it")
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without rooms."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/of/rooms.sqlite3"
        return
    url: str = request.getfixturevalue("server")
    yield url
    engine = connect(url)
    metadata.drop_all(engine)
    engine.dispose()
