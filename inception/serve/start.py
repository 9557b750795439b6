"""Starts the engine on Ray Serve and keeps it until it is stopped."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ..words import _
from .ray import ClusterError, cluster

APP = "inception"
ONGOING = 2  # passes of requests that a replica takes: one runs, one waits for it


@dataclass(frozen=True)
class Engine:
    """How the engine is started."""

    host: str
    port: int
    token: str | None  # what whoever asks must say; None lets everyone in
    address: str | None  # of the cluster; None for one of its own on this machine
    least: int  # replicas
    most: int  # replicas, to which it grows while requests wait
    queue: int  # requests that wait while all replicas are busy; others are told how many are before them
    device: str
    dtype: str
    threads: int  # of a replica


def run(engine: Engine, ready: Callable[[str], None]) -> None:
    """Serves until Ctrl-C or SIGTERM.

    ready: called once, with the address of the cluster, when requests are answered. Raises InputError where Ray is not
    installed, ClusterError.
    """
    with cluster(engine.address) as ray:
        from ray import serve

        from .door import Door
        from .replica import BATCH, Networks

        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        serve.start(http_options={"host": engine.host, "port": engine.port})
        networks = serve.deployment(
            autoscaling_config={
                "min_replicas": engine.least,
                "max_replicas": engine.most,
                "target_ongoing_requests": BATCH // 2,
            },
            max_ongoing_requests=ONGOING * BATCH,
            max_queued_requests=engine.queue,
            ray_actor_options={"num_cpus": engine.threads, "num_gpus": int(engine.device == "cuda")},
            health_check_period_s=5,
            health_check_timeout_s=60,
            graceful_shutdown_timeout_s=5,
        )(Networks)
        door = serve.deployment(
            max_ongoing_requests=10_000,  # it only passes on; the queue before the networks is what is bounded
            ray_actor_options={"num_cpus": 0},
        )(serve.ingress()(Door))
        try:
            serve.run(door.bind(networks.bind(engine.device, engine.dtype, engine.threads), engine.token), name=APP)
        except RuntimeError as error:
            raise ClusterError(_("The engine did not start: {reason}").format(reason=error)) from error
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_signal: stopped.set())
        try:
            ready(ray.get_runtime_context().gcs_address)
            while not stopped.wait(1):  # with a time, so that Ctrl-C gets through
                pass
        except KeyboardInterrupt:
            pass
        finally:
            if engine.address:  # a cluster of its own ends as a whole
                serve.delete(APP)
