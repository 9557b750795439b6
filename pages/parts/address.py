"""The address of a page: the value of every control stands in it, and comes back from it.

A control takes its key from one of the functions here, which have put its value into the session by then:

    stage = st.pills(_("Stage"), stages, key=address.choice("stage", stages), required=True)

Names and values are short English words, the same in every language. What is at its default is left out, and a control
that nobody has touched follows its default, so that a page is always what its address says.

Streamlit's own `bind="query-params"` does less: it writes the words of the session's language, drops in silence what it
cannot read, and replaces the entry of the browser's history, so that Back would not undo a choice.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeVar
from uuid import uuid4

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from inception.text import running_text
from inception.words import _, current, in_every_language
from pages.parts import components
from pages.parts.literal import literal

T = TypeVar("T")
FIRST: Any = object()  # of the options
LONGEST = 200  # characters of a text that is taken from an address

Sorry = Callable[[str, str], str]  # from what a link asks for, and what is shown instead, to a sentence


@dataclass
class _Place:
    """Where a session is: what its address asks for, and what it says of each control."""

    session: str = field(default_factory=lambda: uuid4().hex)
    page: str = ""
    visits: int = 0  # how often an address was read
    asked: dict[str, str] = field(default_factory=dict)  # by name: what the address says and no control has taken yet
    values: dict[str, Any] = field(default_factory=dict)  # by key: of all controls, also while they are not drawn
    defaults: dict[str, Any] = field(default_factory=dict)  # by key
    query: dict[str, str] = field(default_factory=dict)  # by name: what the address shall be after this run
    names: set[str] = field(default_factory=set)  # of all controls of this page so far
    problems: dict[str, tuple[object, str]] = field(default_factory=dict)  # by name: what is shown instead; a sentence
    arriving: bool = False  # whether this run began with reading the address
    returning: bool = False  # whether by Back or Forward, so that what the address leaves out is at its default
    sent: dict[str, str] | None = None  # what the next run reads instead of the browser's address
    own: tuple[str, ...] = ()  # names that it leaves as they are
    keeps: str = ""  # a secret that the browser shall keep
    cookies: dict[str, tuple[str, int]] = field(default_factory=dict)  # by name: value and seconds; others stay
    show: str = ""  # the key of the container to scroll to


def arrive(page: str) -> None:
    """Begins a run: reads the address where the session is new, or comes to a page, or goes back or forward."""
    context = get_script_run_ctx()
    here = _here()
    if here.sent is None:
        here.own = ()
    here.returning = bool(context and context.is_history_navigation) or here.sent is not None
    here.arriving = here.returning or here.page != page
    if here.arriving:
        asked = st.query_params.to_dict() if here.sent is None else here.sent
        here.asked, here.page, here.visits, here.sent = asked, page, here.visits + 1, None
        here.names, here.problems, here.show = set(), {}, ""
    here.query = {}


def send(query: Mapping[str, str], own: tuple[str, ...] = ()) -> None:
    """Lets the run that begins now, or the one of the page that it goes to, read this instead of the address.

    What it leaves out is at its default, as where the reader goes back, but for these names of the reader's own.
    """
    here = _here()
    here.sent, here.own = dict(query), own


def is_link() -> bool:
    """Whether this run came to the page by a link inside the app."""
    here = _here()
    return here.arriving and not here.returning and here.visits > 1


def asked(name: str) -> str | None:
    """What the address says under a name that no control has taken yet."""
    return _here().asked.get(name)


def query() -> dict[str, str]:
    """What the address says, so far as this run has drawn the page."""
    return dict(_here().query)


@contextmanager
def bar(place: DeltaGenerator) -> Iterator[None]:
    """Draws the button that copies the address; when the block ends, the address says what the page shows.

    The address also follows a run that a click, an error or the page itself has ended.
    """
    try:
        yield
    finally:
        here = _here()
        with place:
            components.address_bar(
                {
                    "session": here.session,
                    "language": current().replace("_", "-"),
                    "page": here.page,
                    "visit": here.visits,
                    "names": sorted(here.names),
                    "query": here.query,
                    "push": not here.arriving,
                    "show": here.show,
                    "keep": here.keeps,
                    "cookies": here.cookies,
                    "labels": {
                        "copy": _("Copy link"),
                        "copied": _("Copied"),
                        "by_hand": _("Copy this link:"),
                    },
                }
            )


def show_problems(place: DeltaGenerator) -> None:
    """The sentences about what a link asks for in vain, as one note."""
    if problems := _here().problems:
        place.warning(running_text(*(sentence for _shown, sentence in problems.values())), icon=":material/link_off:")


def leave_out(name: str) -> None:
    """Leaves out what a control has put into the address."""
    _here().query.pop(name, None)


def scroll_to(key: str, *names: str) -> None:
    """Scrolls to the container with this key, once, where a link has led here that names one of these controls."""
    here = _here()
    if here.arriving and not here.returning and not st.query_params.to_dict().keys().isdisjoint(names):
        here.show = key


def keep_in_browser(secret: str) -> None:
    """Lets the browser keep a secret for a while, for its next sessions with this server."""
    _here().keeps = secret


def set_cookie(name: str, value: str, seconds: int) -> None:
    """Lets the browser keep a text of letters, digits, dots, dashes and underscores; an empty one is forgotten."""
    _here().cookies[name] = value, seconds


def choice(
    name: str,
    options: Iterable[T],
    default: Any = FIRST,
    *,
    key: str | None = None,
    code: Callable[[T], str] = str,
    texts: Mapping[T, str] | None = None,
    older: Mapping[str, T] | None = None,
    sorry: Sorry | None = None,
) -> str:
    """For one of several options, by default the first; gives the key of the control.

    code: the option in the address; of what a link asks for, only letters and digits count. texts: the marked texts of
    options, which older links have in any language. older: options by the codes that they had before.
    """
    offered = list(options)
    codes = {**(older or {}), **{slug(code(option)): option for option in offered}}
    old = {said: option for option, text in (texts or {}).items() for said in in_every_language(text)}

    def read(text: str) -> T:
        return old[text] if text in old else codes[slug(text)]

    first = offered[0] if default is FIRST else default
    # In every run, because the browser knows an option by its text, which changes with language, size and network.
    bind(name, first, read, code, key=key, fits=offered, again=True, sorry=sorry)
    return key or name


def several(name: str, options: Iterable[str], default: Iterable[str] = (), *, key: str | None = None) -> str:
    """For any number of options."""
    offered = list(options)

    def read(text: str) -> list[str]:
        codes = {slug(option): option for option in offered}
        return [codes[slug(part)] for part in text.split(",") if part]

    def fits(chosen: list[str]) -> bool:
        return set(chosen) <= set(offered)

    bind(name, list(default), read, ",".join, key=key, fits=fits, again=True)
    return key or name


def number(name: str, low: float, high: float, default: float | None, *, key: str | None = None) -> str:
    """For a number between two limits, which is whole where the lower limit is; None where nothing is chosen."""

    def read(text: str) -> float | None:
        found = type(low)(text)
        if not isfinite(found):
            raise ValueError(text)
        return found

    def fits(value: float | None) -> bool:
        return value == default if value is None else low <= value <= high

    bind(name, default, read, lambda value: f"{value:.10g}", key=key, fits=fits)
    return key or name


def switch(name: str, default: bool = False, *, key: str | None = None) -> str:
    """For what is on or off."""
    # In every run, because a switch in a closed popover reaches the browser only when that opens.
    bind(name, default, {"true": True, "false": False}.__getitem__, lambda on: str(on).lower(), key=key, again=True)
    return key or name


def written(name: str, *, key: str | None = None) -> str:
    """For what the reader writes; nothing by default."""
    bind(name, "", lambda text: text[:LONGEST], str, key=key)
    return key or name


def bind(
    name: str,
    default: T,
    read: Callable[[str], T],
    write: Callable[[T], str],
    *,
    key: str | None = None,
    fits: Collection[T] | Callable[[T], bool] | None = None,
    again: bool = False,
    sorry: Sorry | None = None,
    instead: T | None = None,
) -> T:
    """For any value: takes it from the address or the session, keeps it under a key, and gives it.

    read: raises ValueError or KeyError for a text that is none. fits: whether a value is possible now; without one
    each is. again: whether the control is told its value in every run. sorry: makes the sentence about a text that is
    none, where there is more to say. instead: what is taken where a link asks for what does not exist, if that is not
    the default.
    """
    here, key = _here(), key or name
    held = key in st.session_state
    value = st.session_state[key] if held else here.values.get(key, default)
    possible = fits if callable(fits) else (lambda value: fits is None or value in fits)
    if here.returning and name not in here.names and name not in here.own:
        value = default
    if (wanted := here.asked.pop(name, None)) is not None:
        value = _wanted(name, wanted, default if instead is None else instead, read, write, possible, sorry)
    elif key in here.defaults and value == here.defaults[key]:
        value = default  # nobody has chosen
    if not possible(value):
        value = default
    if again or not held or st.session_state[key] != value:
        st.session_state[key] = value
    if name in here.problems and here.problems[name][0] != value:
        del here.problems[name]
    here.values[key], here.defaults[key] = value, default
    here.names.add(name)
    here.query.pop(name, None)
    if value != default:
        here.query[name] = write(value)
    return value


def _wanted(
    name: str,
    wanted: str,
    instead: T,
    read: Callable[[str], T],
    write: Callable[[T], str],
    possible: Callable[[T], bool],
    sorry: Sorry | None,
) -> T:
    """What the address asks for; else what is taken instead, and a sentence that says so."""
    try:
        value = read(wanted)
        if possible(value):
            return value
    except (ValueError, KeyError):
        pass
    asks, shown = literal(wanted[:LONGEST]), literal(write(instead)) if instead not in (None, "") else ""
    _here().problems[name] = instead, (sorry or _sorry(name))(asks, shown)
    return instead


def _sorry(name: str) -> Sorry:
    def sentence(asked: str, shown: str) -> str:
        if shown:
            says = _("The link asks for **{name} = {asked}**, which does not exist here. Shown instead: **{shown}**.")
        else:
            says = _("The link asks for **{name} = {asked}**, which does not exist here, so nothing is chosen.")
        return says.format(name=name, asked=asked, shown=shown)

    return sentence


def slug(text: str) -> str:
    """A text as addresses have it: in-this-network for In this network."""
    return re.sub(r"[^\w]+|_+", "-", text.casefold()).strip("-")


def _here() -> _Place:
    place: _Place = st.session_state.setdefault("address", _Place())
    return place
