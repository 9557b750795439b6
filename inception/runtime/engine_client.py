"""The HTTP side of an engine elsewhere: one request, asked a second time where a replica died under the first.

An engine that cannot be reached is left alone for `PAUSE` seconds, so that pages do not wait for it again and again.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx2

from ..errors import InceptionError
from ..settings import settings
from ..words import _, current
from .open_inference import BINARY, OWN, Message, MessageError, Tensors, read_response, request_body

PAUSE = 10.0  # seconds
SECONDS = 120  # for an answer: a pass of a full network on a busy core takes its time
TIMEOUT = httpx2.Timeout(SECONDS, connect=2.0)
CONNECTIONS = httpx2.Limits(max_connections=256, max_keepalive_connections=16, keepalive_expiry=4.0)
AGAIN = (500, 502, 504)  # what says that a replica or its proxy broke, not that the request was wrong


class EngineError(InceptionError, RuntimeError):
    """An engine that refused a request or broke twice, in one sentence."""


class EngineBusyError(EngineError):
    """An engine with a full queue, in one sentence."""


class EngineGoneError(EngineError):
    """An engine that cannot be reached; what asked it computes in this process instead."""


class NotServedError(EngineError):
    """A model or a route that the engine does not have; what asked it computes in this process instead."""


@dataclass(frozen=True)
class Metadata:
    """What an engine says of one of its models."""

    input: str  # name of its input
    output: str
    outputs: int  # classes, or numbers of an embedding; -1 where the engine does not say
    parameters: Mapping[str, Any]  # what only our own engine says


class EngineClient:
    """Asks one engine; any number of threads may share it."""

    def __init__(self, url: str, token: str = ""):
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(timeout=TIMEOUT, limits=CONNECTIONS, headers=headers, trust_env=False)
        self._lock = threading.Lock()
        self._gone_until = 0.0
        self._extensions: frozenset[str] | None = None
        self._version = ""

    @property
    def gone(self) -> bool:
        """Whether the engine could not be reached when it was asked last."""
        return self._gone_until > 0

    @property
    def place(self) -> str:
        """Its address as readers see it, which is no link for them."""
        return self.url.partition("://")[2]

    @property
    def gone_sentence(self) -> str:
        """That the engine is gone, for readers."""
        return _("The engine at {place} does not answer.").format(place=self.place)

    def extensions(self) -> frozenset[str]:
        """What the engine can do beside the protocol; raises EngineError."""
        if self._extensions is None:
            about = self._json("v2")
            self._version = str(about.get("version", ""))
            self._extensions = frozenset(map(str, about.get("extensions", ())))
        return self._extensions

    def is_ours(self, version: str) -> bool:
        """Whether it is our own engine in that version, whose views can be read; raises EngineError."""
        return OWN in self.extensions() and self._version == version

    def metadata(self, model: str) -> Metadata:
        """What the engine says of a model; raises NotServedError where it has none of that name, EngineError."""
        about = self._json(f"v2/models/{quote(model, safe='')}")
        try:
            given, answer = about["inputs"][0], about["outputs"][0]
            return Metadata(
                str(given["name"]), str(answer["name"]), int(answer["shape"][-1]), dict(about.get("parameters") or {})
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EngineError(_("The engine's answer cannot be read: {reason}").format(reason=model)) from error

    def ask(self, route: str, tensors: Tensors, parameters: Mapping[str, Any] | None = None) -> Message:
        """The answer of a route to tensors; raises EngineError, NotServedError, EngineBusyError, EngineGoneError."""
        body, headers = request_body(tensors, parameters or {}, BINARY in self.extensions())
        answer = self._send("POST", route, body, headers)
        return _read(answer.content, answer.headers)

    def follow(
        self, route: str, tensors: Tensors, parameters: Mapping[str, Any], frame: Callable[[str, Any], None]
    ) -> Message:
        """As `ask`, for long work, of which `frame` hears meanwhile.

        frame: called with "progress" and [done, total], with "preview" and a `Message`, and with "beat" and None while
        nothing happens; what it raises ends the work, here and in the engine.
        """
        body, headers = request_body(tensors, {**parameters, "stream": True}, True)
        for last in (False, True):
            begun = False
            try:
                with self._answer("POST", route, body, headers) as answer:
                    for kind, value in _frames(answer):
                        begun = True
                        if kind == "result":
                            return value
                        frame(kind, value)
                raise httpx2.RemoteProtocolError(route)
            except httpx2.TransportError as error:
                if last or isinstance(error, httpx2.ReadTimeout):
                    raise self._broken(error, gone=not begun) from error
        raise AssertionError

    def _json(self, route: str) -> dict[str, Any]:
        answer = self._send("GET", route)
        try:
            found = answer.json()
            if isinstance(found, dict):
                return found
        except ValueError:
            pass
        raise EngineError(_("The engine's answer cannot be read: {reason}").format(reason=route))

    def _send(
        self, method: str, route: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """A request that is asked again once where the engine broke under it."""
        for last in (False, True):
            try:
                with self._answer(method, route, body, headers or {}, last) as answer:
                    if answer.status_code not in AGAIN:
                        answer.read()
                        return answer
            except httpx2.TransportError as error:
                if last or isinstance(error, httpx2.ReadTimeout):
                    raise self._broken(error, gone=True) from error
        raise AssertionError

    @contextmanager
    def _answer(
        self, method: str, route: str, body: bytes, headers: Mapping[str, str], last: bool = True
    ) -> Iterator[httpx2.Response]:
        """The answer to a request, with its body to come; raises what an answer other than 200 says."""
        with self._lock:
            if monotonic() < self._gone_until:
                raise EngineGoneError(self.gone_sentence)
        language = {"Accept-Language": current().replace("_", "-")}
        with self._http.stream(method, f"{self.url}/{route}", content=body, headers={**headers, **language}) as answer:
            if answer.status_code == 200:
                with self._lock:
                    self._gone_until = 0.0
                yield answer
                return
            if answer.status_code in AGAIN and not last:
                yield answer
                return
            answer.read()
            raise _refusal(answer, described=method == "GET")

    def _broken(self, error: Exception, gone: bool) -> EngineError:
        """What became of an engine that did not answer twice."""
        if isinstance(error, httpx2.ReadTimeout):
            sentence = _("The engine did not answer within {seconds} seconds. Try again.")
            return EngineError(sentence.format(seconds=SECONDS))
        if not gone:
            sentence = _("The engine stopped in the middle of the work, twice. Try again.")
            return EngineError(sentence)
        with self._lock:
            self._gone_until = monotonic() + PAUSE
            self._extensions = None  # another one may come back
        return EngineGoneError(self.gone_sentence)


def _frames(answer: httpx2.Response) -> Iterator[tuple[str, Any]]:
    """Kind and value of what an engine streams: a line of JSON each, and as many bytes as it says."""
    held, pieces = bytearray(), answer.iter_bytes()
    while True:
        while (end := held.find(b"\n")) < 0:
            piece = next(pieces, None)
            if piece is None:
                return
            held += piece
        about = json.loads(held[:end])
        del held[: end + 1]
        size = int(about.get("size", 0))
        while len(held) < size:
            piece = next(pieces, None)
            if piece is None:
                return
            held += piece
        payload = bytes(held[:size])
        del held[:size]
        kind = str(about["kind"])
        if kind == "error":
            raise EngineError(str(about["sentence"]))
        if kind == "progress":
            yield kind, (int(about["done"]), int(about["total"]))
        else:
            yield kind, _read(payload, about.get("headers", {})) if size else None


def _read(body: bytes, headers: Mapping[str, str]) -> Message:
    try:
        return read_response(body, headers)
    except MessageError as error:
        raise EngineError(_("The engine's answer cannot be read: {reason}").format(reason=error)) from error


def _refusal(answer: httpx2.Response, described: bool) -> EngineError:
    """What an answer other than 200 says, as an error with a sentence.

    described: whether a description was asked for; Triton answers 400 where it has no such model.
    """
    try:
        said = answer.json()
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    reason = str(said.get("error") or f"HTTP {answer.status_code}")
    if answer.status_code in (429, 503):
        return EngineBusyError(_busy(said.get("before"), answer.headers.get("Retry-After", "")))
    if answer.status_code == 404 or (described and answer.status_code == 400):
        return NotServedError(reason)
    if answer.status_code in (401, 403):
        sentence = _("The engine wants a token: set {variable} to the one that it was started with.")
        return EngineError(sentence.format(variable="INCEPTION_ENGINE_TOKEN"))
    if answer.status_code in AGAIN:
        return EngineError(_("The engine broke under the request, twice. Try again."))
    return EngineError(_("The engine refused the request: {reason}").format(reason=reason))


def _busy(before: object, seconds: str) -> str:
    wait = int(seconds) if seconds.isascii() and seconds.isdecimal() else 1
    if not isinstance(before, int):
        return _("The engine is busy. Try again in {seconds} s.").format(seconds=wait)
    return _("The engine is busy, {before} before you. Try again in {seconds} s.").format(before=before, seconds=wait)


@lru_cache(maxsize=4)
def _client(url: str, token: str) -> EngineClient:
    return EngineClient(url, token)


def engine() -> EngineClient | None:
    """The engine that the settings name; None where networks run in this process. Raises SettingsError."""
    now = settings()
    token = now.engine_token.get_secret_value() if now.engine_token else ""
    return _client(now.engine_url, token) if now.engine_url else None
