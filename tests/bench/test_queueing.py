"""The model of a class against a queue that is played click by click."""

import random

import pytest

from bench.queueing import Model


def played(model: Model, students: int, clicks: int) -> tuple[float, float]:
    """Mean seconds of a click, and the share of the time that the server works: one core that all clicks share."""
    dice = random.Random(0)
    resting = [dice.expovariate(1 / model.pause) for _ in range(students)]  # when each clicks next
    working: list[list[float]] = []  # work left, and when it was asked
    now = busy = total = done = 0.0
    while done < clicks:
        first = min(resting, default=float("inf"))
        least = min((work for work, _ in working), default=float("inf")) * len(working) if working else float("inf")
        step = min(first - now, least)
        for click in working:
            click[0] -= step / len(working)
        busy += step if working else 0
        now += step
        if first <= now:
            resting.remove(first)
            working.append([dice.expovariate(1 / model.work), now])
        for click in [click for click in working if click[0] <= 1e-12]:
            working.remove(click)
            total, done = total + now - click[1], done + 1
            resting.append(now + dice.expovariate(1 / model.pause))
    return total / done, busy / now


@pytest.mark.parametrize("students", [10, 60])
def test_load_and_answers_are_those_of_a_queue(students: int) -> None:
    model = Model(work=0.1, quiet=0.3, pause=10)
    mean, busy = played(model, students, 4000)
    assert model.load(students) == pytest.approx(busy, abs=0.03)
    assert model.work / (1 - model.load(students)) == pytest.approx(mean, rel=0.12)


def test_how_many_servers_a_crowd_needs() -> None:
    model = Model(work=0.05, quiet=0.4, pause=10)
    servers = model.servers(10_000, 1.0)
    assert servers is not None
    assert model.answer(-(-10_000 // servers)) <= 1
    assert model.answer(-(-10_000 // (servers - 1))) > 1
    assert model.servers(1, 1.0) == 1
    assert Model(work=0.5, quiet=2.0, pause=10).servers(10, 1.0) is None
    assert model.a_second(100) == pytest.approx(100 / (10 + 0.05 / (1 - model.load(100))), rel=1e-6)
