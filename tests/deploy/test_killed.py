"""A server that is killed in a download, a training and a vote leaves nothing broken."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inception.training import recipe
from inception.training.recipe import read_recipe, train, trained_model
from inception.weights import download
from inception.weights.known import known_weights, locate
from inception.zoo import available_weights

from ..browser.server import ROOT
from ..weights.downloads.server import Server, assert_installed, checkpoint, finish, serve, serving
from .doomed import HELD_OUT, RECIPE, TAG, pictures, publish, rooms_in

SENT = 100_000  # bytes of the file, before the server of the weights falls silent
ANSWERS = 5  # at least, when the server is killed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all that a server keeps."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(download, "_downloads", {})
    return tmp_path


@pytest.fixture
def weights(home: Path) -> Iterator[Server]:
    """The server of the weights, which are known here too."""
    with serving() as server:
        publish(server.address)
        yield server
        del known_weights()[TAG]


def test_a_killed_server_leaves_nothing_broken(home: Path, weights: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.script = [serve(stop_after=SENT, stall=True)]
    code, key, answered = killed_in_the_middle(weights.address, home)

    part = home / "torch/checkpoints/tiny.pt.part"
    fetched = part.stat().st_size
    assert 0 < fetched < len(checkpoint())
    assert locate(TAG) is None
    assert TAG not in [choice.name for choice in available_weights("inception_resnet_v1")]
    assert_installed(TAG, finish(TAG))
    assert weights.ranges == [None, f"bytes={fetched - 1}-"], "it went on"

    run = home / "run"
    assert (run / "state.tmp").stat().st_size < (run / "state.pt").stat().st_size, "half of the second epoch"
    trained_model(run)
    assert read_recipe(run) == RECIPE
    monkeypatch.setattr(recipe, "HELD_OUT", HELD_OUT)
    monkeypatch.setattr(recipe, "MIXED_ON_CPU", False)
    assert [epoch.epoch for epoch in train(RECIPE, pictures(), run)] == [2]
    assert {path.name for path in run.iterdir()} == {"log.csv", "recipe.json", "state.pt"}

    (tally,) = rooms_in(home).tallies(code, key)
    assert len(answered) >= ANSWERS
    # The last one may have been in before its student could hear of it.
    assert set(tally.answers) - {len(answered)} == set(answered)


def killed_in_the_middle(address: str, folder: Path) -> tuple[str, str, list[int]]:
    """The code and the key of the room of a server that was killed, and the students who heard that they were in."""
    command = [sys.executable, "-m", "tests.deploy.doomed", address, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            code, key = server.stdout.readline().split()
            ready, answered = False, []
            for line in server.stdout:
                ready = ready or line == "ready\n"
                if line.strip().isdecimal():
                    answered.append(int(line))
                if ready and len(answered) >= ANSWERS:
                    server.kill()
        finally:
            server.kill()
    return code, key, answered
