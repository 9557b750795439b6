"""Pictures, decoded once for all pages.

A session keeps its pictures as encoded files, because photographs are ten times as large when they are decoded. What
was decoded last stays as well, for a while and within a room that all readers share: the project's own pictures once
for all of them, and a reader's until the session ends.
"""

import threading
import weakref
from collections import deque
from functools import cache
from uuid import uuid4

import streamlit as st
from cachetools import TTLCache
from PIL import Image

import inception
from inception.vision.samples import samples

ROOM = 256 * 2**20  # bytes of decoded pictures, all readers together
SECONDS = 600  # that one stays after it was decoded
PIXEL = 4  # bytes in which Pillow keeps red, green and blue
EVERYBODY = ""  # in place of a reader

Key = tuple[str, int]  # of the reader and of the picture

_lock = threading.Lock()
_ended: deque[str] = deque()  # readers whose sessions have ended


class _Reader:
    """What a session holds until it ends."""

    def __init__(self) -> None:
        self.name = uuid4().hex
        # It may end while any thread holds any lock, so that what belongs to it is dropped later.
        weakref.finalize(self, _ended.append, self.name).atexit = False


@st.cache_resource
def _pictures() -> TTLCache[Key, Image.Image]:
    """What was decoded last; use it under `_lock`."""
    return TTLCache(ROOM, SECONDS, getsizeof=_bytes)


def decoded(data: bytes) -> Image.Image:
    """The picture in an encoded file, as `inception.load_image` gives it, for reading alone: others read it too.

    Only the session that brought a picture gets it from here. Raises ImageError.
    """
    key = EVERYBODY if data in _own_files() else _reader(), hash(data)
    with _lock:
        image = _pictures().get(key)
    if image is None:
        image = inception.load_image(data)
        with _lock:
            if _bytes(image) <= ROOM:
                _pictures()[key] = image
    return image


def forget_decoded() -> None:
    """Drops the decoded pictures of this session."""
    _drop({_reader()})


def forget_ended() -> None:
    """Drops what is too old, and the decoded pictures of sessions that have ended."""
    _drop({_ended.popleft() for _ in range(len(_ended))})


def _drop(readers: set[str]) -> None:
    with _lock:
        pictures = _pictures()
        pictures.expire()
        for key in [key for key in pictures if key[0] in readers]:
            del pictures[key]


def _reader() -> str:
    if "decoded" not in st.session_state:
        st.session_state["decoded"] = _Reader()
    return str(st.session_state["decoded"].name)


def _bytes(image: Image.Image) -> int:
    return PIXEL * image.width * image.height


@cache
def _own_files() -> frozenset[bytes]:
    """The project's pictures, as files."""
    return frozenset(sample.path.read_bytes() for sample in samples().values())
