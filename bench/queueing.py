"""How many app servers a class of any size needs: a model that is fitted to what one server was measured to do.

Students stay with the server that they came to, so each server has a queue of its own. A server runs all its clicks at
once, on one core: processor sharing. In such a queue (M/G/1-PS) the mean time of a click depends on nothing but its
mean work and the load, work / (1 - load) (Kleinrock 1976, *Queueing Systems* 2, section 4.4), and a click of given work
takes that work / (1 - load) on average.

Assumptions: students click independently of each other and, on average, as often as those that were measured; their
clicks are the same mix; each server has a core of its own, and neither proxy nor database nor network is in its way.
"""

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Model:
    """work: seconds of one core that a click costs a server, mean. quiet: seconds of a click at rest, 95th percentile.

    pause: seconds from an answer to the next click of a student, mean.
    """

    work: float
    quiet: float
    pause: float

    def load(self, students: float) -> float:
        """The share of the time in which a server with so many students is busy; below 1.

        Who waits does not click: clicks a second are students / (pause + answer), and the answer depends on the load.
        """
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            clicks = students / (self.pause + self.work / (1 - middle))
            low, high = (middle, high) if clicks * self.work > middle else (low, middle)
        return low

    def answer(self, students: float) -> float:
        """Seconds of a click, 95th percentile, on a server with so many students."""
        return self.quiet / (1 - self.load(students))

    def a_second(self, students: float) -> float:
        """Clicks a second that a server with so many students answers."""
        return self.load(students) / self.work

    def servers(self, students: int, within: float) -> int | None:
        """How many servers let nineteen of twenty clicks of all students be answered within so many seconds.

        None where not even a student alone is answered so soon.
        """
        if self.answer(1) > within:
            return None
        low, high = 1, students
        while low < high:
            middle = (low + high) // 2
            if self.answer(ceil(students / middle)) <= within:
                high = middle
            else:
                low = middle + 1
        return low
