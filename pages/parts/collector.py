"""Keeps Python's garbage collector short.

Streamlit lets it walk through all objects of the process after every run of a page. Loaded modules and kept networks
make more than half a million, which took 0.3 s a run, while which no other session went on.
"""

import gc
from time import monotonic

EVERY = 600  # seconds after which what was frozen is walked through again

_walked: dict[str, float] = {}  # when, by the name of the page


def freeze(page: str) -> None:
    """Takes what the first run of a page has left out of the collector's walks, and looks at it again now and then.

    What is frozen is freed all the same when nothing refers to it; only circles of objects wait for the next walk.
    """
    now = monotonic()
    if page in _walked and now - _walked[page] < EVERY:
        return
    _walked[page] = now
    gc.unfreeze()
    gc.collect()
    gc.freeze()
