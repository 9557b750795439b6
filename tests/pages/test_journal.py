"""What an operator learns: one line each for sessions, refusals and slow runs, without a word of whoever it was."""

import gc
import logging
import threading
from typing import Any

import pytest

from inception.errors import InceptionError
from pages.parts.journal import BYTES, REFUSALS, RUNS, SESSIONS, SLOW, Journal, Session, note_refusal, noted


class SecretError(InceptionError):
    pass


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("inception"), "propagate", True)
    caplog.set_level(logging.INFO)
    gc.unfreeze()  # sessions of other tests in this process end now, and not in between
    gc.collect()
    caplog.clear()
    return caplog


def test_one_line_each_and_nobody_in_it(lines: pytest.LogCaptureFixture) -> None:
    journal, session = Journal(), Session()
    journal.begin(session)
    journal.ran("live", 0.3)
    journal.ran("looks", SLOW + 2)
    journal.refused("faces", SecretError("anna.jpg from 10.0.0.7 is too large"))
    del session
    gc.collect()
    assert [record.getMessage() for record in lines.records if record.name == "inception"] == [
        "session began, 1 open",
        "slow: page looks took 12.0 s",
        "refused: page faces, SecretError",
        "session ended after 0 s, 0 open",
    ]


def test_a_session_that_ends_while_the_journal_is_written_stops_nobody() -> None:
    """The garbage collector runs where memory is asked for, and so while the journal's lock is held."""
    journal = Journal()

    class Amount(float):
        """Frees a session when it is added up."""

        def __radd__(self, other: float) -> float:
            sessions.clear()
            return other + float(self)

    sessions = [Session()]
    journal.begin(sessions[0])
    writer = threading.Thread(target=journal.ran, args=("live", Amount(0.1)), daemon=True)
    writer.start()
    writer.join(10)
    assert not writer.is_alive()
    assert not sessions


def test_numbers_of_runs_refusals_and_memory() -> None:
    journal = Journal()
    for seconds in (0.05, 0.1, 0.3, 500):
        journal.ran("live", seconds)
    journal.refused("live", SecretError("x"))
    found = journal.get_stats()
    assert set(found) == set(Journal.stats_families)
    [runs] = found[RUNS]
    assert 'inception_run_seconds_bucket{le="0.1",page="live"} 2' in runs.to_metric_str()
    assert 'inception_run_seconds_bucket{le="120.0",page="live"} 3' in runs.to_metric_str()
    assert 'inception_run_seconds_count{page="live"} 4' in runs.to_metric_str()
    assert [stat.to_metric_str() for stat in found[REFUSALS]] == ['inception_refusals_total{kind="SecretError"} 1']
    assert set(journal.get_stats([SESSIONS, BYTES])) == {SESSIONS, BYTES}


def test_a_refusal_is_noted_with_the_page_it_was_on(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("pages.parts.journal.st.session_state", state)
    here = Journal()
    monkeypatch.setattr("pages.parts.journal.journal", lambda: here)
    told = list[tuple[str, str]]()
    monkeypatch.setattr(here, "refused", lambda page, error: told.append((page, str(error))))
    with noted("faces"):
        note_refusal(SecretError("x"))
    with noted("teach"):
        note_refusal(SecretError("y"))
    assert told == [("faces", "x"), ("teach", "y")]
