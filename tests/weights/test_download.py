"""Downloads from a real HTTP server on this machine that stalls, truncates, lies and serves the wrong file."""

import errno
import hashlib
import io
import os
import pickle
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
import pytest
import torch
from filelock import FileLock
from huggingface_hub import constants
from safetensors.torch import save

from inception import CheckpointError, create_model, zoo
from inception.weights import download
from inception.weights.download import Download, DownloadError, last_download
from inception.weights.known import known_weights, locate
from inception.zoo import available_weights, check_weights, fetch_weights
from pages.parts import weights_chooser
from pages.parts.weights_chooser import uploaded_file
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

    def hub_headers(self) -> dict[str, str]:
        sha256 = self.sha256 or hashlib.sha256(self.content).hexdigest()
        return {"X-Repo-Commit": self.commit, "X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(self.content))}

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are what is tested here."""


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


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def home(no_bundled_weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Iterator[Path]:
    """Empty caches, the stand-ins among the known weights, and no waiting; afterwards no thread may be left."""
    address = f"http://127.0.0.1:{server.server_port}"
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


# By way of create_model
@BOTH
def test_create_model_fetches_what_is_not_here_if_asked(tag: str, server: Server) -> None:
    with pytest.raises(CheckpointError, match=f"{tag}: not on this machine; get it from .* download=True") as caught:
        create_model("inception_resnet_v1", tag)
    reference.assert_one_sentence(caught.value)
    assert server.ranges == [], "nothing is fetched unasked"

    model = create_model("inception_resnet_v1", tag, download=True)

    expected = torch.load(io.BytesIO(checkpoint()))
    assert all(torch.equal(tensor, expected[key]) for key, tensor in model.state_dict().items())
    create_model("inception_resnet_v1", tag, download=True)
    create_model("inception_resnet_v1", tag)
    assert len(server.ranges) == 1, "it is here now"


@BOTH
def test_create_model_says_why_nothing_came(tag: str, server: Server, home: Path) -> None:
    server.content = HTML

    with pytest.raises(DownloadError) as caught:
        create_model("inception_resnet_v1", tag, download=True)

    last = last_download(tag)
    assert last is not None
    assert str(caught.value) == last.error != ""
    assert files(home) == []


def test_create_model_says_that_a_download_was_stopped(server: Server) -> None:
    server.script = [serve(stop_after=1000, stall=True)]
    stopper = threading.Timer(0.3, lambda: fetch_weights(RELEASE).cancel())
    stopper.start()

    with pytest.raises(DownloadError, match=f"{RELEASE}: the download was stopped"):
        create_model("inception_resnet_v1", RELEASE, download=True)
    stopper.join()


# What succeeds
@BOTH
def test_a_file_arrives(tag: str, server: Server) -> None:
    each = fetch_weights(tag)
    assert each.wait(LONG)
    assert_installed(tag, each)
    assert server.ranges == [None]
    assert last_download(tag) is each
    path = locate(tag)
    assert path is not None
    create_model("inception_resnet_v1", weights=str(path), **TINY)


def test_timm_finds_it_in_the_hubs_cache(home: Path, server: Server) -> None:
    """The layout is the hub client's own: it finds the file with and without a network and fetches nothing again."""
    finish(HUB)
    fetched = len(server.ranges)
    for offline in (True, False):
        found = huggingface_hub.hf_hub_download("timm/tiny", "model.safetensors", local_files_only=offline)
        assert Path(found) == locate(HUB)
    assert len(server.ranges) == fetched
    cache = huggingface_hub.scan_cache_dir(home / "hub")
    assert cache.warnings == []
    (repo,) = cache.repos
    (revision,) = repo.revisions
    assert (repo.repo_id, revision.commit_hash, set(revision.refs)) == ("timm/tiny", COMMIT, {"main"})
    assert repo.size_on_disk == len(checkpoint())


def test_an_older_snapshot_in_the_cache_stays(home: Path) -> None:
    folder = home / "hub/models--timm--tiny"
    config = folder / "snapshots" / ("f" * 40) / "config.json"
    for path, text in ((config, "{}"), (folder / "refs/main", "f" * 40)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert_installed(HUB, finish(HUB))
    assert config.read_text() == "{}"


def test_where_links_are_forbidden_the_file_itself_is_put_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", forbidden)
    assert_installed(HUB, finish(HUB))


@BOTH
def test_what_is_there_is_not_fetched_again(tag: str, server: Server) -> None:
    assert_installed(tag, finish(tag))
    again = fetch_weights(tag)
    assert again.wait(LONG)
    assert_installed(tag, again)
    assert len(server.ranges) == 1


def test_a_file_that_the_reader_put_there_counts(home: Path, server: Server) -> None:
    (home / "weights").mkdir()
    (home / "weights" / f"{RELEASE}.safetensors").write_bytes(b"x")
    assert finish(RELEASE).state == "done"
    assert server.ranges == []


@BOTH
def test_the_published_checksum_is_asked_for(tag: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = hashlib.sha256(checkpoint()).hexdigest()
    monkeypatch.setitem(known_weights(), tag, replace(known_weights()[tag], sha256="0" * 64))
    assert_failed(tag, finish(tag), home, "checksum")
    monkeypatch.setitem(known_weights(), tag, replace(known_weights()[tag], sha256=right))
    assert_installed(tag, finish(tag))


# Sharing and stopping
@BOTH
def test_all_who_ask_share_one_download(tag: str, server: Server) -> None:
    server.script = [serve(stop_after=50_000, stall=True)]
    asked: list[Download] = []
    threads = [threading.Thread(target=lambda: asked.append(fetch_weights(tag))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(asked)) == 1
    until(lambda: asked[0].done_bytes == 50_000)
    assert fetch_weights(tag) is asked[0]
    assert last_download(tag) is asked[0]
    assert (asked[0].state, asked[0].total_bytes) == ("running", len(checkpoint()))
    assert len(server.ranges) == 1


@BOTH
def test_a_stalled_download_is_cancelled_and_goes_on_later(tag: str, home: Path, server: Server) -> None:
    """Well before the read timeout of 20 seconds."""
    server.script = [serve(stop_after=50_000, stall=True)]
    each = fetch_weights(tag)
    until(lambda: each.done_bytes == 50_000)
    assert not each.wait(0.01)
    each.cancel()
    assert each.wait(LONG)
    assert (each.state, each.error) == ("cancelled", "")
    assert locate(tag) is None
    assert files(home) == [part(home, tag)]
    assert part(home, tag).read_bytes() == checkpoint()[:50_000]

    each.cancel()
    assert each.state == "cancelled"
    assert_installed(tag, finish(tag))
    assert server.ranges == [None, "bytes=49999-"]


@BOTH
def test_a_silent_server_can_be_cancelled(tag: str, home: Path, server: Server) -> None:
    server.script = [silence]
    each = fetch_weights(tag)
    until(lambda: bool(server.ranges))
    each.cancel()
    assert each.wait(LONG)
    assert (each.state, each.total_bytes) == ("cancelled", None)
    assert files(home) == []


@BOTH
def test_starting_while_another_is_being_stopped(tag: str, server: Server) -> None:
    server.script = [serve(stop_after=50_000, stall=True)]
    first = fetch_weights(tag)
    until(lambda: first.done_bytes == 50_000)
    first.cancel()
    second = fetch_weights(tag)
    assert second is not first
    assert second.wait(LONG)
    assert first.state == "cancelled"
    assert_installed(tag, second)


@BOTH
def test_cancelling_what_is_done_changes_nothing(tag: str) -> None:
    each = finish(tag)
    each.cancel()
    assert_installed(tag, each)


def test_cancel_during_the_check(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    def slow(*_: Any, **__: Any) -> None:
        download._downloads[RELEASE].cancel()

    monkeypatch.setattr(zoo, "check_weights", slow)
    assert finish(RELEASE).state == "cancelled"
    assert files(home) == [part(home, RELEASE)]


@BOTH
def test_another_program_has_the_file(tag: str, home: Path, server: Server) -> None:
    part(home, tag).parent.mkdir(parents=True)
    with FileLock(f"{part(home, tag)}.lock"):
        each = finish(tag)
    assert each.state == "failed"
    assert "Another program" in each.error
    assert server.ranges == []
    assert_installed(tag, finish(tag))


# Servers that fail in ways that may pass
@BOTH
def test_a_connection_that_breaks_off_is_taken_up_again(tag: str, server: Server) -> None:
    server.script = [serve(stop_after=60_000), serve(stop_after=30_000)]
    assert_installed(tag, finish(tag))
    assert server.ranges == [None, "bytes=59999-", "bytes=89998-"]


@BOTH
def test_a_server_without_ranges_starts_again(tag: str, server: Server) -> None:
    server.script = [serve(stop_after=60_000), serve(ranges=False)]
    assert_installed(tag, finish(tag))
    assert server.ranges == [None, "bytes=59999-"]


@BOTH
def test_errors_of_the_server_are_tried_again(tag: str, server: Server) -> None:
    server.script = [status(500), status(503), status(429)]
    assert_installed(tag, finish(tag))


@BOTH
def test_there_is_an_end_to_trying(tag: str, home: Path, server: Server) -> None:
    server.script = [status(500)] * 100
    assert_failed(tag, finish(tag), home, "500", "127.0.0.1")
    assert len(server.ranges) == download.ATTEMPTS


@BOTH
def test_a_truncating_server(tag: str, home: Path, server: Server) -> None:
    server.script = [serve(stop_after=20_000)] * download.ATTEMPTS
    assert_failed(tag, finish(tag), home, "broke off", "0.1 MB", kept=True)
    assert_installed(tag, finish(tag))


@pytest.mark.slow
@BOTH
@pytest.mark.usefixtures("impatient")
def test_a_server_that_stalls_for_good(tag: str, home: Path, server: Server) -> None:
    server.script = [serve(stop_after=50_000, stall=True), *[silence] * 100]
    assert_failed(tag, finish(tag), home, "stopped answering", kept=True)
    assert len(server.ranges) == download.ATTEMPTS
    server.script = []
    assert_installed(tag, finish(tag))


@BOTH
def test_announcing_more_than_there_is(tag: str, home: Path, server: Server) -> None:
    server.script = [serve(total=len(checkpoint()) + 1000)] * download.ATTEMPTS
    assert_failed(tag, finish(tag), home, "broke off", kept=True)
    assert_installed(tag, finish(tag))


@BOTH
def test_announcing_less_than_there_is(tag: str, home: Path, server: Server) -> None:
    server.script = [serve(length=len(checkpoint()) - 1000)]
    assert_failed(tag, finish(tag), home, "checksum" if tag == HUB else "damaged or cut off")
    assert_installed(tag, finish(tag))
    assert server.ranges == [None, None]


@BOTH
def test_less_than_the_range_announces(tag: str, server: Server) -> None:
    """The length is that of what is sent, the Content-Range speaks of more."""
    server.script = [serve(stop_after=60_000), serve(stop_after=10_000, length=10_000)]
    assert_installed(tag, finish(tag))
    assert server.ranges == [None, "bytes=59999-", "bytes=69998-"]


@BOTH
def test_another_range_than_asked_for(tag: str, server: Server) -> None:
    def wrong(handler: Handler) -> None:
        handler.answer(206, {"Content-Range": f"bytes 5-9/{len(checkpoint())}", "Content-Length": 5})
        handler.wfile.write(b"wrong")

    server.script = [serve(stop_after=60_000), wrong]
    assert_installed(tag, finish(tag))
    assert server.ranges == [None, "bytes=59999-", None]


@BOTH
@pytest.mark.parametrize("size", [1, 60_000, len(checkpoint()), len(checkpoint()) + 1, 10**6])
def test_leftovers_of_another_file(tag: str, size: int, home: Path, server: Server) -> None:
    """One byte of them is fetched again; what the checks then find wrong is fetched from the start."""
    part(home, tag).parent.mkdir(parents=True)
    part(home, tag).write_bytes(b"\0" * size)
    assert_installed(tag, finish(tag))
    assert server.ranges[-1] is None


@BOTH
def test_a_complete_leftover_needs_one_byte(tag: str, home: Path, server: Server) -> None:
    part(home, tag).parent.mkdir(parents=True)
    part(home, tag).write_bytes(checkpoint())
    assert_installed(tag, finish(tag))
    assert server.ranges == [f"bytes={len(checkpoint()) - 1}-"]


@BOTH
def test_leftovers_do_not_make_it_try_for_ever(tag: str, home: Path, server: Server) -> None:
    server.content = HTML
    server.script = [serve(stop_after=20_000), serve()] * 10
    server.sha256 = hashlib.sha256(checkpoint()).hexdigest()
    assert_failed(tag, finish(tag), home)
    assert len(server.ranges) == 4


# Servers that will not give the file
@BOTH
def test_404(tag: str, home: Path, server: Server) -> None:
    server.script = [status(404)]
    assert_failed(tag, finish(tag), home, "404")
    assert len(server.ranges) == 1


def wrong_files(outside: Path) -> dict[str, bytes]:
    state = create_model("inception_resnet_v1", **TINY).state_dict()
    first = next(iter(state))
    torch_file = io.BytesIO()
    torch.save({**state, first: Opens(outside)}, torch_file)
    return {
        "html": HTML,
        "empty": b"",
        "other width": checkpoint(width=0.06),
        "other network": save(create_model("inception_v4", width=0.02).state_dict()),
        "one tensor less": save({key: tensor for key, tensor in state.items() if key != first}),
        "cut off": checkpoint()[:100_000],
        "pickle": pickle.dumps(Opens(outside), protocol=2),
        "checkpoint with code": torch_file.getvalue(),
    }


@BOTH
@pytest.mark.parametrize("kind", list(wrong_files(Path())))
def test_the_wrong_file(tag: str, kind: str, home: Path, server: Server, tmp_path_factory: Any) -> None:
    """The hub states the checksum of what it serves, so that only the check of the content is left."""
    outside = tmp_path_factory.mktemp("outside") / "executed"
    server.content = wrong_files(outside)[kind]
    if kind == "empty":
        server.script = [lambda handler: handler.answer(200, {})]
    assert_failed(tag, finish(tag), home, f"{tag}: what was sent does not fit the network: ")
    assert not outside.exists(), "code in a pickle ran"
    server.content = checkpoint()
    assert_installed(tag, finish(tag))


@pytest.mark.parametrize("state", ["sha256", "commit"])
@pytest.mark.parametrize("value", ["", "../../../../evil", "0" * 39])
def test_what_the_hub_states_never_becomes_a_path(state: str, value: str, home: Path, server: Server) -> None:
    setattr(server, state, value or " ")
    assert_failed(HUB, finish(HUB), home, "does not answer like the Hugging Face hub")


def test_a_login_page_instead_of_the_hub(home: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    template = f"http://127.0.0.1:{server.server_port}/login?for={{repo_id}}{{revision}}{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    server.content = HTML
    assert_failed(HUB, finish(HUB), home, "login page")


@BOTH
@pytest.mark.parametrize("announced", [True, False])
def test_more_than_a_gigabyte(
    tag: str, announced: bool, home: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(handler: Handler) -> None:
        handler.answer(200, {"Content-Length": 2 * 2**30 if announced else None})
        while not handler.server.closing.is_set():
            handler.wfile.write(b"\0" * 65536)

    server.script = [endless]
    if not announced:
        monkeypatch.setattr(download, "MAX_BYTES", 10**6)
    assert_failed(tag, finish(tag), home, "far too much", "2.1 GB" if announced else "does not stop")


@BOTH
def test_a_circle_of_redirects(tag: str, home: Path, server: Server) -> None:
    server.script = [lambda handler: handler.answer(302, {"Location": "/again"})] * 100
    assert_failed(tag, finish(tag), home, "from one address to the next")


@BOTH
def test_an_encrypted_download_stays_encrypted(tag: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[httpx2.URL] = []

    async def answer(_: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
        requested.append(request.url)
        return httpx2.Response(302, headers={"Location": "http://plain.example/file"})

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", answer)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "https://hub.example/{repo_id}{revision}{filename}")
    weights = known_weights()[tag]
    if weights.url:
        monkeypatch.setitem(known_weights(), tag, replace(weights, url="https://files.example/tiny.pt"))
    assert_failed(tag, finish(tag), home, "plain.example", "open connection")
    assert [url.scheme for url in requested] == ["https"]


@BOTH
def test_no_network(tag: str, home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known at once: nothing is gained by trying again."""
    monkeypatch.setattr(download, "PAUSE", 60)
    server.shutdown()  # first: a thread that still waits for connections keeps the port open
    server.server_close()
    each = finish(tag)
    suffix = ".safetensors" if tag == HUB else ".pt"
    by_hand = home / "weights" / f"{tag}{suffix}"
    assert_failed(tag, each, home, "No connection to 127.0.0.1", known_weights()[tag].source, str(by_hand))
    by_hand.parent.mkdir()
    by_hand.write_bytes(checkpoint())
    assert locate(tag) == by_hand, "the advice in the sentence"


def test_offline_mode(home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_failed(HUB, finish(HUB), home, "HF_HUB_OFFLINE")
    assert server.ranges == []
    assert finish(RELEASE).state == "done", "the hub's switch is for the hub"


# A machine that has no room
@BOTH
def test_no_room_for_the_file(tag: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(checkpoint()) - 1))
    assert_failed(tag, finish(tag), home, "The disk is full", "0 MB")


@BOTH
def test_the_disk_fills_up_meanwhile(tag: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.FileIO):
        def write(self, data: Any, /) -> int:
            if self.tell() + len(data) > 50_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    real = io.open

    def opens(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return Full(file, mode) if mode == "ab" else real(file, mode, *args, **kwargs)

    with monkeypatch.context() as full:
        full.setattr(io, "open", opens)
        assert_failed(tag, finish(tag), home, "The disk is full")
    assert_installed(tag, finish(tag))


@BOTH
def test_a_cache_that_cannot_be_written_to(tag: str, home: Path) -> None:
    """A file where the folder should be."""
    blocked = home / ("hub" if tag == HUB else "torch")
    blocked.write_bytes(b"")
    each = finish(tag)
    assert each.state == "failed"
    reference.assert_one_sentence(ValueError(each.error))
    assert "cannot be written to" in each.error
    assert files(home) == [blocked]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_even_a_mistake_of_ours_ends_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "check_weights", lambda *_, **__: 1 / 0)
    each = finish(RELEASE)
    assert each.state == "failed"
    reference.assert_one_sentence(ValueError(each.error))


# Files of the reader's own
def small_file(path: Path, variant: str, **overrides: Any) -> Path:
    path.write_bytes(save(create_model(variant, width=0.02, **overrides).state_dict()))
    return path


def assert_does_not_fit(path: Path, variant: str, *mentioned: str, **overrides: Any) -> None:
    with pytest.raises(CheckpointError) as caught:
        check_weights(variant, path, **overrides)
    reference.assert_one_sentence(caught.value)
    for text in (path.name, *mentioned):
        assert text in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["inception_v4", "inception_resnet_v1", "inception_resnet_v2"])
def test_a_file_fits_its_network_and_no_other(variant: str, tmp_path: Path) -> None:
    path = small_file(tmp_path / "mine.safetensors", variant)
    check_weights(variant, str(path), width=0.02)
    assert_does_not_fit(path, variant, "shape")
    for other in {"inception_v4", "inception_resnet_v1", "inception_resnet_v2"} - {variant}:
        assert_does_not_fit(path, other, width=0.02)


def test_any_number_of_classes_fits_unless_it_is_given(tmp_path: Path) -> None:
    path = small_file(tmp_path / "flowers.safetensors", "inception_v4", num_classes=17)
    check_weights("inception_v4", path, width=0.02)
    check_weights("inception_v4", path, width=0.02, num_classes=17)
    assert_does_not_fit(path, "inception_v4", "17", width=0.02, num_classes=1000)


def test_checking_does_not_disturb_random_numbers(tmp_path: Path) -> None:
    path = small_file(tmp_path / "mine.safetensors", "inception_v4")
    before = torch.get_rng_state()
    check_weights("inception_v4", path, width=0.02)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    assert_does_not_fit(tmp_path / "absent.pt", "inception_v4", "no such file")
    assert_does_not_fit(tmp_path, "inception_v4", "no such file")
    os.mkfifo(tmp_path / "pipe.pt")  # reading it would wait for ever
    assert_does_not_fit(tmp_path / "pipe.pt", "inception_v4", "no such file")


def test_large_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pt"
    with path.open("wb") as file:
        file.truncate(download.MAX_BYTES + 1)
    assert_does_not_fit(path, "inception_v4", "larger than 1.1 GB")


def test_small_files_with_large_tensors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Views that repeat one number, a few kilobytes for which a network would need gigabytes; and too many classes."""
    path = tmp_path / "bomb.pt"
    torch.save({"head.Logits.Logits.weight": torch.zeros(1, 1).expand(10**6, 1536)}, path)
    assert path.stat().st_size < 10_000
    assert_does_not_fit(path, "inception_v4", "larger than the file")
    monkeypatch.setattr(zoo, "MAX_BYTES", 10**6)
    torch.save({"head.Logits.Logits.bias": torch.zeros(10**5)}, path)
    assert_does_not_fit(path, "inception_v4", "100,000 classes")


def test_an_upload_is_a_file_for_a_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with uploaded_file(memoryview(checkpoint()), "my face.pt") as path:
        assert path.name == "my_face.pt"
        assert path.is_relative_to(tmp_path)
        assert path.parent.stat().st_mode & 0o077 == 0, "others on the machine must not read it"
        assert path.read_bytes() == checkpoint()
        check_weights("inception_resnet_v1", path, **TINY)
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(CheckpointError, match=r"^login.html: not a checkpoint"),
        uploaded_file(HTML, "login.html") as path,
    ):
        check_weights("inception_resnet_v1", path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc/passwd", "/", "a\0b.pt", "ü" * 400 + ".pt", "CON:\\x|y.pt"])
def test_names_of_uploads_stay_in_their_folder(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with uploaded_file(b"x", name) as path:
        assert path.resolve().parent.parent == tmp_path.resolve()
        assert files(tmp_path) == [path]
    assert list(tmp_path.iterdir()) == []


def test_uploads_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match=r"mine\.pt: no room"), uploaded_file(b"x", "mine.pt"):
        pass
    monkeypatch.setattr(weights_chooser, "MAX_BYTES", 3)
    with pytest.raises(CheckpointError, match=r"mine\.pt: larger than"), uploaded_file(b"1234", "mine.pt"):
        pass
    assert list(tmp_path.iterdir()) == []
