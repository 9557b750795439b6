"""`Door`: the deployment that speaks HTTP. It lets in who has the token, checks what comes in, and asks `Networks`.

The Open Inference Protocol is under /v2, and beside it stand our own routes: activations, embeddings, what a picture
becomes inside, and attributions. https://github.com/kserve/open-inference-protocol
"""

import asyncio
import hmac
import json
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any, cast

from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle, DeploymentResponseGenerator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..runtime.open_inference import BINARY, MAX_BODY, OWN, Message, MessageError, read_request, response_body
from ..runtime.remote import PIXELS
from ..size import MAX_SIDE
from ..version import DISTRIBUTION, __version__
from ..words import ENGLISH, N_, _, current, match, speaking
from .models import served_models
from .replica import BATCH, NO_MODEL, Refused
from .views import ROUTES

INPUT = "input"
STOPPED = N_("Two replicas stopped under this request. Try again.")
ALWAYS_OPEN = ("/v2/health/live", "/v2/health/ready")  # for probes, which have no token
log = logging.getLogger("ray.serve")

Answer = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):  # noqa: N818 - what is raised is an answer
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None, **more: int):
        super().__init__(sentence)
        self.response = JSONResponse({"error": sentence, **more}, status, headers)


class Door:
    """One of it answers for all replicas of `Networks`.

    token: what whoever asks must say; None lets everyone in.
    """

    def __init__(self, networks: DeploymentHandle[Any], token: str | None):
        self._networks, self._token = networks, token
        self._inside = 0  # requests that wait or run
        self._ended: float | None = None  # when the last one ended
        self._seconds = 1.0  # from the end of one to the end of the next, while there is work

    def __serve_build_asgi_app__(self) -> Starlette:
        routes = [
            Route("/v2", self._guarded(self._about)),
            Route("/v2/health/live", self._guarded(self._live)),
            Route("/v2/health/ready", self._guarded(self._ready)),
            Route("/v2/models", self._guarded(self._models)),
            Route("/v2/models/{model}", self._guarded(self._model)),
            Route("/v2/models/{model}/ready", self._guarded(self._model_ready)),
            Route("/v2/models/{model}/infer", self._guarded(self._infer), methods=["POST"]),
            Route("/v2/models/{model}/{view:path}", self._guarded(self._view), methods=["POST"]),
        ]
        return Starlette(routes=routes)

    def _guarded(self, answer: Answer) -> Answer:
        """An answer for those who may ask, with a sentence for whatever is wrong."""

        async def guarded(request: Request) -> Response:
            with speaking(match(request.headers.get("Accept-Language", "").partition(",")[0]) or ENGLISH):
                try:
                    self._let_in(request)
                    return await answer(request)
                except Refusal as refusal:
                    return refusal.response
                except MessageError as error:
                    return JSONResponse({"error": str(error)}, 400)
                except BackPressureError:
                    return self._busy().response

        return guarded

    def _let_in(self, request: Request) -> None:
        if self._token is None or request.url.path in ALWAYS_OPEN:
            return
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise Refusal(401, _("The token is missing or wrong."), {"WWW-Authenticate": "Bearer"})

    async def _about(self, _request: Request) -> Response:
        return JSONResponse({"name": DISTRIBUTION, "version": __version__, "extensions": [BINARY, OWN]})

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"live": True})

    async def _ready(self, _request: Request) -> Response:
        try:
            await asyncio.wait_for(self._networks.check_health.remote(), 10)
        except Exception:  # whatever it is, a probe wants to know that it is not ready
            log.exception("unready")
            return JSONResponse({"ready": False}, 503)
        return JSONResponse({"ready": True})

    async def _models(self, _request: Request) -> Response:
        return JSONResponse({"models": sorted(await asyncio.to_thread(served_models))})

    async def _model(self, request: Request) -> Response:
        model = request.path_params["model"]
        about = _accepted(await self._ask(model, "describe", model))
        return JSONResponse({"name": model, "platform": "pytorch", **about})

    async def _model_ready(self, request: Request) -> Response:
        model = request.path_params["model"]
        if model not in await asyncio.to_thread(served_models):
            raise Refusal(404, _(NO_MODEL).format(model=model))
        return JSONResponse({"name": model, "ready": True})

    async def _infer(self, request: Request) -> Response:
        model = request.path_params["model"]
        message = read_request(await _body(request), request.headers)
        pictures = message.tensors.get(INPUT)
        if pictures is None or len(message.tensors) != 1:
            raise Refusal(400, _("There must be one input, named {name}.").format(name=INPUT))
        if pictures.dtype != "<f4" or pictures.ndim != 4 or pictures.shape[1] != 3:
            sentence = _("{name} must be FP32 of shape [N, 3, height, width].")
            raise Refusal(400, sentence.format(name=INPUT))
        if not 1 <= len(pictures) <= BATCH or not _is_picture(pictures.shape[2:]):
            sentence = _("{name} must hold 1 to {most} pictures of at most {side}x{side} pixels.")
            raise Refusal(400, sentence.format(name=INPUT, most=BATCH, side=MAX_SIDE))
        name, outputs = _accepted(await self._ask(model, "infer", model, pictures))
        if message.wanted and message.wanted != (name,):
            raise Refusal(400, _("The only output is {name}.").format(name=name))
        body, headers = response_body(model, {name: outputs}, {}, message.wants_binary, message.id)
        return Response(body, headers=headers)

    async def _view(self, request: Request) -> Response:
        model, route = request.path_params["model"], request.path_params["view"]
        if route not in ROUTES:
            sentence = _("There is no route {route!r}; there are {known}.")
            raise Refusal(404, sentence.format(route=route, known=_(", ").join(["infer", *ROUTES])))
        message = read_request(await _body(request), request.headers)
        pixels = message.tensors.get(PIXELS)
        if pixels is None or pixels.dtype != "u1" or pixels.ndim != 3 or pixels.shape[2] != 3:
            sentence = _("There must be an input named {name}: UINT8 of shape [height, width, 3].")
            raise Refusal(400, sentence.format(name=PIXELS))
        if not _is_picture(pixels.shape[:2]):
            sentence = _("A picture must have at most {side}x{side} pixels.")
            raise Refusal(400, sentence.format(side=MAX_SIDE))
        streams = message.parameters.pop("stream", False) is True
        pieces = self._pieces(model, route, message, current())
        if streams:
            first = await anext(pieces)  # so that a full queue is a status and not a broken stream
            return StreamingResponse(_frames(model, first, pieces), media_type="application/octet-stream")
        async for kind, value in pieces:
            if kind == "error":
                _accepted(value)
            if kind == "result":
                body, headers = _response(model, value, message.wants_binary, message.id)
                return Response(body, headers=headers)
        raise Refusal(500, _(STOPPED))

    async def _ask(self, model: str, method: str, *arguments: object) -> Any:
        """What a replica answers; asked once more where it died under the request."""
        for last in (False, True):
            async with _Counted(self):
                try:
                    return await getattr(self._networks, method).options(multiplexed_model_id=model).remote(*arguments)
                except RayActorError as error:
                    if last:
                        raise Refusal(500, _(STOPPED)) from error
        raise AssertionError

    async def _pieces(self, model: str, route: str, message: Message, language: str) -> AsyncIterator[tuple[str, Any]]:
        """What a replica says of a view; begun again, once, where it died in the middle."""
        for last in (False, True):
            asked: DeploymentHandle[Any] = self._networks.view.options(multiplexed_model_id=model, stream=True)
            async with _Counted(self):
                answers = cast(DeploymentResponseGenerator[Any], asked.remote(model, route, message, language))
                try:
                    async for piece in answers:
                        yield piece
                    return
                except RayActorError:
                    if last:
                        yield "error", Refused(_(STOPPED), 500)
                        return
                finally:
                    answers.cancel()

    def _busy(self) -> Refusal:
        """The answer to one more than the queue holds: how many are before it, and when it is worth trying again."""
        before = max(1, self._inside)
        seconds = min(60, max(1, math.ceil(before * self._seconds)))
        sentence = _("Busy, {before} before you. Try again in {seconds} s.").format(before=before, seconds=seconds)
        return Refusal(503, sentence, {"Retry-After": str(seconds)}, before=before)

    def enter(self) -> None:
        """One more request waits or runs."""
        if not self._inside:
            self._ended = monotonic()
        self._inside += 1

    def leave(self) -> None:
        """A request has its answer, or none."""
        now = monotonic()
        if self._ended is not None:
            self._seconds += 0.1 * (now - self._ended - self._seconds)
        self._inside, self._ended = self._inside - 1, now


