"""Lets Python's garbage collector wait while many objects are made that stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_blocks = 0  # that threads are in
_was_on = False


@contextmanager
def garbage_waits() -> Iterator[None]:
    """Collects nothing within the block, which threads may enter at once.

    The more objects are made, the more often the collector looks through all that the process holds, PyTorch and pandas
    included. That took half of the time of a trace.
    """
    global _blocks, _was_on
    with _lock:
        if _blocks == 0:
            _was_on = gc.isenabled()
            gc.disable()
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0 and _was_on:
                gc.enable()
