"""The pictures that readers brought, kept in the server's memory for a while, so that a reload does not lose them.

The address names a picture by a mark that says nothing of it. What finds the picture is a secret of the browser that
brought it, in a cookie: a link shows somebody else no picture, and the bare address shows none to whoever uses the same
browser next. Nothing is written to disk, and all readers together have a fixed room.
"""

import threading
from hashlib import sha256
from secrets import token_urlsafe

import streamlit as st
from cachetools import TTLCache

from inception.settings import settings
from pages.parts import address

COOKIE = "inception_pictures"  # as assets/address_bar.js sets it
SECONDS = 3600  # that pictures stay after they were last looked at

Pictures = dict[str, bytes]  # encoded, by name

_lock = threading.Lock()


@st.cache_resource
def _shelf() -> TTLCache[tuple[str, str], Pictures]:
    """The pictures of each secret and part; use it under `_lock`. Those looked at longest ago make room."""
    return TTLCache(settings().kept_uploads, SECONDS, getsizeof=lambda pictures: sum(map(len, pictures.values())))


def mark(data: bytes) -> str:
    """What stands for a picture in the address: only this session's secret leads from one to the other."""
    return _mark(session(), data)


def keep(pictures: Pictures, part: str = "") -> None:
    """Puts a session's pictures on the shelf, from where the same browser can take them again for an hour.

    part: what a page keeps for itself, beside the pictures of all pages.
    """
    with _lock:
        try:
            _shelf()[session(), part] = dict(pictures)
        except ValueError:  # larger than the shelf
            _shelf().pop((session(), part), None)
    address.keep_in_browser(session())


def drop(part: str = "") -> None:
    """Takes a session's pictures off the shelf."""
    with _lock:
        _shelf().pop((session(), part), None)


def take(wanted: str, part: str = "") -> Pictures:
    """The pictures that this browser brought together with the one of that mark; none where they are gone."""
    for secret in (st.context.cookies.get(COOKIE) or "").split("."):
        with _lock:
            pictures: Pictures = _shelf().get((secret, part)) or {}
        if any(_mark(secret, data) == wanted for data in pictures.values()):
            st.session_state["shelf"] = secret
            return dict(pictures)
    return {}


def _mark(secret: str, data: bytes) -> str:
    # The hash of its own that Python keeps with the data: as secret as the secret, and not computed anew in every run.
    return sha256(f"{secret} {hash(data)}".encode()).hexdigest()[:10]


def session() -> str:
    """The secret of this session, by which its browser finds its pictures again."""
    secret: str = st.session_state.setdefault("shelf", token_urlsafe(16))
    return secret
