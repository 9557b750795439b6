"""`Networks`: the deployment that runs networks. Each replica is a process with a few of them in memory."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray import serve

from ..errors import InceptionError
from ..runtime.devices import DTYPES, dtype_name
from ..runtime.open_inference import Message
from ..runtime.predictor import Predictor, outputs_of
from ..runtime.remote import PIXELS
from ..weights.known import sha256_of
from ..words import N_, _, speaking
from .models import served_models
from .views import computed, graph_of

NETWORKS = 4  # in the memory of one replica; the one that was not asked for longest goes
BATCH = 32  # pictures in one pass
WAIT = 0.005  # seconds that a pass waits for others to join it
NO_MODEL = N_("There is no model {model!r} here; GET /v2/models lists them.")
BEAT = 0.25  # seconds after which work that says nothing says that it goes on


@dataclass(frozen=True)
class Refused:
    """Why a request has no answer: a sentence, and the HTTP status that goes with it."""

    sentence: str
    status: int = 400


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The reader has gone, so the work ends."""


class Networks:
    """Runs networks by the names of `served_models`, several requests for one of them in a pass."""

    def __init__(self, device: str, dtype: str, threads: int):
        torch.set_num_threads(threads)
        self._device, self._dtype = device, DTYPES[dtype]

    @serve.multiplexed(max_num_models_per_replica=NETWORKS)  # type: ignore[untyped-decorator]
    async def network(self, model: str) -> Predictor:
        """The network of that name, loaded if need be; raises KeyError where there is none."""
        name, weights = served_models()[model]
        return await asyncio.to_thread(Predictor, name, weights, self._device, self._dtype)

    async def describe(self, model: str) -> dict[str, Any] | Refused:
        """What the protocol's metadata say of a network, and beside it what our own client reads."""
        try:
            network = await self.network(model)
        except (InceptionError, KeyError) as error:
            return _refused(error, model)
        outputs = len(network.labels) or outputs_of(network.model)
        file = network.weights.path
        return {
            "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 3, -1, -1]}],
            "outputs": [{"name": _output(network), "datatype": "FP32", "shape": [-1, outputs]}],
            "parameters": {
                "embeds": network.embeds,
                "remarks": list(network.remarks),
                "device": str(network.device),
                "dtype": dtype_name(network.dtype),
                "nbytes": network.nbytes,
                "input_size": network.input_size,
                "sha256": sha256_of(file) if file else None,
            },
        }

    async def infer(self, model: str, pictures: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]] | Refused:
        """The name of the output, and (N, classes) logits or (N, D) embeddings of (N, 3, H, W) prepared pictures."""
        return await self._together((model, pictures))

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT, batch_size_fn=lambda asked: _pictures(asked))
    async def _together(
        self, asked: list[tuple[str, NDArray[np.float32]]]
    ) -> list[tuple[str, NDArray[np.float32]] | Refused]:
        """Serve hands over requests for one network; those of one size of picture run in one pass."""
        model = asked[0][0]
        try:
            network = await self.network(model)
        except (InceptionError, KeyError) as error:
            return [_refused(error, model)] * len(asked)
        batches = [pictures for _model, pictures in asked]
        return await asyncio.to_thread(_run, network, batches)

    async def view(self, model: str, route: str, message: Message, language: str) -> AsyncIterator[tuple[str, Any]]:
        """What one of our own routes gives, piece by piece: kind and value.

        "progress" with (done, total), "preview" and "result" with (parameters, tensors), "beat" with None while nothing
        happens, "error" with `Refused`.
        """
        said: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        loop, stopped = asyncio.get_running_loop(), threading.Event()

        def hear(kind: str, value: object) -> None:
            check()
            loop.call_soon_threadsafe(said.put_nowait, (kind, value))

        def check() -> None:
            if stopped.is_set():
                raise Stopped

        def work() -> None:
            try:
                with speaking(language):
                    pixels = message.tensors[PIXELS]
                    hear("result", computed(route, network, pixels, message, hear, check))
            except Stopped:
                pass
            except InceptionError as error:
                hear("error", _refused(error, model))
            except Exception as error:  # the reader hears of it, and the replica goes on
                hear("error", Refused(f"{type(error).__name__}: {error}", 500))

        try:
            network = await self.network(model)
        except (InceptionError, KeyError) as error:
            yield "error", _refused(error, model)
            return
        working = asyncio.create_task(asyncio.to_thread(work))
        try:
            while True:
                try:
                    kind, value = await asyncio.wait_for(said.get(), BEAT)
                except TimeoutError:
                    kind, value = "beat", None
                yield kind, value
                if kind in ("result", "error"):
                    return
        finally:
            stopped.set()
            await asyncio.shield(working)

    async def check_health(self) -> None:
        """Asked by Serve, which replaces a replica that raises here or does not answer."""
        torch.ones(1, device=self._device).sum().item()


def _pictures(asked: Any) -> int:
    """Of requests that are about to share a pass."""
    return sum(len(pictures) for _model, pictures in asked)


def _run(network: Predictor, batches: list[NDArray[np.float32]]) -> list[tuple[str, NDArray[np.float32]] | Refused]:
    """The answer for each batch; batches of one size run together."""
    answers: dict[int, tuple[str, NDArray[np.float32]] | Refused] = {}
    sizes: dict[tuple[int, ...], list[int]] = {}
    for place, batch in enumerate(batches):
        sizes.setdefault(batch.shape[1:], []).append(place)
    for places in sizes.values():
        together = torch.from_numpy(np.concatenate([batches[place] for place in places]))
        try:
            graph_of(network, together.shape[2:])  # says in words what is too small for the network
            with network.turn() as model, torch.inference_mode():
                given = together.to(network.device, network.dtype, memory_format=network.memory_format)
                outputs = model(given).float().cpu().numpy()
        except InceptionError as error:
            answers |= dict.fromkeys(places, _refused(error, network.name))
            continue
        ends = np.cumsum([len(batches[place]) for place in places])
        parts = np.split(outputs, ends[:-1])
        answers |= {place: (_output(network), part) for place, part in zip(places, parts, strict=True)}
    return [answers[place] for place in range(len(batches))]


def _output(network: Predictor) -> str:
    """What the output of a network is called."""
    return "embedding" if network.embeds else "logits"


def _refused(error: Exception, model: str) -> Refused:
    if isinstance(error, KeyError):
        return Refused(_(NO_MODEL).format(model=model), 404)
    return Refused(str(error))
