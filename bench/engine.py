"""The engine: what passes of several requests gain, and what a second replica adds.

The same requests of one picture each, one after the other and many at once; then many at once with one replica and with
two. Each replica computes with one thread. Who asks, Serve's proxy and the door run on the same cores, so two replicas
on two cores gain less than two machines would.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from time import perf_counter, sleep

import numpy as np

from bench.run import Run
from bench.timing import Row, measured
from inception.runtime.engine_client import EngineBusyError, EngineClient, engine
from tests.serve.running import running_engine

MODEL, SIDE = "inception_v4.cifar10", 112
AT_ONCE = 32  # who ask at the same time
REQUESTS, FEW = 256, 8  # in a measurement, and in a short one
TURNS = 3
PATIENCE = 30  # seconds that a request is asked again while the queue is full

BATCHING = Row(f"requests a second, {AT_ONCE} at once / one after the other, one replica, {MODEL}", "x")
SCALING = Row(f"requests a second, two replicas / one, {AT_ONCE} at once, {MODEL}", "x")


def rows(run: Run) -> Iterator[Row]:
    """Two ratios. A short run asks the engine of INCEPTION_ENGINE_URL for both, and measures nothing without one."""
    if run.short:
        client = engine()
        if client is None:
            why = ValueError("a short run wants an engine that runs, named by INCEPTION_ENGINE_URL")
            yield from (row.without_value(why, failed=False) for row in (BATCHING, SCALING))
            return
        yield from measured([BATCHING], lambda: [ratio(a_second(client, FEW, AT_ONCE), a_second(client, FEW, 1))])
        yield from measured([SCALING], lambda: [ratio(a_second(client, FEW, AT_ONCE), a_second(client, FEW, AT_ONCE))])
        return
    yield from measured([BATCHING, SCALING], in_turns)


def in_turns() -> list[tuple[float, str]]:
    """Both ratios of medians; both engines stand by, so that what else runs on the machine meets them alike."""
    with started(1) as one, started(2) as two:
        alone, single, double = zip(
            *(
                (a_second(one, REQUESTS // 4, 1), a_second(one, REQUESTS, AT_ONCE), a_second(two, REQUESTS, AT_ONCE))
                for _turn in range(TURNS)
            ),
            strict=True,
        )
    return [ratio(median(single), median(alone)), ratio(median(double), median(single))]


@contextmanager
def started(replicas: int) -> Iterator[EngineClient]:
    """An engine with that many replicas, each of which has run the network."""
    with running_engine("--replicas", str(replicas), "--most", str(replicas)) as running:
        client = EngineClient(running.url, running.token)
        a_second(client, 4 * AT_ONCE, AT_ONCE)
        yield client


def a_second(client: EngineClient, requests: int, at_once: int) -> float:
    """Requests of one picture that are answered in a second, so many at once."""
    picture = np.random.default_rng(0).standard_normal((1, 3, SIDE, SIDE), np.float32)

    def ask(_number: int) -> None:
        """Asks again where the queue is full for a moment, as it can be on a busy machine."""
        end = perf_counter() + PATIENCE
        while True:
            try:
                client.ask(f"v2/models/{MODEL}/infer", {"input": picture})
            except EngineBusyError:
                if perf_counter() > end:
                    raise
                sleep(0.05)
            else:
                return

    with ThreadPoolExecutor(at_once) as threads:
        begun = perf_counter()
        list(threads.map(ask, range(requests)))
        return requests / (perf_counter() - begun)


def ratio(more: float, less: float) -> tuple[float, str]:
    """The ratio, and both."""
    return more / less, f"{more:.1f} / {less:.1f}"
