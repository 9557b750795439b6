"""A site as deploy/ describes it, of real processes: app servers, PostgreSQL and HAProxy. Each can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ..browser.server import ROOT, free_port
from ..debian import program
from ..rooms.postgres import USER, postgresql

DEPLOY = ROOT / "deploy"
STARTUP = 120  # seconds

Process = subprocess.Popen[Any]


class MissingError(Exception):
    """A program of Debian's that is not here, and could not be installed."""


def needed(name: str, package: str) -> str:
    """The path of a program; raises MissingError."""
    if "/usr/sbin" not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    path = program(name, packages=(package,))
    if path is None:
        raise MissingError(f"no {name}, and apt-get could not install it")
    return path


def wait_for(url: str, process: Process) -> None:
    """Waits until something answers at an address."""
    deadline = time.monotonic() + STARTUP
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"what should serve {url} does not")
        time.sleep(0.2)


@contextmanager
def running(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A process until the block ends; what it says is added to a log."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=log.parent, env=os.environ | (environment or {})
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Site:
    """Processes in a folder of their logs. base: the path below which the app lies; "" for none."""

    folder: Path
    base: str = ""
    ports: list[int] = field(default_factory=list)  # of the app servers
    apps: list[Process] = field(default_factory=list)
    database: str = ""  # its URL
    proxy_port: int = field(default_factory=free_port)
    _proxy: Process | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Of the app, through the proxy."""
        return f"http://127.0.0.1:{self.proxy_port}{self.path}"

    @property
    def path(self) -> str:
        return f"/{self.base}" if self.base else ""

    def log(self, number: int) -> str:
        """What an app server has said."""
        return (self.folder / f"app{number}.log").read_text()

    def memory(self) -> int:
        """Bytes of all app servers that run."""
        return sum(psutil.Process(app.pid).memory_info().rss for app in self.apps if app.poll() is None)

    def cpu_seconds(self) -> float:
        """That all app servers which run have had of the processor."""
        times = [psutil.Process(app.pid).cpu_times() for app in self.apps if app.poll() is None]
        return sum(time.user + time.system for time in times)

    def kill_app(self, number: int) -> None:
        self.apps[number].send_signal(signal.SIGKILL)
        self.apps[number].wait()

    def start_app(self, environment: Mapping[str, str]) -> None:
        """Starts one more app server; `wait` waits for all."""
        port, number = free_port(), len(self.apps)
        command = [sys.executable, "-m", "inception", "app", "--host", "0.0.0.0", "--port", str(port)]
        self.ports.append(port)
        self.apps.append(self._stack.enter_context(running(command, self.folder / f"app{number}.log", environment)))

    def wait(self) -> None:
        for port, app in zip(self.ports, self.apps, strict=True):
            wait_for(f"http://127.0.0.1:{port}{self.path}/_stcore/health", app)

    def start_proxy(self) -> None:
        """HAProxy with deploy/haproxy.cfg, its addresses replaced."""
        config = (DEPLOY / "haproxy.cfg").read_text()
        servers = [f"app{number}:8501" for number in (1, 2)]
        changes = {":8080": f"127.0.0.1:{self.proxy_port}", "GET /_stcore": f"GET {self.path}/_stcore"}
        changes |= {"inter 2s": "inter 300ms"}
        changes |= {server: f"127.0.0.1:{port}" for server, port in zip(servers, self.ports, strict=False)}
        for old, new in changes.items():
            if old not in config:
                raise ValueError(f"haproxy.cfg says nothing of {old}")
            config = config.replace(old, new)
        lines = [line for line in config.splitlines() if not any(server in line for server in servers)]
        file = self.folder / "haproxy.cfg"
        file.write_text("\n".join(lines) + "\n")
        command = [needed("haproxy", "haproxy"), "-db", "-f", str(file)]
        self._proxy = self._stack.enter_context(running(command, self.folder / "haproxy.log"))
        wait_for(f"{self.url}/_stcore/health", self._proxy)
        time.sleep(0.7)  # until all servers have passed their checks

    def kill_proxy(self) -> None:
        assert self._proxy is not None
        self._proxy.kill()
        self._proxy.wait()

    def kill_database(self) -> list[str]:
        """Kills PostgreSQL; returns the command that starts it again."""
        port = self.database.rpartition(":")[2].partition("/")[0]
        found = [process for process in psutil.process_iter(["cmdline"]) if port in (process.info["cmdline"] or [])]
        main = next(process for process in found if "-D" in process.info["cmdline"])
        command: list[str] = [main.exe(), *main.cmdline()[1:]]
        children = main.children()
        main.kill()
        main.wait(10)
        psutil.wait_procs(children, 10)
        return command

    def start_database(self, command: list[str]) -> None:
        """Starts PostgreSQL again, and waits until it has mended itself."""
        who: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        Path(command[command.index("-D") + 1], "postmaster.pid").unlink(missing_ok=True)
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/tmp", **who)
        deadline = time.monotonic() + STARTUP
        while True:
            try:
                engine = create_engine(self.database.replace("postgresql://", "postgresql+psycopg://"))
                with engine.connect() as connection:
                    connection.execute(text("SELECT 1"))
                return
            except SQLAlchemyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


@contextmanager
def running_site(folder: Path, servers: int = 2, base: str = "", **environment: str) -> Iterator[Site]:
    """A site with that many app servers, which find these variables; raises MissingError."""
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        if database is None:
            raise MissingError("no PostgreSQL, and apt-get could not install it")
        site = Site(folder, base, database=database, _stack=stack)
        variables = {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "INCEPTION_DATABASE_URL": database,
            "STREAMLIT_SERVER_BASE_URL_PATH": base,
            "STREAMLIT_SERVER_COOKIE_SECRET": "one for all",
        }
        for _ in range(servers):
            site.start_app(variables | environment)
        site.wait()
        site.start_proxy()
        yield site


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except HTTPError as error:
        return error.code != 503  # the proxy's, before its servers have passed their checks
    except OSError:
        return False
