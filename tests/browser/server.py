"""Serves the app as `streamlit run` does, on a free port and from another folder than its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from inception.paths import LOCALE

ROOT = Path(__file__).parents[2]
STARTUP = 120  # seconds


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served_app(
    log: Path, languages: Path = LOCALE, port: int | None = None, start: str = "", **environment: str
) -> Iterator[str]:
    """The address of a running app, whose output goes to `log`; raises RuntimeError if it does not start.

    languages: the folder of translations. port: where it listens, by default a free one. start: what Python does
    before, see start.py. environment: variables that it finds beside those of this process.
    """
    streamlit = f"import pathlib; from inception import words; words.LOCALE = pathlib.Path({str(languages)!r})\n"
    streamlit += f"{start}\nfrom streamlit.web.cli import main; main()"
    command = [sys.executable, "-c", streamlit, "run", str(ROOT / "app.py"), "--server.port"]
    with serving(command, log, {"MALLOC_ARENA_MAX": "2", "PYTHONPATH": str(ROOT)} | environment, port) as url:
        yield url


@contextmanager
def serving(command: list[str], log: Path, environment: dict[str, str], port: int | None = None) -> Iterator[str]:
    """The address of the app that a command serves; the command ends where the number of the port belongs."""
    port = port or free_port()
    url = f"http://localhost:{port}"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, str(port)],
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
        )
    try:
        deadline = time.monotonic() + STARTUP
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the app did not start:\n{log.read_text()}")
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def process_of(url: str) -> psutil.Process:
    """The process that `served_app` started for this address."""
    port = url.rpartition(":")[2]
    return next(child for child in psutil.Process().children() if port in child.cmdline())


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
            return True
    except OSError:
        return False
