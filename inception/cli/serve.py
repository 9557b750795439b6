"""The commands of the engine for more than one process: `serve` and `batch`."""

import os
import secrets
import sys
import time
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..errors import InputError
from ..runtime.devices import DTYPES, check_device, devices
from ..serve.batch import Batch
from ..serve.batch import run as run_batch
from ..serve.start import Engine, run
from ..settings import settings
from ..words import N_, _
from ..zoo import check_weights, get_variant, names_classes
from .app import HOST, check_free, port_number
from .options import Device, Model, one_of, whole_within
from .vision import CLASSIFIER, Dtype, Weights, weights_of

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
        check_free(host, port)
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


def batch(
    folder: Annotated[
        str, Parameter(help=N_("A folder, or the URI of one, such as s3://bucket/folder; those below count too."))
    ],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help=N_("The Parquet file to write."))],
    model: Model = CLASSIFIER,
    weights: Weights = None,
    top: Annotated[int, whole_within(range(1, 1001)), Parameter(help=N_("How many classes of each picture."))] = 5,
    embeddings: Annotated[
        bool, Parameter(help=N_("Instead of classes, what the classifier reads of each picture."))
    ] = False,
    device: Device = "cpu",
    dtype: Dtype = "float32",
    workers: Annotated[
        int | None,
        whole_within(range(1, 10_001)),
        Parameter(help=N_("Processes that run the network, at most. By default one for each free core.")),
    ] = None,
    address: Address = None,
) -> str:
    """Run a network on a folder of pictures, a million if need be (Ray Data), into one Parquet file."""
    if output.suffix.lower() != ".parquet":
        raise InputError(_("{file!r} does not end in .parquet").format(file=str(output)))
    variant, choice = get_variant(model), weights_of(model, weights, embeds=embeddings)
    if not embeddings and not names_classes(variant.name, choice):
        sentence = _("{network} gives embeddings, not classes: add --embeddings")
        raise InputError(sentence.format(network=model))
    if choice.path is not None:  # absent or wrong weights are said before a cluster is started
        check_weights(model, choice.path, **(choice.known.network if choice.known else {}))
    threads = settings().threads or 1
    asked = Batch(folder, model, choice, None if embeddings else top, device, dtype, workers=workers, threads=threads)
    begun, at_first = time.monotonic(), -1

    def progress(done: int, total: int, bad: int) -> None:
        nonlocal at_first
        if at_first < 0:
            at_first = done
        line = _("{done:,} of {total:,} pictures, {bad:,} of them bad").format(done=done, total=total, bad=bad)
        if speed := (done - at_first) / max(time.monotonic() - begun, 1e-9):
            left = timedelta(seconds=round((total - done) / speed))
            line = _("{line}; {speed:.1f} a second, {left} left").format(line=line, speed=speed, left=left)
        print(line, file=sys.stderr, flush=True)

    done = run_batch(asked, output, address, progress)
    lines = [_("{file}: {count:,} pictures").format(file=output, count=done.pictures)]
    if done.bad:
        named = _(", ").join([*done.bad_files, *(["…"] if done.bad > len(done.bad_files) else [])])
        sentence = _("{count:,} of them could not be read; the column error says why: {files}")
        lines.append(sentence.format(count=done.bad, files=named))
    return "\n".join(lines) + "\n"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
