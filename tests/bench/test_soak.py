"""The soak ends when it is told to."""

import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bench import soak


@pytest.fixture
def ended_by_a_signal() -> Iterator[None]:
    """Lets a signal end this process as it ends `python -m bench`."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as POSIX does")
@pytest.mark.usefixtures("ended_by_a_signal")
def test_a_signal_ends_it_while_visitors_wait_for_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the process does not wait for them either: their threads are such as end with it."""
    waiting: list[threading.Thread] = []
    answered = threading.Event()

    def waits(*_: Any) -> None:
        waiting.append(threading.current_thread())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        answered.wait()

    monkeypatch.setattr(soak, "known_pictures", lambda count: [("name", b"", "", 0.0)] * count)
    monkeypatch.setattr(soak.Visitors, "_session", waits)
    try:
        with pytest.raises(SystemExit) as ended:
            soak.Visitors("http://localhost:1", 3600.0, 0, 1).come_and_go()
        assert ended.value.code == 143
        assert [thread.is_alive() and thread.daemon for thread in waiting] == [True]
    finally:
        answered.set()
        for thread in waiting:
            thread.join()
