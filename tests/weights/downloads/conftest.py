"""The server, and a machine with empty caches that knows two stand-ins for published checkpoints."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import constants

from inception.weights import download
from inception.weights.known import known_weights

from .server import (
    HUB,
    LONG,
    RELEASE,
    TINY,
    Server,
    serving,
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def home(no_bundled_weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Iterator[Path]:
    """Empty caches, the stand-ins among the known weights, and no waiting; afterwards no thread may be left."""
    address = server.address
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(download, "PAUSE", 0.005)
    known = replace(known_weights()["20180402-114759-vggface2"], sha256="", overrides=TINY)
    monkeypatch.setitem(known_weights(), HUB, replace(known, tag=HUB, url="", repository="timm/tiny"))
    monkeypatch.setitem(known_weights(), RELEASE, replace(known, tag=RELEASE, url=f"{address}/release/tiny.pt"))
    monkeypatch.setattr(download, "_downloads", {})
    before = set(threading.enumerate())
    yield tmp_path
    for each in download._downloads.values():
        each.cancel()
    server.closing.set()
    deadline = time.monotonic() + LONG
    while left := [t for t in threading.enumerate() if t not in before and not is_servers(t)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def is_servers(thread: threading.Thread) -> bool:
    return "process_request_thread" in thread.name


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", httpx2.Timeout(0.2))