class _Counted:
    """Counts a request while it is in the block."""

    def __init__(self, door: Door):
        self._door = door

    async def __aenter__(self) -> None:
        self._door.enter()

    async def __aexit__(self, *_error: object) -> None:
        self._door.leave()


async def _body(request: Request) -> bytes:
    """The body of a request; raises Refusal before more than `MAX_BODY` bytes of it are held."""
    sentence = _("A message has at most {most:,} bytes.").format(most=MAX_BODY)
    too_large = Refusal(413, sentence, {"Connection": "close"})
    said = request.headers.get("Content-Length", "")
    if said.isdecimal() and int(said) > MAX_BODY:
        raise too_large
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) > MAX_BODY:
            raise too_large
    return bytes(held)


def _is_picture(size: tuple[int, ...]) -> bool:
    """Whether a height and a width are those of a picture that may come in."""
    return min(size) >= 1 and max(size) <= MAX_SIDE


def _accepted(value: Any) -> Any:
    """The value, or the refusal that stands in its place as an exception."""
    if isinstance(value, Refused):
        raise Refusal(value.status, value.sentence)
    return value


def _response(model: str, value: tuple[Any, Any], binary: bool, id: str | None = None) -> tuple[bytes, dict[str, str]]:
    """The message of a tree and its tensors."""
    tree, tensors = value
    return response_body(model, tensors, {} if tree is None else {"result": tree}, binary, id)


async def _frames(model: str, first: tuple[str, Any], rest: AsyncIterator[tuple[str, Any]]) -> AsyncIterator[bytes]:
    """Each piece as a line of JSON, and after it as many bytes as the line says."""
    yield _frame(model, *first)
    async for kind, value in rest:
        yield _frame(model, kind, value)


def _frame(model: str, kind: str, value: Any) -> bytes:
    about: dict[str, Any] = {"kind": kind}
    payload = b""
    if kind == "progress":
        about["done"], about["total"] = value
    elif kind == "error":
        about["sentence"] = value.sentence
    elif value is not None:
        payload, about["headers"] = _response(model, value, binary=True)
        about["size"] = len(payload)
    return json.dumps(about).encode() + b"\n" + payload
