"""Keeps Python's garbage collector short.

It walks through all objects of the process, while no session goes on. Loaded modules and kept networks are more than
half a million, 0.3 s of a core, and each session adds what its page holds. Streamlit would walk after every run of a
page, so that a hundred sessions kept a server busy with nothing else (`runner.postScriptGC`, off in
.streamlit/config.toml).
"""

import gc
from time import monotonic

EVERY = 600  # seconds after which what was frozen is walked through again
SHARE = 0.02  # of the time, at most, for walks through what sessions hold

_walked: dict[str, float] = {}  # when, by the name of the page
_next = 0.0  # when what sessions hold may be walked through again


def tidy(page: str) -> None:
    """After a run of a page: frees what refers to itself alone, if that is due.

    What the first run of a page has left, such as modules, is taken out of later walks, and looked at again now and
    then. What is frozen is freed all the same when nothing refers to it; only circles of objects wait for the next
    walk.
    """
    global _next
    began = monotonic()
    first = page not in _walked
    again = not first and began - _walked[page] >= EVERY
    if not (first or again) and began < _next:
        return
    if again:
        gc.unfreeze()
    gc.collect()
    if first or again:
        _walked[page] = began
        gc.freeze()
    now = monotonic()
    _next = now + (now - began) / SHARE
