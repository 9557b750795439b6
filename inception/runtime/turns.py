"""Whose turn it is to run a network, and what happens when memory runs out.

One pass runs at a time: PyTorch already uses every core for it, and several at once only slow each other down.
"""

import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import InceptionError


class OutOfMemory(InceptionError, RuntimeError):  # noqa: N818 (named as torch's own)
    """A device with too little memory for what was asked of it, in one sentence."""


class FairLock:
    """A lock that threads get in the order in which they asked for it.

    `threading.Lock` lets a thread that has just released it take it again before those that wait have woken up, so
    that long work, step by step, would keep everyone else out.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queue: deque[threading.Event] = deque()  # one ticket a thread; whose ticket is first has the lock
        self._holder: int | None = None

    def acquire(self, timeout: float | None = None) -> bool:
        """Waits for the lock, at most `timeout` seconds, and returns whether this thread has it now.

        A thread that gives up leaves the queue. Raises RuntimeError in the thread that has the lock already, because
        it would wait for itself.
        """
        me = threading.get_ident()
        if self._holder == me:
            raise RuntimeError("this thread has its turn already")
        ticket = threading.Event()
        with self._mutex:
            self._queue.append(ticket)
            if self._queue[0] is ticket:
                ticket.set()
        got = False
        try:
            got = ticket.wait(timeout)
        finally:  # also after Ctrl-C
            if not got:
                self._leave(ticket)
        if got:
            self._holder = me
        return got

    def release(self) -> None:
        """Hands the lock to the thread that has waited longest; raises RuntimeError unless this thread has it."""
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

    def _leave(self, ticket: threading.Event) -> None:
        with self._mutex:
            self._queue.remove(ticket)
            if self._queue:
                self._queue[0].set()


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
