"""Ray, the optional package that spreads work over processes and machines: found, quiet, and asked for a cluster."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InceptionError, InputError
from ..paths import INSTALLED
from ..version import DISTRIBUTION
from ..words import _

AUTH_TOKEN = Path.home() / ".ray" / "auth_token"


class ClusterError(InceptionError, RuntimeError):
    """A cluster that cannot be started or joined, in one sentence."""


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """Ray's module, joined to the cluster at an address (host:port), or to one of its own on this machine.

    Its own cluster ends with the block. Raises InputError where Ray is not installed, ClusterError.
    """
    if address and _has_token():  # of the cluster; for its own, Ray asks and tells it unbidden
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # read when Ray is imported
    ray = import_ray()
    try:
        if address:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        else:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        sentence = _("There is no Ray cluster to be had: {reason}")
        raise ClusterError(sentence.format(reason=reason)) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _has_token() -> bool:
    """Whether there is a token for clusters where Ray looks for one."""
    return any(map(os.environ.get, ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))) or AUTH_TOKEN.exists()


def import_ray() -> Any:
    """The optional package; raises InputError where it is not installed."""
    if find_spec("ray") is None:
        how = f"pip install '{DISTRIBUTION}[serve]'" if INSTALLED else "pip install -r requirements-serve.txt"
        raise InputError(_("Ray is not installed here: {command}.").format(command=how))
    # Read when Ray is imported: by default it reports each cluster to its makers.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # By default a proxy that takes more than 5 seconds to start, as on a busy machine, is killed.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what concerns people is raised, and said in a sentence
    import ray

    return ray
