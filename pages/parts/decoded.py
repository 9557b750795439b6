"""The readers' pictures, decoded once for all pages.

A session keeps its pictures as encoded files, because photographs are ten times as large when they are decoded. What
was decoded last stays as well, for a while and within a room that all readers share.
"""

import threading

import streamlit as st
from cachetools import TTLCache
from PIL import Image

import inception
from pages.parts import shelf

ROOM = 256 * 2**20  # bytes of decoded pictures, all readers together
SECONDS = 600  # that one stays after it was decoded

Key = tuple[str, int]  # of the session and of the picture

_lock = threading.Lock()


@st.cache_resource
def _pictures() -> TTLCache[Key, Image.Image]:
    """What was decoded last; use it under `_lock`."""
    return TTLCache(ROOM, SECONDS, getsizeof=lambda image: 3 * image.width * image.height)


def decoded(data: bytes) -> Image.Image:
    """The picture in an encoded file, as `inception.load_image` gives it, for reading alone: others read it too.

    Only the session that brought a picture gets it from here. Raises ImageError.
    """
    key = shelf.session(), hash(data)
    with _lock:
        image = _pictures().get(key)
    if image is None:
        image = inception.load_image(data)
        with _lock:
            if 3 * image.width * image.height <= ROOM:
                _pictures()[key] = image
    return image


def forget_decoded() -> None:
    """Drops the decoded pictures of this session."""
    with _lock:
        for key in [key for key in _pictures() if key[0] == shelf.session()]:
            del _pictures()[key]
