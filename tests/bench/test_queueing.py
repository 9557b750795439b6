"""The model of a class against what is known of queues."""

from math import inf
from random import Random

import numpy as np
import pytest

from bench.queueing import CLICK, UPLOAD, Act, Model, played

NOTHING = Act(0.0)


def lesson(*clicks: Act, upload: Act = NOTHING, count: int = 200, pause: float = 10.0) -> Model:
    return Model(NOTHING, upload, clicks, NOTHING, NOTHING, count, pause, within=0.0)


def mean_value(students: int, work: float, pause: float) -> float:
    """Mean seconds of a click in a closed queue with a processor that is shared (Reiser and Lavenberg 1980)."""
    seconds = there = 0.0
    for number in range(1, students + 1):
        seconds = work * (1 + there)
        there = number * seconds / (pause + seconds)
    return seconds


@pytest.mark.parametrize("students", [10, 60])
def test_the_mean_of_a_click_depends_on_the_mean_of_its_work_alone(students: int) -> None:
    """Whatever the mix of pages is; with few students and with many."""
    count = 6000 // students
    for clicks in ((Act(0.1),), (Act(0.02), Act(0.02), Act(0.26))):
        found = played(lesson(*clicks, count=count), students, 1, inf, Random(0))[CLICK]
        assert len(found) == students * count
        assert np.mean(found) == pytest.approx(mean_value(students, 0.1, 10), rel=0.08)


def test_a_click_alone_takes_what_it_costs() -> None:
    for act in (Act(0.2, still=0.05), Act(0.1, own=0.05, still=0.1), Act(0.1, passes=0.15)):
        assert played(lesson(act, count=3), 1, 1, 1.0, Random(0))[CLICK] == pytest.approx([0.25] * 3)


def test_passes_run_one_by_one_and_pages_share_the_core() -> None:
    """Of ten uploads of a second each, all at once."""
    for upload, expected in (
        (Act(0.0, passes=1.0), [*range(1, 11)]),
        (Act(1.0), [10] * 10),
    ):
        found = played(lesson(NOTHING, upload=upload, count=1), 10, 1, inf, Random(0))
        assert found[UPLOAD] == pytest.approx(expected)


def test_two_servers_on_one_core_are_no_faster_than_one() -> None:
    one, two, apart = (
        np.mean(played(lesson(Act(0.1), count=100), 100, servers, cores, Random(0))[CLICK])
        for servers, cores in ((1, 1.0), (2, 1.0), (2, 2.0))
    )
    assert two == pytest.approx(one, rel=0.25)
    assert apart < 0.5 * one


def test_how_many_servers_a_crowd_needs() -> None:
    model = lesson(Act(0.05), count=20)
    servers = model.servers(10_000, 1.0)
    assert servers is not None
    each = -(-10_000 // servers)
    assert model.seconds(each)[CLICK] <= 1 < model.seconds(round(1.3 * each))[CLICK]
    assert model.servers(1, 1.0) == 1
    assert lesson(Act(2.0)).servers(10, 1.0) is None
