"""Two app servers, PostgreSQL and the proxies of deploy/, as real processes: what one image and one file each run."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench.student import LostError, Student
from inception.paths import SAMPLES

from ..browser.server import ROOT, free_port
from ..debian import program
from ..rooms.postgres import postgresql

DEPLOY = ROOT / "deploy"
BASE = "inception"  # the path below which the servers are
STARTUP = 120  # seconds

# Whoever a server speaks to beyond this machine is written down, and not reached.
GUARD = """
import os, socket

def guarded(own):
    def connect(self, address, *rest):
        host = address[0] if isinstance(address, tuple) else ""
        if self.type & socket.SOCK_STREAM and host and not host.startswith(("127.", "::1", "localhost")):
            with open(os.environ["CALLS"], "a") as calls:
                calls.write(f"{address}\\n")
            raise OSError("guarded")
        return own(self, address, *rest)
    return connect

def asked(host, *rest, own=socket.getaddrinfo, **named):
    if host not in (None, "", "localhost", b"localhost") and not str(host)[0].isdigit() and ":" not in str(host):
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(f"{host}\\n")
        raise OSError("guarded")
    return own(host, *rest, **named)

socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
socket.getaddrinfo = asked
"""


@dataclass
class Servers:
    """What runs: a folder with logs, the ports of the app servers and their processes."""

    folder: Path
    ports: list[int]
    processes: list[subprocess.Popen[bytes]]

    def log(self, number: int) -> str:
        return (self.folder / f"app{number}.log").read_text()


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except HTTPError:
        return True
    except OSError:
        return False


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP
    while not answers(url):
        assert process.poll() is None, f"what should serve {url} has ended"
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.2)


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
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


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    (folder / "sitecustomize.py").write_text(GUARD)
    (folder / "calls").touch()
    ports, processes = [free_port(), free_port()], []
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        if database is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("no PostgreSQL, and apt-get could not install it")
        for number, port in enumerate(ports):
            environment = {
                "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
                "CALLS": str(folder / "calls"),
                "OMP_NUM_THREADS": "1",
                "INCEPTION_DATABASE_URL": database,
                "STREAMLIT_SERVER_BASE_URL_PATH": BASE,
                "STREAMLIT_SERVER_COOKIE_SECRET": "one for both",
            }
            # On every network, as in a container, where Streamlit would ask for its address.
            command = [sys.executable, "-m", "inception", "app", "--host", "0.0.0.0", "--port", str(port)]
            processes.append(stack.enter_context(running(command, folder / f"app{number}.log", environment)))
        for port, process in zip(ports, processes, strict=True):
            wait_for(f"http://127.0.0.1:{port}/{BASE}/_stcore/health", process)
        yield Servers(folder, ports, processes)


def needed(*names: str, package: str) -> str:
    """A program of Debian's; without it the test is skipped locally and fails in CI."""
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    path = program(*names, packages=(package,))
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {names[0]}, and apt-get could not install it")
    assert path is not None
    return path


@pytest.fixture(scope="module")
def haproxy(servers: Servers) -> Iterator[str]:
    """The address of the app behind deploy/haproxy.cfg."""
    port = free_port()
    config = (DEPLOY / "haproxy.cfg").read_text()
    for old, new in (
        (":8080", f"127.0.0.1:{port}"),
        ("app1:8501", f"127.0.0.1:{servers.ports[0]}"),
        ("app2:8501", f"127.0.0.1:{servers.ports[1]}"),
        ("GET /_stcore", f"GET /{BASE}/_stcore"),
        ("inter 2s", "inter 300ms"),
    ):
        assert old in config
        config = config.replace(old, new)
    file = servers.folder / "haproxy.cfg"
    file.write_text(config)
    with running([needed("haproxy", package="haproxy"), "-db", "-f", str(file)], servers.folder / "haproxy.log") as it:
        wait_for(f"http://127.0.0.1:{port}/{BASE}/_stcore/health", it)
        time.sleep(1)  # until both servers have passed their checks
        yield f"http://127.0.0.1:{port}/{BASE}"


