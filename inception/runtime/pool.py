"""The networks that are in memory: one of each kind, shared by all sessions, within a limit of bytes."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from cachetools import LRUCache

from ..settings import settings
from ..weights.choice import AnyWeights, WeightsChoice, WeightsKind
from .engine_client import EngineClient, EngineGoneError, NotServedError, engine
from .engines import FoldedNetwork, load_network
from .predictor import PictureNetwork, Predictor, TorchNetwork
from .remote import RemoteNetwork

FOLDED = 2  # times the memory of a network that its folded copy takes, with the weights in the order of the processor
REMOTE = 64  # networks of an engine elsewhere whose descriptions are kept; they have no weights here
Key = tuple[str, str, WeightsChoice, str, torch.dtype]  # engine, name, weights, device, dtype
Stamp = tuple[str, int, int] | None  # path, time of change in nanoseconds, bytes


@dataclass(frozen=True)
class _Entry:
    network: PictureNetwork
    stamp: Stamp


class _Loaded(LRUCache[Key, _Entry]):
    """What is in memory; again: gives the network of a key that has had to make room."""

    def __init__(self, limit: int, again: Callable[[Key], PictureNetwork]) -> None:
        super().__init__(limit, lambda entry: min(entry.network.nbytes, limit))
        self._load_again = again

    def popitem(self) -> tuple[Key, _Entry]:
        """Takes the one out that nobody has asked for for the longest time."""
        key, entry = super().popitem()
        entry.network.let_go(partial(self._load_again, key))
        return key, entry


class Pool:
    """Networks by engine, name, weights, device and dtype, with weights of at most `limit` bytes together.

    When a new one needs room, those go that nobody has asked for for the longest time. The newest stays even if it
    alone is larger than the limit. A network that goes is freed once nobody runs it any more; whoever still holds on to
    it and runs it later gets its weights from here again. Weights that have changed on disk are loaded again. Any
    number of threads may ask; what several ask for at once is loaded once.
    """

    def __init__(self, limit: int | None = None):
        self._given = limit
        self._loading: set[Key] = set()
        self._elsewhere: LRUCache[tuple[object, ...], RemoteNetwork] = LRUCache(REMOTE)
        self._changed = threading.Condition()

    @cached_property
    def limit(self) -> int:
        """Bytes: those it was made with, else the setting `memory`. Raises SettingsError."""
        return settings().memory if self._given is None else self._given

    @cached_property  # read first under the lock, because not every Python makes it once for all threads
    def _entries(self) -> LRUCache[Key, _Entry]:
        # The cache takes nothing that is larger than itself, so that such a network counts as just filling it.
        limit = self.limit
        return _Loaded(limit, self._again)

    def _again(self, key: Key) -> PictureNetwork:
        engine, name, choice, device, dtype = key
        return self.get(name, choice, device, dtype, engine)

    def get(
        self,
        name: str,
        weights: AnyWeights = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        engine: str = Predictor.engine,
    ) -> PictureNetwork:
        """The network in an engine of `ENGINES`; arguments and errors as of `load_network`.

        A network that could not be loaded leaves nothing behind: whoever waited for it, or asks next, tries again.
        """
        choice = WeightsChoice.of(weights)
        key = engine, name, choice, str(device), dtype
        with self._changed:
            self._changed.wait_for(lambda: key not in self._loading)
            stamp = _stamp(choice)
            entry = self._entries.get(key)
            if entry is not None and entry.stamp == stamp:
                return entry.network
            self._entries.pop(key, None)
            self._loading.add(key)
        entry = None
        try:
            entry = _Entry(load_network(engine, name, choice, device, dtype), stamp)
            return entry.network
        finally:
            with self._changed:
                self._loading.discard(key)
                if entry is not None:
                    self._entries[key] = entry
                self._changed.notify_all()

    def predictor(
        self,
        name: str,
        weights: AnyWeights = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Predictor:
        """The network in PyTorch, which one can look into; arguments and errors as of `get`.

        Where the settings name an engine elsewhere, that one runs it, unless it has no such network or does not answer.
        """
        choice = WeightsChoice.of(weights)
        client = None if choice.kind is WeightsKind.UPLOAD or dtype != torch.float32 else engine()
        if client is not None:
            try:
                return self._remote(client, name, choice, device)
            except (EngineGoneError, NotServedError):
                pass
        return self._here(name, choice, device, dtype)

    def ready(
        self, name: str, weights: WeightsChoice, device: str | torch.device, engine: str = Predictor.engine
    ) -> bool:
        """Whether a network in float32 is in memory, so that asking for it takes no time."""
        with self._changed:
            return (engine, name, weights, str(device), torch.float32) in self._entries

    def quick(self, network: Predictor) -> TorchNetwork:
        """The same network with its batch norms folded, which hands out the same maps sooner.

        The network itself, where the weights are a reader's own, or there is no room for both beside all others.
        """
        if network.weights.kind is WeightsKind.UPLOAD or network.dtype != torch.float32:
            return network
        key = FoldedNetwork.engine, network.name, network.weights, str(network.device), network.dtype
        with self._changed:
            known = key in self._entries or key in self._loading
        if not known and self.nbytes + FOLDED * network.nbytes > self.limit:
            return network
        folded = self.get(network.name, network.weights, network.device, network.dtype, FoldedNetwork.engine)
        assert isinstance(folded, TorchNetwork)
        return folded

    def _remote(
        self, client: EngineClient, name: str, choice: WeightsChoice, device: str | torch.device
    ) -> RemoteNetwork:
        key = client, name, choice, _stamp(choice), str(device)
        with self._changed:
            network = self._elsewhere.get(key)
        if network is None:
            here = partial(self._here, name, choice, device)
            network = RemoteNetwork(client, name, choice, here, device)
            with self._changed:
                self._elsewhere[key] = network
        return network

    def _here(
        self, name: str, weights: AnyWeights, device: str | torch.device, dtype: torch.dtype = torch.float32
    ) -> Predictor:
        """The network in this process."""
        network = self.get(name, weights, device, dtype)
        assert isinstance(network, Predictor)
        return network

    @property
    def nbytes(self) -> int:
        """Of the weights of all networks here; one that alone is larger than the limit counts as the limit."""
        with self._changed:
            return int(self._entries.currsize)

    def __len__(self) -> int:
        with self._changed:
            return len(self._entries)


def _stamp(weights: WeightsChoice) -> Stamp:
    """What tells one state of a weights file from another; None without a file. Raises CheckpointError."""
    if (path := weights.path) is None:
        return None
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # loading it says what is wrong
        return None
    return str(path), status.st_mtime_ns, status.st_size


networks = Pool()
