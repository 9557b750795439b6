"""The commands of the engine for more than one process: `serve` and `batch`."""

import os
import secrets
import sys
from ipaddress import ip_address
from typing import Annotated

from cyclopts import Parameter

from ..errors import InputError
from ..runtime.devices import DTYPES, check_device, devices
from ..serve.start import Engine, run
from ..settings import settings
from ..words import N_, _
from .app import HOST, port_number
from .options import one_of, whole_within

PORT = 8600
Port = Annotated[int, Parameter(converter=port_number, help=N_("Port to listen on."))]
Address = Annotated[
    str | None,
    Parameter(help=N_("Of a Ray cluster to join, HOST:PORT. By default one is started on this machine alone.")),
]


def serve(
    *,
    host: Annotated[
        str,
        Parameter(
            help=N_(
                "Address of this machine to listen on. With any but 127.0.0.1 whoever asks must say a token: that of "
                "INCEPTION_ENGINE_TOKEN, or one that is made and printed."
            )
        ),
    ] = HOST,
    port: Port = PORT,
    replicas: Annotated[int, whole_within(range(1, 1001)), Parameter(help=N_("Processes that run networks."))] = 1,
    most: Annotated[
        int | None,
        whole_within(range(1, 1001)),
        Parameter(help=N_("To how many processes it grows while requests wait. By default one for each core.")),
    ] = None,
    queue: Annotated[
        int,
        whole_within(range(1, 100_001)),
        Parameter(help=N_("How many requests wait at most; others are told how many are before them.")),
    ] = 256,
    device: Annotated[
        str | None, one_of(("cpu", "cuda"), N_("cpu or cuda. By default the GPU where there is one."))
    ] = None,
    dtype: Annotated[str, one_of(DTYPES, N_("What the networks compute in."))] = "float32",
    address: Address = None,
) -> None:
    """Start the engine that runs networks for the app, in processes of their own (Ray Serve)."""
    now, cores = settings(), os.cpu_count() or 1
    threads = now.threads or 1
    device = device or ("cuda" if "cuda" in devices() else "cpu")
    if address is None:
        check_device(device, DTYPES[dtype])
    most = max(replicas, cores // threads) if most is None else most
    if most < replicas:
        raise InputError(_("--most must be at least --replicas, {least}.").format(least=replicas))
    token, made = now.engine_token.get_secret_value() if now.engine_token else None, False
    if token is None and not _is_loopback(host):
        token, made = secrets.token_urlsafe(24), True

    def ready(cluster: str) -> None:
        print(_("The engine answers at http://{host}:{port}; Ctrl-C stops it.").format(host=host, port=port))
        if made:
            print(_("Whoever asks must know the token: INCEPTION_ENGINE_TOKEN={token}").format(token=token))
        print(_("Its Ray cluster is at {address}.").format(address=cluster))
        sys.stdout.flush()

    run(Engine(host, port, token, address, replicas, most, queue, device, dtype, threads), ready)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