@contextmanager
def nginx(servers: Servers, *changes: tuple[str, str]) -> Iterator[str]:
    """The address of the app behind deploy/nginx.conf with changes."""
    path, port = needed("nginx", package="nginx-light"), free_port()
    config = (DEPLOY / "nginx.conf").read_text()
    for old, new in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:8501", f"127.0.0.1:{servers.ports[0]}"),
        ("127.0.0.1:8502", f"127.0.0.1:{servers.ports[1]}"),
        *changes,
    ):
        assert old in config
        config = config.replace(old, new)
    folder = servers.folder / f"nginx{port}"
    folder.mkdir()
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{config}}}\n"
    )
    (folder / "nginx.conf").write_text(whole)
    if os.geteuid() == 0:
        (folder / "nginx.conf").write_text(f"user root;\n{whole}")
    with running([path, "-c", str(folder / "nginx.conf"), "-e", "stderr"], folder / "log") as process:
        wait_for(f"http://127.0.0.1:{port}/{BASE}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}/{BASE}"


PHOTOGRAPH = (SAMPLES / "cat.jpg").read_bytes()
NAME = "anna_meier.jpg"


def bring(student: Student) -> None:
    """Uploads a picture, and sees that the page has it."""
    student.upload("Your pictures", NAME, PHOTOGRAPH)
    assert any(NAME in str(box.options) for box in student.of_kind("selectbox")), student.texts[:5]


def test_a_browser_stays_with_its_server_and_a_room_is_on_both(servers: Servers, haproxy: str) -> None:
    with ExitStack() as stack:
        students = [stack.enter_context(Student(haproxy)) for _ in range(3)]
        for student in students:
            student.open("room")
        homes = {student.cookies["inception_server"] for student in students}
        assert homes == {"1", "2"}, "one address, two servers"

        teacher = students[0]
        other = next(one for one in students if one.cookies["inception_server"] != teacher.cookies["inception_server"])
        teacher.press("Open a room")
        [code] = {found for text in teacher.texts for found in re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", text)}
        other.open(f"room?code={code}")
        assert any("You are in." in text for text in other.texts)

        other.open("live?model=inception_resnet_v1&weights=inception_resnet_v1.cifar10")
        bring(other)
        home = int(other.cookies["inception_server"]) - 1
        assert servers.log(home).count("session began") >= 2

        with pytest.raises(HTTPError, match="403"):
            teacher.get("_stcore/metrics")

    text = urlopen(f"http://127.0.0.1:{servers.ports[home]}/{BASE}/_stcore/metrics", timeout=30).read().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {
        "inception_run_seconds",
        "inception_sessions",
        "inception_networks_bytes",
        "active_sessions",
    } <= families.keys()
    pages = {sample.labels["page"] for sample in families["inception_run_seconds"].samples}
    assert pages == {"room", "live"}


def test_below_a_path_of_a_site(servers: Servers) -> None:
    with nginx(servers) as url, Student(url) as student:
        student.open("live?model=inception_resnet_v1&weights=inception_resnet_v1.cifar10")
        assert student.cookies["inception_server"]
        bring(student)
        student.go("zoo")
        assert any("Which Inception is which" in text for text in student.texts)
        with pytest.raises(HTTPError, match="404"):
            student.get("_stcore/metrics")


def test_without_host_the_page_stays_blank(servers: Servers) -> None:
    """Below a name that is not localhost, whose pages Streamlit lets in from anywhere."""
    name, listen = socket.gethostname(), ("listen 127.0.0.1:", "listen ")
    with nginx(servers, listen) as url, Student(url.replace("127.0.0.1", name)) as student:
        student.open("zoo")
    without = "proxy_set_header Host $http_host;", ""
    with nginx(servers, listen, without) as url, Student(url.replace("127.0.0.1", name)) as student:
        with pytest.raises(LostError, match="403"):
            student.open("zoo")
        assert b"<title>" in student.get(""), "what loads is the frame alone"


def test_without_a_cookie_pictures_are_lost(servers: Servers) -> None:
    with nginx(servers, ("hash $inception_server consistent;", "")) as url, Student(url) as student:
        lost = 0
        for _ in range(4):  # of requests that go to both servers in turn
            student.open("live?model=inception_resnet_v1&weights=inception_resnet_v1.cifar10")
            try:
                bring(student)
            except HTTPError:
                lost += 1
        assert lost


def test_a_server_that_dies_leaves_its_readers_to_the_other(servers: Servers, haproxy: str) -> None:
    with Student(haproxy) as student:
        student.open("room")
        student.press("Open a room")
        [code] = {found for text in student.texts for found in re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", text)}
        dies = int(student.cookies["inception_server"]) - 1
        servers.processes[dies].send_signal(signal.SIGKILL)
        servers.processes[dies].wait()
        with pytest.raises(LostError):
            student.go("zoo")
        student.open(f"room?code={code}")
        assert student.cookies["inception_server"] == str(2 - dies)
        assert any("You are in." in text for text in student.texts), "the room is in the database"


def test_nothing_calls_out_and_the_log_names_nobody(servers: Servers) -> None:
    """The last test of the file: of everything that the others did."""
    assert (servers.folder / "calls").read_text() == ""
    for number in range(2):
        log = servers.log(number)
        assert "session began" in log
        assert "anna" not in log.lower()
        assert "Traceback" not in log
