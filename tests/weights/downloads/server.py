"""An HTTP server on this machine that stalls, truncates, lies and serves the wrong file, and what its tests share."""

import hashlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch

from inception import create_model
from inception.weights import download
from inception.weights.download import Download
from inception.weights.known import known_weights, locate
from inception.zoo import available_weights, fetch_weights
from tests import reference

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TINY: dict[str, Any] = {"width": 0.05, "repeats": (1, 1, 1)}
HUB, RELEASE = "tiny-hub", "tiny-release"
BOTH = pytest.mark.parametrize("tag", [HUB, RELEASE])
LONG = 10  # seconds to wait for what takes a fraction of one
HTML = b"<!DOCTYPE html><title>Log in</title>" + b"<p>Welcome to this network." * 4000


@cache
def checkpoint(width: float = 0.05) -> bytes:
    """A checkpoint of the stand-in network, about 170 kB, in PyTorch's format."""
    torch.manual_seed(0)
    buffer = io.BytesIO()
    torch.save(create_model("inception_resnet_v1", width=width, repeats=(1, 1, 1)).state_dict(), buffer)
    return buffer.getvalue()


class Opens:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


# The server
Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Behaves like the hub below /timm, which sends on to /cdn, and like a plain file server elsewhere."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self.close_connection = True
        if self.path.startswith("/timm"):
            self.answer(
                302, {"Location": f"http://localhost:{self.server.server_port}/cdn", **self.server.hub_headers()}
            )
            return
        with self.server.lock:
            self.server.ranges.append(self.headers.get("Range"))
            behaviour = self.server.script.pop(0) if self.server.script else serve()
        behaviour(self)

    do_HEAD = do_GET  # noqa: N815

    def answer(self, status: int, headers: dict[str, Any]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": 0, "Connection": "close", **headers}.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


class Server(ThreadingHTTPServer):
    """content: of the file. script: what to do with the next requests for it, then it serves right.

    ranges: the Range header of each request for it. closing: ends stalls. sha256, commit: what the hub states.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = checkpoint()
        self.script: list[Behaviour] = []
        self.ranges: list[str | None] = []
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.sha256: str | None = None
        self.commit = COMMIT
        self.address = f"http://127.0.0.1:{self.server_port}"

    def hub_headers(self) -> dict[str, str]:
        sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()
        return {"X-Repo-Commit": self.commit, "X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(self.content))}

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are what is tested here."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server until the block ends."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def serve(
    content: bytes | None = None,
    stop_after: int | None = None,
    stall: bool = False,
    length: int | None = None,
    ranges: bool = True,
    total: int | None = None,
) -> Behaviour:
    """Sends the file, or `stop_after` bytes of what was asked for and then nothing (`stall`) or the end.

    length: a lie about how much is being sent; total: about how large the file is.
    """

    def behave(handler: Handler) -> None:
        body = handler.server.content if content is None else content
        asked = handler.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and ranges else 0
        size = len(body) if total is None else total
        if start >= len(body):
            handler.answer(416, {"Content-Range": f"bytes */{size}"})
            return
        rest = body[start:]
        headers: dict[str, Any] = {"Content-Length": length or size - start}
        if asked and ranges:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        handler.answer(206 if asked and ranges else 200, headers)
        handler.wfile.write(rest[:stop_after])
        if stall:
            handler.server.closing.wait(60)

    return behave


def silence(handler: Handler) -> None:
    handler.server.closing.wait(60)


def status(code: int) -> Behaviour:
    return lambda handler: handler.answer(code, {})


def files(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file())


def part(home: Path, tag: str) -> Path:
    if tag == HUB:
        return home / "hub/models--timm--tiny/blobs/model.safetensors.part"
    return home / "torch/checkpoints/tiny.pt.part"


def finish(tag: str) -> Download:
    each = fetch_weights(tag)
    assert each.wait(LONG)
    return each


def assert_installed(tag: str, each: Download) -> None:
    assert (each.state, each.error) == ("done", "")
    assert each.done_bytes == each.total_bytes == len(checkpoint())
    path = locate(tag)
    assert path is not None
    assert path.read_bytes() == checkpoint()
    folder = download.part_file(known_weights()[tag]).parent
    assert [left.name for left in folder.iterdir() if left.suffix in (".part", ".lock", ".new")] == []


def assert_failed(tag: str, each: Download, home: Path, *mentioned: str, kept: bool = False) -> None:
    """One sentence, nothing that `locate` finds, and no file but the part with which the next download goes on."""
    assert each.state == "failed"
    reference.assert_one_sentence(ValueError(each.error))
    for text in mentioned:
        assert text in each.error
    assert locate(tag) is None
    assert available_weights("inception_resnet_v1") == []
    assert files(home) == ([part(home, tag)] if kept else [])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
