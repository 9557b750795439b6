"""Tracing beside other threads, which go on with the same module meanwhile."""

import gc
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

import inception
from inception.errors import InceptionError

CALL, GETATTR = nn.Module.__call__, nn.Module.__getattr__


def run_together(*works: Callable[[], None]) -> list[Exception]:
    """Runs each in a thread of its own; what they raised."""
    errors: list[Exception] = []
    start = threading.Barrier(len(works))

    def guarded(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads take turns as often as Python can; else the one that traces seldom lets the other predict."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless_threads")
def test_others_predict_while_one_traces() -> None:
    model = inception.create_model("inception_resnet_v1", width=0.05)
    other = inception.create_model("inception_resnet_v2", device="meta")
    x = torch.rand(1, 3, 75, 75)
    traced = threading.Event()
    expected = model(x)
    during: list[bool] = []

    def trace() -> None:
        try:
            for _ in range(100):
                inception.trace(model, 75)  # the same module: nothing of it is to change elsewhere
                inception.trace(other, 75)
                if len(during) > 3:
                    break
        finally:
            traced.set()

    def predict() -> None:
        while not traced.is_set():
            torch.testing.assert_close(model(x), expected)
            during.append(not traced.is_set())

    assert run_together(trace, predict) == []
    assert any(during), "nothing was traced meanwhile"


def test_several_trace_at_once() -> None:
    names = ["inception_v4", "inception_resnet_v1", "inception_resnet_v2"]
    counts = dict.fromkeys(names, 0)

    def trace(name: str) -> Callable[[], None]:
        def work() -> None:
            for _ in range(3):
                counts[name] = len(inception.trace(name).layers)

        return work

    assert run_together(*map(trace, names)) == []
    assert counts == {name: len(inception.trace(name).layers) for name in names}
    assert (nn.Module.__call__, nn.Module.__getattr__) == (CALL, GETATTR)


def test_the_module_itself_keeps_its_tensors_while_it_is_traced() -> None:
    """Whoever runs it at that moment in another thread runs it as it is."""
    conv = nn.Conv2d(3, 4, 3)
    on_meta: list[bool] = []
    conv.register_forward_pre_hook(lambda *_: on_meta.append(conv.weight.is_meta))
    inception.trace(nn.Sequential(conv), 8)
    assert on_meta == [False]


@pytest.mark.usefixtures("restless_threads")
def test_one_of_all_who_ask_at_once_traces() -> None:
    graphs: list[inception.LayerGraph] = []
    asked = [lambda: graphs.append(inception.trace("inception_resnet_v1", 101)) for _ in range(4)]
    assert run_together(*asked) == []
    assert len(graphs) == 4
    assert all(graph is graphs[0] for graph in graphs)


def test_the_garbage_collector_goes_on_as_before() -> None:
    """After traces in several threads, one that fails among them; and it stays off for those who have turned it off."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

    def works() -> None:
        inception.trace(module, (3, 8, 8))

    def fails() -> None:
        with pytest.raises(InceptionError):
            inception.trace(module, (3, 1, 1))

    for on in (True, False):
        if not on:
            gc.disable()
        try:
            assert run_together(works, fails, fails) == []
            assert gc.isenabled() is on
        finally:
            gc.enable()
