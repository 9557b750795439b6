"""Whose turn it is to run a network, who may work for long, and what happens when memory runs out.

One pass runs at a time: PyTorch already uses every core for it, and several at once only slow each other down. Work of
many passes, such as a training, needs a place as well: few work at once, so that each ends soon, and the others wait in
a queue that says how many are before them. A class comes before other visitors, and its teacher before the class.
"""

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

import torch

from ..errors import InceptionError
from ..words import _, ngettext

OVERTAKEN = 3  # how often who waits lets others of a higher rank pass
PLACES = 2  # long works at once: while one draws, another computes
MOST_WAITING = 200  # for a place; more are refused
LOOK = 0.5  # seconds from one look at the queue to the next


class OutOfMemory(InceptionError, RuntimeError):  # noqa: N818 (named as torch's own)
    """A device with too little memory for what was asked of it, in one sentence."""


class BusyError(InceptionError):
    """Work for which too many wait already, in one sentence."""


class Rank(IntEnum):
    """Who comes first."""

    TEACHER = 0  # of a room, in front of a class
    CLASS = 1  # a student in a room
    VISITOR = 2


@dataclass(frozen=True)
class Asker:
    """Who a thread works for."""

    name: str = ""  # of the session; none outside of one
    rank: Rank = Rank.VISITOR


_application: Callable[[], Asker] = Asker


def follow(application: Callable[[], Asker]) -> None:
    """Asks the application who the thread that calls works for."""
    global _application
    _application = application


@dataclass(eq=False)
class _Ticket:
    asker: Asker = field(default_factory=lambda: _application())
    turn: threading.Event = field(default_factory=threading.Event)
    overtaken: int = 0  # how often a later one of a higher rank has gone before it

    def stand_in(self, queue: "list[_Ticket]", served: int) -> None:
        """Takes its place in a queue, of whom the first few are being served: behind all that it may not overtake."""
        place = len(queue)
        while place > served and self._overtakes(queue[place - 1]):
            place -= 1
        for other in queue[place:]:
            other.overtaken += 1
        queue.insert(place, self)

    def _overtakes(self, other: "_Ticket") -> bool:
        return other.asker.rank > self.asker.rank and other.overtaken < OVERTAKEN


class FairLock:
    """A lock that threads get by rank, and within a rank in the order in which they asked for it.

    `threading.Lock` lets a thread that has just released it take it again before those that wait have woken up, so
    that long work, step by step, would keep everyone else out.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queue: list[_Ticket] = []  # one a thread; whose ticket is first has the lock
        self._holder: int | None = None

    def acquire(self, timeout: float | None = None) -> bool:
        """Waits for the lock, at most `timeout` seconds, and returns whether this thread has it now.

        A thread that gives up leaves the queue. Raises RuntimeError in the thread that has the lock already, because
        it would wait for itself.
        """
        me = threading.get_ident()
        if self._holder == me:
            raise RuntimeError("this thread has its turn already")
        ticket = _Ticket()
        with self._mutex:
            ticket.stand_in(self._queue, served=1)
            if self._queue[0] is ticket:
                ticket.turn.set()
        got = False
        try:
            got = ticket.turn.wait(timeout)
        finally:  # also after Ctrl-C
            if not got:
                self._leave(ticket)
        if got:
            self._holder = me
        return got

    def release(self) -> None:
        """Hands the lock to the first thread that waits; raises RuntimeError unless this thread has it."""
        if self._holder != threading.get_ident():
            raise RuntimeError("this thread does not have its turn")
        self._holder = None
        self._leave(self._queue[0])

    def locked(self) -> bool:
        """Whether a thread has the lock."""
        return bool(self._queue)

    @property
    def waiting(self) -> int:
        """How many threads wait for the lock."""
        return max(0, len(self._queue) - 1)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _leave(self, ticket: _Ticket) -> None:
        with self._mutex:
            self._queue.remove(ticket)
            if self._queue:
                self._queue[0].turn.set()


Waiting = Callable[[int], None]  # called again and again with how many wait before; what it raises ends the waiting


def wait_quietly(_before: int) -> None:
    """Tells no one how many are before."""


class Places:
    """Places for works of many passes; a session has one at a time, and `most` work at once.

    Who finds no place waits in a queue, by rank and then in the order of asking.
    """

    def __init__(self, most: int = PLACES, most_waiting: int = MOST_WAITING) -> None:
        self.most, self.most_waiting = most, most_waiting
        self.refused = 0  # how often the queue was full
        self._mutex = threading.Lock()
        self._working: list[_Ticket] = []
        self._queue: list[_Ticket] = []

    @contextmanager
    def place(self, waiting: Waiting = wait_quietly) -> Iterator[None]:
        """Waits for a place and keeps it until the block ends; raises BusyError where too many wait already."""
        ticket = _Ticket()
        with self._mutex:
            if len(self._queue) >= self.most_waiting:
                self.refused += 1
                sentence = ngettext(
                    "{count} reader waits for this server to compute; try again in some minutes.",
                    "{count} readers wait for this server to compute; try again in some minutes.",
                    len(self._queue),
                )
                raise BusyError(sentence.format(count=len(self._queue)))
            ticket.stand_in(self._queue, served=0)
            self._admit()
        try:
            while not ticket.turn.wait(0):
                waiting(self._before(ticket))
                ticket.turn.wait(LOOK)
            yield
        finally:  # also where a click has ended the waiting
            with self._mutex:
                (self._working if ticket in self._working else self._queue).remove(ticket)
                self._admit()

    @property
    def working(self) -> int:
        """How many work."""
        return len(self._working)

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    def _before(self, ticket: _Ticket) -> int:
        """How many wait before a ticket."""
        with self._mutex:
            return self._queue.index(ticket) if ticket in self._queue else 0

    def _admit(self) -> None:
        """Gives free places to those that come first and have none yet."""
        for ticket in list(self._queue):
            if len(self._working) >= self.most:
                return
            name = ticket.asker.name
            if name and any(other.asker.name == name for other in self._working):
                continue
            self._queue.remove(ticket)
            self._working.append(ticket)
            ticket.turn.set()


def before_you(before: int) -> str:
    """What somebody who waits is told."""
    if not before:
        return _("Others are computing on this server: you are next.")
    sentence = ngettext(
        "Others are computing on this server: {count} reader is before you.",
        "Others are computing on this server: {count} readers are before you.",
        before,
    )
    return sentence.format(count=before)


# Work of many passes, such as a training or an attribution by hidden windows, has a place here while it goes on.
long_work = Places()

# Every forward or backward pass holds this lock. Long work takes it for each step, so that others get in between.
forward_lock = FairLock()


@contextmanager
def enough_memory(device: torch.device, too_little: str) -> Iterator[None]:
    """Turns memory of a device that runs out into `OutOfMemory` with the sentence `too_little`.

    What the failed attempt held is free again when the error is raised.
    """
    failed = False
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the tensors made so far
        failed = True
    if failed:
        if device.type == "cuda":
            torch.cuda.empty_cache()
        elif device.type == "mps":
            torch.mps.empty_cache()
        raise OutOfMemory(too_little)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of Python, PyTorch or OpenVINO says that memory ran out; often its text alone tells."""
    signs = ("DefaultCPUAllocator", "out of memory", "ALLOC_FAILED", "bad_alloc")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error) for sign in signs)
