"""Downloads that end well, are shared, or are stopped."""

import hashlib
import io
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from filelock import FileLock

from inception import CheckpointError, create_model, zoo
from inception.weights import download
from inception.weights.download import Download, DownloadError, last_download
from inception.weights.known import known_weights, locate
from inception.zoo import fetch_weights
from tests import reference

from .server import (
    BOTH,
    COMMIT,
    HTML,
    HUB,
    LONG,
    RELEASE,
    TINY,
    Server,
    assert_failed,
    assert_installed,
    checkpoint,
    files,
    finish,
    part,
    serve,
    silence,
    until,
)


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
