"""Networks in memory: one of each kind for all sessions, as many as the memory set aside for them holds."""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass

import torch

from ..weights.known import checkpoint_file
from .engines import load_network
from .predictor import PictureNetwork, Predictor

LIMIT = 2**30  # bytes of weights; room for four of Inception-ResNet-v2 in float32

Key = tuple[str, str, str | None, str, torch.dtype]  # engine, name, weights, device, dtype
Stamp = tuple[str, int, int] | None  # path, time of change in nanoseconds, bytes


@dataclass(frozen=True)
class _Entry:
    network: PictureNetwork
    stamp: Stamp


class Pool:
    """Networks by engine, name, weights, device and dtype; those not asked for longest go when `limit` bytes are full.

    The newest stays even if it alone is larger. A network that goes is freed when no one runs it any more. Weights that
    have changed on disk are loaded anew. Any number of threads may ask; what two of them ask for is loaded once.
    """

    def __init__(self, limit: int = LIMIT):
        self.limit = limit
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._loading: set[Key] = set()
        self._changed = threading.Condition()

    def get(
        self,
        name: str,
        weights: str | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        engine: str = Predictor.engine,
    ) -> PictureNetwork:
        """The network in an engine of `ENGINES`; arguments and errors as of `load_network`.

        What could not be loaded leaves nothing behind: whoever waited for it or comes next tries again.
        """
        key = engine, name, weights, str(device), dtype
        with self._changed:
            self._changed.wait_for(lambda: key not in self._loading)
            stamp = _stamp(weights)
            entry = self._entries.get(key)
            if entry is not None and entry.stamp == stamp:
                self._entries.move_to_end(key)
                return entry.network
            self._entries.pop(key, None)
            self._loading.add(key)
        entry = None
        try:
            entry = _Entry(load_network(engine, name, weights, device, dtype), stamp)
            return entry.network
        finally:
            with self._changed:
                self._loading.discard(key)
                if entry is not None:
                    self._entries[key] = entry
                    self._make_room()
                self._changed.notify_all()

    def predictor(
        self,
        name: str,
        weights: str | None = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Predictor:
        """The network that can be looked into."""
        network = self.get(name, weights, device, dtype)
        assert isinstance(network, Predictor)
        return network

    @property
    def nbytes(self) -> int:
        """Of the weights of all networks here."""
        with self._changed:
            return sum(entry.network.nbytes for entry in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def _make_room(self) -> None:
        while len(self._entries) > 1 and sum(entry.network.nbytes for entry in self._entries.values()) > self.limit:
            self._entries.popitem(last=False)


def _stamp(weights: str | None) -> Stamp:
    """What tells one state of a weights file from another; None without a file. Raises CheckpointError."""
    if weights is None:
        return None
    path = checkpoint_file(weights)
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # loading it says what is wrong
        return None
    return str(path), status.st_mtime_ns, status.st_size


networks = Pool()
