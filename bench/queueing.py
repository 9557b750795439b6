"""A class of any size: a model that is fitted to what one student alone was measured to cost a server.

It plays the lesson of `bench.classroom` in a queue instead of on a server. A student opens the app, brings a picture,
makes clicks with pauses between them and answers a question. What each of these costs is measured; the rest follows:

- Students stay with the server that they came to. A server computes all pages that are asked of it at once, on one
  core, because Python runs one thread at a time: processor sharing (Kleinrock 1976, *Queueing Systems* 2, section 4.4).
- It runs one forward pass at a time, in the order of asking (`inception/runtime/turns.py`). The pass shares the core
  with the pages; who waits for it does not compute.
- On one machine the servers and the students' own program share its cores. Servers elsewhere have a core each.
- Whoever waits does not click, and a lesson begins for all within some pauses, so that its first minute is its worst.

Left out: what the first visit of a page costs a server; that a thread waits up to a few milliseconds for Python's lock
each time it comes back from a wait or a layer; the proxy, the database and the network between them.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil, inf
from random import Random

import numpy as np

ENOUGH = 3000  # clicks for a percentile


@dataclass(frozen=True)
class Act:
    """What something that a student does costs, in seconds.

    page, passes: of the server's core, for pages and for forward passes. own: of a core of the machine, for the
    student's own program, where it is there. still: in which nobody computes for it.
    """

    page: float
    passes: float = 0.0
    own: float = 0.0
    still: float = 0.0


@dataclass(frozen=True)
class Model:
    """A lesson: what each student does in it, and what that costs.

    clicks: those that there are, each as likely. count: how many of them a student makes. pause: seconds before each
    of them, and before the first and the last thing, mean.
    """

    opening: Act
    upload: Act
    clicks: Sequence[Act]
    answer: Act
    look: Act  # at the picture again, at the end
    count: int
    pause: float

    def seconds(self, students: int, servers: int = 1, cores: float = inf) -> float:
        """Of a click, 95th percentile, with so many students on so many servers.

        cores: of the machine on which servers and students are; infinity for servers with a core each, and students
        elsewhere.
        """
        found: list[float] = []
        while len(found) < ENOUGH:
            found += played(self, students, servers, cores, Random(len(found)))
        return float(np.percentile(found, 95))

    def servers(self, students: int, within: float) -> int | None:
        """How many servers with a core each let nineteen of twenty clicks be answered within so many seconds.

        None where not even a student alone is answered so soon.
        """
        if self.seconds(1) > within:
            return None
        low, high = 1, 2  # students of a server: so many are served, so many perhaps not
        while high < students and self.seconds(high) <= within:
            low, high = high, 2 * high
        high = min(high, students + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.seconds(middle) <= within else (low, middle)
        return ceil(students / low)


@dataclass
class Processor:
    """A core that all share who compute on it."""

    served: float = 0.0  # seconds of it that each who was here from the beginning has had
    working: list[tuple[float, int]] = field(default_factory=list)  # a heap: when `served` will be enough, and for whom
    turns: deque[int] = field(default_factory=deque)  # who wants to run a pass; the first one does

    def ends(self, speed: float) -> float:
        """Seconds until the first one is done."""
        return max(0.0, self.working[0][0] - self.served) * len(self.working) / speed

    def work(self, seconds: float, speed: float) -> None:
        """Goes on for so long."""
        self.served += seconds * speed / len(self.working)


# What a student asks for next: rest, computing, the turn for a pass, or the end of it.
Step = tuple[str, Processor | None, float]


def played(model: Model, students: int, servers: int, cores: float, dice: Random) -> list[float]:
    """The seconds of each click of a lesson."""
    processors, own = [Processor() for _ in range(servers)], Processor()
    now, seconds = [0.0], list[float]()
    steps = [_steps(model, processors[i % servers], own, dice, now, seconds) for i in range(students)]
    asleep: list[tuple[float, int]] = []

    def go_on(student: int) -> None:
        for kind, processor, amount in steps[student]:
            if processor is None:
                heappush(asleep, (now[0] + amount, student))
                return
            if kind == "compute":
                heappush(processor.working, (processor.served + amount, student))
                return
            if kind == "turn":
                processor.turns.append(student)
                if processor.turns[0] != student:
                    return
            else:
                processor.turns.popleft()
                if processor.turns:
                    go_on(processor.turns[0])

    for student in range(students):
        go_on(student)
    while True:
        busy = [processor for processor in (*processors, own) if processor.working]
        if not busy and not asleep:
            return seconds
        speed = min(1.0, cores / len(busy)) if busy else 1.0
        first = min(busy, key=lambda processor: processor.ends(speed), default=None)
        step = min(asleep[0][0] - now[0] if asleep else inf, first.ends(speed) if first else inf)
        wakes = not first or step < first.ends(speed)
        for processor in busy:
            processor.work(step, speed)
        now[0] += step
        go_on(heappop(asleep if wakes or not first else first.working)[1])


def _steps(
    model: Model, server: Processor, own: Processor, dice: Random, now: list[float], seconds: list[float]
) -> Iterator[Step]:
    """What a student does, in the order of `bench.classroom.Lesson`; notes how long each click takes."""

    def do(act: Act) -> Iterator[Step]:
        if act.passes:
            yield "turn", server, 0.0
            yield "compute", server, act.passes
            yield "end", server, 0.0
        yield "compute", server, act.page
        if act.own:
            yield "compute", own, act.own
        if act.still:
            yield "rest", None, act.still

    def rest() -> Step:
        return "rest", None, dice.expovariate(1 / model.pause)

    yield rest()
    yield from do(model.opening)
    yield from do(model.upload)
    for _ in range(model.count):
        yield rest()
        began = now[0]
        yield from do(dice.choice(model.clicks))
        seconds.append(now[0] - began)
    yield rest()
    yield from do(model.answer)
    yield from do(model.look)
