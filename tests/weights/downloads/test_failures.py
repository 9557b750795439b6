"""Servers that stall, truncate, lie and serve the wrong file, and machines without room."""

import errno
import hashlib
import io
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from inception import create_model, zoo
from inception.weights import download
from inception.words import speaking
from tests import reference

from .server import (
    BOTH,
    HTML,
    HUB,
    RELEASE,
    TINY,
    Handler,
    Opens,
    Server,
    assert_failed,
    assert_installed,
    checkpoint,
    files,
    finish,
    part,
    serve,
    silence,
    status,
)


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
    failed = finish(tag)
    assert_failed(tag, failed, home, "broke off", "0.1 MB", kept=True)
    with speaking("zh_CN"):  # one download, waited for in two languages
        assert failed.error == "已下载 0.1 MB 后与 127.0.0.1 的连接中断，下次将从此处继续。"
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


def one_tensor_less() -> bytes:
    state = create_model("inception_resnet_v1", **TINY).state_dict()
    del state[next(iter(state))]
    return save(state)


def checkpoint_with_code(outside: Path) -> bytes:
    state = create_model("inception_resnet_v1", **TINY).state_dict()
    file = io.BytesIO()
    torch.save({**state, next(iter(state)): Opens(outside)}, file)
    return file.getvalue()


WRONG_FILES: dict[str, Callable[[Path], bytes]] = {  # the path is where code in a file would leave its mark
    "html": lambda _outside: HTML,
    "empty": lambda _outside: b"",
    "other width": lambda _outside: checkpoint(width=0.06),
    "other network": lambda _outside: save(create_model("inception_v4", width=0.02).state_dict()),
    "one tensor less": lambda _outside: one_tensor_less(),
    "cut off": lambda _outside: checkpoint()[:100_000],
    "pickle": lambda outside: pickle.dumps(Opens(outside), protocol=2),
    "checkpoint with code": checkpoint_with_code,
}


@BOTH
@pytest.mark.parametrize("kind", list(WRONG_FILES))
def test_the_wrong_file(tag: str, kind: str, home: Path, server: Server, tmp_path_factory: Any) -> None:
    """The hub states the checksum of what it serves, so that only the check of the content is left."""
    outside = tmp_path_factory.mktemp("outside") / "executed"
    server.content = WRONG_FILES[kind](outside)
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
