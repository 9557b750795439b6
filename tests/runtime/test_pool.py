"""Networks in memory: loaded once, at most so many bytes, never out of date."""

import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import inception
from inception.runtime import pool
from inception.runtime.engines import FoldedNetwork
from inception.runtime.pool import Pool
from inception.runtime.predictor import PictureNetwork, Predictor
from inception.weights.choice import WeightsChoice


class Loader:
    """In place of `load_network`: networks of 100 bytes, or an error; counts what was asked of it."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.error: Exception | None = None
        self.pause = threading.Event()
        self.pause.set()

    def __call__(
        self, engine: str, name: str, weights: str | None, device: str | torch.device, dtype: torch.dtype
    ) -> PictureNetwork:
        self.loaded.append(name)
        assert self.pause.wait(30)
        if self.error:
            raise self.error
        network = object.__new__(Predictor)
        network.name, network.nbytes = name, 100
        network._heavy, network._again, network._users, network._users_lock = (), None, 0, threading.Lock()
        return network


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    loader = Loader()
    monkeypatch.setattr(pool, "load_network", loader)
    return loader


def asking(ask: Callable[[], PictureNetwork], threads: int) -> list[PictureNetwork | BaseException]:
    def answer() -> PictureNetwork | BaseException:
        try:
            return ask()
        except ValueError as error:
            return error

    with ThreadPoolExecutor(threads) as executor:
        return [future.result(30) for future in [executor.submit(answer) for _ in range(threads)]]


def test_everyone_gets_the_same_network(loader: Loader) -> None:
    networks = Pool()
    assert not networks.ready("a", WeightsChoice.of(None), "cpu")
    assert networks.get("a") is networks.get("a")
    assert networks.ready("a", WeightsChoice.of(None), "cpu")
    assert not networks.ready("a", WeightsChoice.of(None), "cpu", FoldedNetwork.engine)
    assert networks.predictor("a") is networks.get("a")
    assert loader.loaded == ["a"]


def test_each_kind_is_one_of_its_own(loader: Loader) -> None:
    networks = Pool()
    kinds = [
        networks.get("a"),
        networks.get("b"),
        networks.get("a", device="cuda"),
        networks.get("a", dtype=torch.bfloat16),
        networks.get("a", engine="folded"),
    ]
    assert len({id(network) for network in kinds}) == len(networks) == 5


def test_twenty_who_ask_at_once_wait_for_one_load(loader: Loader) -> None:
    networks = Pool()
    loader.pause.clear()
    threading.Timer(0.1, loader.pause.set).start()
    answers = asking(lambda: networks.get("a"), 20)
    assert len({id(answer) for answer in answers}) == 1
    assert loader.loaded == ["a"]


def test_one_load_does_not_hold_up_another(loader: Loader) -> None:
    networks = Pool()
    networks.get("ready")
    loader.pause.clear()
    slow = threading.Thread(target=lambda: networks.get("slow"))
    slow.start()
    while loader.loaded[-1] != "slow":
        time.sleep(0.001)
    assert networks.get("ready").name == "ready"
    assert slow.is_alive()
    loader.pause.set()
    slow.join(30)


def test_a_load_that_failed_leaves_nothing(loader: Loader) -> None:
    networks = Pool()
    loader.error = inception.CheckpointError("mine.pt: damaged or cut off.")
    answers = asking(lambda: networks.get("a"), 5)
    assert [str(answer) for answer in answers] == ["mine.pt: damaged or cut off."] * 5
    assert (len(networks), networks.nbytes) == (0, 0)
    loader.error = None
    assert networks.get("a").name == "a"


def test_the_longest_unused_makes_room(loader: Loader) -> None:
    networks = Pool(limit=300)
    for name in "abc":
        networks.get(name)
    networks.get("a")
    networks.get("d")
    assert (len(networks), networks.nbytes) == (3, 300)
    for name in "acd":
        networks.get(name)
    assert loader.loaded == list("abcd"), "b had to go"
    networks.get("b")
    assert loader.loaded == list("abcdb")


def test_one_larger_than_the_limit_is_kept_alone(loader: Loader) -> None:
    networks = Pool(limit=50)
    networks.get("a")
    networks.get("b")
    networks.get("b")
    assert (len(networks), loader.loaded) == (1, ["a", "b"])


def test_what_has_to_go_is_freed() -> None:
    networks = Pool(limit=1)
    weight = networks.predictor("inception_resnet_v1").model.get_submodule("stem.Conv2d_1a_3x3.conv")
    freed = weakref.ref(weight)
    del weight
    assert freed() is not None
    networks.get("inception_resnet_v1", engine="folded")
    assert freed() is None


def test_who_holds_on_to_what_had_to_go_runs_it_all_the_same() -> None:
    """As the page of a session does, which may rest for hours on a network that others have long pushed out."""
    networks, picture = Pool(limit=1), Image.new("RGB", (112, 112), "teal")
    held = networks.predictor("inception_resnet_v1", "inception_resnet_v1.cifar10")
    before, parameters = held.outputs([picture]), held.frozen_parameters
    weights = weakref.ref(held.model)
    other = networks.predictor("inception_v4", "inception_v4.cifar10")
    assert not held.loaded
    assert weights() is None, "its memory is free, though somebody holds on to it"
    np.testing.assert_array_equal(held.outputs([picture]), before)
    assert held.frozen_parameters == parameters
    assert not held.loaded
    with held.turn() as model:
        networks._entries.clear()  # pushed out while it runs
        assert held.model is model
    assert not held.loaded
    assert not hasattr(held, "nothing")
    assert other.outputs([picture]).shape == (1, 10)


def test_changed_files_are_loaded_anew(tmp_path: Path) -> None:
    model = inception.create_model("inception_resnet_v1")
    path = tmp_path / "mine.safetensors"
    save_file(model.state_dict(), path)
    networks = Pool()
    first = networks.predictor("inception_resnet_v1", str(path))
    assert networks.predictor("inception_resnet_v1", str(path)) is first
    bias = model.get_submodule("inception_resnet_a.Block35_1.Conv2d_1x1").bias
    assert isinstance(bias, torch.Tensor)
    bias.data.fill_(7)
    save_file(model.state_dict(), path)
    os.utime(path, ns=(1, 1))  # a coarse clock may not have moved
    second = networks.predictor("inception_resnet_v1", str(path))
    assert second is not first
    assert (second.model.state_dict()["inception_resnet_a.Block35_1.Conv2d_1x1.bias"] == 7).all()
    assert len(networks) == 1
    path.write_bytes(b"no longer a checkpoint")
    with pytest.raises(inception.CheckpointError, match="not a checkpoint"):
        networks.get("inception_resnet_v1", str(path))
    path.unlink()
    with pytest.raises(inception.CheckpointError, match="cannot be read"):
        networks.get("inception_resnet_v1", str(path))
    assert len(networks) == 0


def test_the_engine_asked_for_runs_it() -> None:
    networks = Pool()
    assert type(networks.get("inception_resnet_v1")) is Predictor
    folded = networks.get("inception_resnet_v1", engine="folded")
    assert type(folded) is FoldedNetwork
    assert networks.nbytes == sum(networks.get("inception_resnet_v1", engine=e).nbytes for e in ("eager", "folded"))
