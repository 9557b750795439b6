"""What stays of decoded pictures: the project's own once for all readers, a reader's as long as the session."""

import gc
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from inception.vision.samples import samples
from pages.parts import decoded


def asks(path: str) -> None:
    from pathlib import Path

    from pages.parts.decoded import decoded

    decoded(Path(path).read_bytes())


def session(path: Path) -> AppTest:
    """A session that has had a picture decoded."""
    app = AppTest.from_function(asks, kwargs={"path": str(path)}).run()
    assert not app.exception
    return app


@pytest.fixture(autouse=True)
def nothing_yet() -> None:
    decoded._pictures().clear()


def test_two_sessions_share_a_sample() -> None:
    """Else each of a class would keep its own of the one that pages open on."""
    sample = next(iter(samples().values())).path
    both = [session(sample), session(sample)]
    assert len(decoded._pictures()) == 1
    assert both


def test_a_readers_picture_goes_with_the_session(tmp_path: Path) -> None:
    file = tmp_path / "mine.jpg"
    file.write_bytes(next(iter(samples().values())).path.read_bytes() + b"\0")
    stays, goes = session(file), session(file)
    assert len(decoded._pictures()) == 2, "each has its own"
    del goes
    gc.unfreeze()
    gc.collect()
    decoded.forget_ended()
    [(reader, _picture)] = decoded._pictures()
    assert reader == stays.session_state["decoded"].name
