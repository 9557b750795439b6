"""A class of any size: a model that is fitted to what one student alone was measured to cost a server.

It plays the lesson of `bench.classroom` in a queue instead of on a server. All students open the app within some
seconds and bring a picture; when everybody is in, they make clicks with pauses between them, and answer a question.
What each of these costs is measured; the rest follows:

- Students stay with the server that they came to. Whatever a server computes at a time shares one core, because Python
  runs one thread at a time: processor sharing (Kleinrock 1976, *Queueing Systems* 2, section 4.4).
- It draws all pages that it is asked for at once, but runs one forward pass at a time, in the order of asking; who
  waits for a pass does not compute.
- On one machine the servers and the students' own program share its cores. Servers elsewhere have a core each.
- Whoever waits does not click.

Left out: what the first visit of a page costs a server; that memory is slower when much of it is used; what a thread
waits for Python's lock; the proxy, the database and the network between them.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil, inf
from random import Random

import numpy as np

ENOUGH = 3000  # clicks for a percentile
OPEN, UPLOAD, CLICK, ANSWER, LOOK = "open", "upload", "click", "answer", "look"  # what a student does

Seconds = dict[str, list[float]]  # that things took, by what was done


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

    clicks: those that there are, each as likely. count: how many of them a student makes. pause: seconds before each,
    mean. within: seconds in which all open the app.
    """

    opening: Act
    upload: Act
    clicks: Sequence[Act]
    answer: Act
    look: Act  # at the picture again, at the end
    count: int
    pause: float
    within: float

    def seconds(self, students: int, servers: int = 1, cores: float = inf) -> dict[str, float]:
        """95th percentile of what each thing takes, with so many students on so many servers.

        cores: of the machine on which servers and students are; infinity for servers with a core each, and students
        elsewhere.
        """
        found: Seconds = {}
        while len(found.get(CLICK, ())) < ENOUGH:
            for what, seconds in played(self, students, servers, cores, Random(len(found))).items():
                found.setdefault(what, []).extend(seconds)
        return {what: float(np.percentile(seconds, 95)) for what, seconds in found.items()}

    def servers(self, students: int, within: float) -> int | None:
        """How many servers with a core each let nineteen of twenty clicks be answered within so many seconds.

        None where not even a student alone is answered so soon.
        """

        def soon(each: int) -> bool:
            return self.seconds(each)[CLICK] <= within

        if not soon(1):
            return None
        low, high = 1, 2  # students of a server: so many are served, so many perhaps not
        while high < students and soon(high):
            low, high = high, 2 * high
        high = min(high, students + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if soon(middle) else (low, middle)
        return ceil(students / low)


@dataclass
class Processor:
    """A core that all share who compute on it."""

    served: float = 0.0  # seconds of it that each who was here from the beginning has had
    working: list[tuple[float, int]] = field(default_factory=list)  # a heap: when `served` will be enough, and for whom
    passes: deque[int] = field(default_factory=deque)  # who wants to run one; the first does

    def ends(self, speed: float) -> float:
        """Seconds until the first one is done."""
        return max(0.0, self.working[0][0] - self.served) * len(self.working) / speed

    def work(self, seconds: float, speed: float) -> None:
        """Goes on for so long."""
        self.served += seconds * speed / len(self.working)


# What a student asks for next: seconds of a processor, or of rest; the turn for a pass, or its end; that all are in.
Step = tuple[Processor | None, float] | tuple[deque[int], bool] | None


def played(model: Model, students: int, servers: int, cores: float, dice: Random) -> Seconds:
    """What a lesson's students saw."""
    processors, own = [Processor() for _ in range(servers)], Processor()
    now, seconds = 0.0, Seconds()
    asleep: list[tuple[float, int]] = []
    there: list[int] = []  # who waits for the others
    steps = [_steps(model, processors[i % servers], own, dice, lambda: now, seconds) for i in range(students)]

    def go_on(student: int) -> None:
        for step in steps[student]:
            if step is None:
                there.append(student)
                if len(there) == students:
                    for each in there:
                        go_on(each)
                return
            where, what = step
            if isinstance(where, deque):
                if what:
                    where.append(student)
                    if where[0] != student:
                        return
                else:
                    where.popleft()
                    if where:
                        go_on(where[0])
            elif where is None:
                heappush(asleep, (now + what, student))
                return
            else:
                heappush(where.working, (where.served + what, student))
                return

    for student in range(students):
        go_on(student)
    while True:
        busy = [processor for processor in (*processors, own) if processor.working]
        if not busy and not asleep:
            return seconds
        speed = min(1.0, cores / len(busy)) if busy else 1.0
        first = min(busy, key=lambda processor: processor.ends(speed), default=None)
        until_wake, until_end = asleep[0][0] - now if asleep else inf, first.ends(speed) if first else inf
        for processor in busy:
            processor.work(min(until_wake, until_end), speed)
        now += min(until_wake, until_end)
        go_on(heappop(first.working if first and until_end <= until_wake else asleep)[1])


def _steps(
    model: Model, server: Processor, own: Processor, dice: Random, now: Callable[[], float], seconds: Seconds
) -> Iterator[Step]:
    """What a student does, in the order of `bench.classroom.Lesson`; notes how long it takes."""

    def do(what: str, act: Act) -> Iterator[Step]:
        began = now()
        if act.passes:
            yield server.passes, True
            yield server, act.passes
            yield server.passes, False
        yield server, act.page
        if act.own:
            yield own, act.own
        if act.still:
            yield None, act.still
        seconds.setdefault(what, []).append(now() - began)

    def rest() -> Step:
        return None, dice.expovariate(1 / model.pause)

    yield None, dice.uniform(0, model.within)
    yield from do(OPEN, model.opening)
    yield from do(UPLOAD, model.upload)
    yield None
    for _ in range(model.count):
        yield rest()
        yield from do(CLICK, dice.choice(model.clicks))
    yield rest()
    yield from do(ANSWER, model.answer)
    yield from do(LOOK, model.look)
