"""Server seconds from a page switch, slider or click to the first content: no browser, the app's own messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import perf_counter
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from bench.run import Run
from bench.timing import Row, measured

GOAL = 0.15  # s
ROUNDS = 5
# What needs no forward pass, by its page and query.
SWITCHES = {
    "home": "",
    "tour": "",
    "glossary": "",
    "room": "",
    "atlas": "shown=structure",
    "layers": "",
    "blocks": "",
    "differences": "",
    "zoo": "",
    "bottleneck": "",
    "factorisation": "",
    "race": "",
}
# By page: the label of a slider, of pills or of a switch, and the values that it gets in turn.
MOVES: dict[str, tuple[str, list[float | str | bool]]] = {
    "layers?layer=features.0": ("Output row", [1, 2, 3, 4, 5, 6]),
    "layers": ("Stage", ["Stem", "Inception-A"]),
    "blocks": ("Block", ["Inception-A", "Inception-B"]),
    "blocks?block=inception-c": ("Batch norm and ReLU in boxes of their own", [True, False]),
    "bottleneck": ("Channels out", [65, 66, 67, 68, 69, 70]),
    "factorisation?view=what-separable-means": ("Rank of the approximation", [2, 3]),
}
SHORT = 2  # of each
PATIENCE = 120  # s
MAIN = 0  # of the containers of an app; 1 is the sidebar


def rows(run: Run) -> Iterator[Row]:
    """Medians of the medians of `ROUNDS` after one warm-up, and which took longest."""
    count = SHORT if run.short else len(SWITCHES)
    claims = [
        Row("Page switch, server to first content, median of pages", "s", GOAL),
        Row("Page switch, server to the whole page, median of pages", "s"),
        Row("First visit of a page in a server, to first content, median of pages", "s"),
        Row("First visit of a page in a server, to the whole page, median of pages", "s"),
        Row("Slider or click, server to first new content, median", "s", GOAL),
        Row("Slider or click, server to the whole page, median", "s"),
    ]
    with run.server() as url:
        yield from measured(claims[:4], partial(switches, url, count, 1 if run.short else ROUNDS))
        yield from measured(claims[4:], partial(moves, url, count, 1 if run.short else ROUNDS))


def switches(url: str, count: int, rounds: int) -> list[tuple[float, str]]:
    """From one page to the next, all pages in turn."""
    pages = dict(list(SWITCHES.items())[-count:])
    times: dict[str, list[Time]] = {page: [] for page in pages}
    with Client(url) as client:
        for _round in range(rounds + 1):
            for page, query in pages.items():
                times[page].append(client.go(page, query))
    again, first = ({page: found[part] for page, found in times.items()} for part in (slice(1, None), slice(1)))
    return summary(again) + summary(first)


def moves(url: str, count: int, rounds: int) -> list[tuple[float, str]]:
    """Each control on its page at rest."""
    times = {}
    for address, (label, values) in list(MOVES.items())[:count]:
        page, _mark, query = address.partition("?")
        with Client(url) as client:
            client.go(page, query)
            found = [client.act(label, values[n % len(values)]) for n in range(rounds + 1)]
        times[f"{address}: {label}"] = found[1:]
    return summary(times)


def summary(times: dict[str, list[Time]]) -> list[tuple[float, str]]:
    """Of the seconds to first content, and of those to all of it: the median, and the three slowest."""
    found = []
    for part in ("first", "whole"):
        each = {name: median(getattr(time, part) for time in runs) for name, runs in times.items()}
        slowest = sorted(each, key=lambda name: each[name])[:-4:-1]
        found.append((median(each.values()), ", ".join(f"{name} {each[name]:.3f}" for name in slowest)))
    return found


@dataclass(frozen=True)
class Time:
    """Seconds from a request until its first new content, and until the whole page."""

    first: float
    whole: float


@dataclass
class Client:
    """A session with a served app, as a browser has it, without one."""

    url: str
    shown: dict[tuple[int, ...], bytes] = field(default_factory=dict)  # by place: what stands there
    widgets: dict[str, tuple[str, str]] = field(default_factory=dict)  # by label: kind and id
    page: str = ""  # the hash of the page

    def __enter__(self) -> Self:
        self.socket = connect(
            f"{self.url.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            compression=None,
        )
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.socket.close()

    def go(self, page: str, query: str) -> Time:
        """To a page, as its link in the menu leads there."""
        asked = BackMsg()
        asked.rerun_script.query_string = query
        asked.rerun_script.page_name = page
        self.widgets.clear()
        return self._ask(asked)

    def act(self, label: str, value: float | str | bool) -> Time:
        """Gives a slider, pills or a switch a value."""
        kind, name = self.widgets[label]
        asked = BackMsg()
        asked.rerun_script.page_script_hash = self.page
        state = WidgetState(id=name)
        if kind == "slider":
            state.double_array_value.data.append(float(value))
        elif kind == "button_group":
            state.string_array_value.data.append(str(value))
        else:
            state.bool_value = bool(value)
        asked.rerun_script.widget_states.widgets.append(state)
        return self._ask(asked)

    def _ask(self, asked: BackMsg) -> Time:
        """Raises TimeoutError where the app does not finish."""
        start, first = perf_counter(), None
        self.socket.send(asked.SerializeToString())
        while True:
            told = ForwardMsg()
            told.ParseFromString(self.socket.recv(timeout=PATIENCE))
            now = perf_counter() - start
            kind = told.WhichOneof("type")
            if kind == "navigation":
                self.page = told.navigation.page_script_hash
            elif kind == "delta" and self._is_new(told) and first is None:
                first = now
            elif kind == "script_finished" and told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return Time(now if first is None else first, now)

    def _is_new(self, told: ForwardMsg) -> bool:
        """Whether the message brings content of the page, behind its headline, that was not there before."""
        place = tuple(told.metadata.delta_path)
        if not told.delta.HasField("new_element"):
            return False
        element = told.delta.new_element
        kind = element.WhichOneof("type")
        if kind in ("slider", "button_group", "checkbox"):
            widget = getattr(element, kind)
            self.widgets[widget.label] = kind, widget.id
        content = element.SerializeToString()
        known, self.shown[place] = self.shown.get(place), content
        silent = kind in ("empty", "heading", "html", "bidi_component", "component_instance")
        return place[0] == MAIN and not silent and known != content
