"""An engine that runs for tests and benches: the command `serve` in a process of its own."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil

ROOT = Path(__file__).parents[2]
START = 180  # seconds; a busy machine takes its time


@dataclass(frozen=True)
class Running:
    """An engine that answers."""

    url: str
    token: str
    cluster: str  # the address of its Ray cluster
    environment: dict[str, str]  # of processes that ask it or join its cluster
    process: subprocess.Popen[bytes]

    def replicas(self) -> list[psutil.Process]:
        """The processes that run networks."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if _title(child).startswith("ray::ServeReplica:inception:Networks")]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def running_engine(*options: str, cores: int = 4, weights: Path | None = None) -> Iterator[Running]:
    """An engine with these options of `serve`. cores: how many Ray counts, whatever this machine has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # the paths of Ray's sockets must be short
    token, log = secrets.token_urlsafe(16), Path(folder, "log.txt")
    environment = {
        **os.environ,
        "INCEPTION_ENGINE_TOKEN": token,
        "INCEPTION_THREADS": "1",
        "INCEPTION_WEIGHTS": str(weights or Path(folder, "weights")),
        "OMP_NUM_THREADS": "1",
        "RAY_AUTH_TOKEN": secrets.token_hex(20),
        "RAY_OVERRIDE_RESOURCES": f'{{"CPU": {cores}}}',
        "RAY_TMPDIR": folder,
        "RAY_prestart_worker_first_driver": "0",  # workers before anything needs them, one for each core
        "RAY_enable_worker_prestart": "0",
    }
    command = [sys.executable, "-m", "inception", "serve", "--port", str(port), *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        end = monotonic() + START
        while not (found := re.search(r"Ray cluster is at (\S+)\.\n", text := log.read_text(errors="replace"))):
            assert process.poll() is None, text
            assert monotonic() < end, text
            sleep(0.2)
        yield Running(f"http://127.0.0.1:{port}", token, found[1], environment, process)
    finally:
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the engine, and whatever of it is left after that."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    for child in children:
        if child.is_running() and child.status() == psutil.STATUS_STOPPED:
            child.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(30)
    for child in psutil.wait_procs(children, 10)[1]:
        child.kill()
