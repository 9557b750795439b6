"""Two app servers, PostgreSQL and the proxies of deploy/, as real processes: what one image and one file each run."""

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Timer
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from bench.student import LostError, Student
from inception.paths import SAMPLES

from ..browser.server import ROOT, free_port
from .site import DEPLOY, MissingError, Site, needed, running, running_site, wait_for

BASE = "inception"  # the path below which the servers are

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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(GUARD)
    (folder / "calls").touch()
    path = os.pathsep.join([str(folder), str(ROOT)])
    try:
        # On every network, as in a container, where Streamlit would ask for its address.
        with running_site(folder, base=BASE, PYTHONPATH=path, CALLS=str(folder / "calls")) as site:
            yield site
    except MissingError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@contextmanager
def nginx(site: Site, *changes: tuple[str, str]) -> Iterator[str]:
    """The address of the app behind deploy/nginx.conf with changes."""
    path, port = needed("nginx", "nginx-light"), free_port()
    config = (DEPLOY / "nginx.conf").read_text()
    for old, new in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:8501", f"127.0.0.1:{site.ports[0]}"),
        ("127.0.0.1:8502", f"127.0.0.1:{site.ports[1]}"),
        *changes,
    ):
        assert old in config
        config = config.replace(old, new)
    folder = site.folder / f"nginx{port}"
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


def test_a_browser_stays_with_its_server_and_a_room_is_on_both(site: Site) -> None:
    with ExitStack() as stack:
        students = [stack.enter_context(Student(site.url)) for _ in range(3)]
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
        assert site.log(home).count("session began") >= 2

        with pytest.raises(HTTPError, match="403"):
            teacher.get("_stcore/metrics")

    text = urlopen(f"http://127.0.0.1:{site.ports[home]}/{BASE}/_stcore/metrics", timeout=30).read().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {
        "inception_run_seconds",
        "inception_sessions",
        "inception_networks_bytes",
        "active_sessions",
    } <= families.keys()
    pages = {sample.labels["page"] for sample in families["inception_run_seconds"].samples}
    assert pages == {"room", "live"}


def test_below_a_path_of_a_site(site: Site) -> None:
    with nginx(site) as url, Student(url) as student:
        student.open("live?model=inception_resnet_v1&weights=inception_resnet_v1.cifar10")
        assert student.cookies["inception_server"]
        bring(student)
        student.go("zoo")
        assert any("Which Inception is which" in text for text in student.texts)
        with pytest.raises(HTTPError, match="404"):
            student.get("_stcore/metrics")


def test_without_host_the_page_stays_blank(site: Site) -> None:
    """Below a name that is not localhost, whose pages Streamlit lets in from anywhere."""
    name, listen = socket.gethostname(), ("listen 127.0.0.1:", "listen ")
    with nginx(site, listen) as url, Student(url.replace("127.0.0.1", name)) as student:
        student.open("zoo")
    without = "proxy_set_header Host $http_host;", ""
    with nginx(site, listen, without) as url, Student(url.replace("127.0.0.1", name)) as student:
        with pytest.raises(LostError, match="403"):
            student.open("zoo")
        assert b"<title>" in student.get(""), "what loads is the frame alone"


def test_without_a_cookie_pictures_are_lost(site: Site) -> None:
    with nginx(site, ("hash $inception_server consistent;", "")) as url, Student(url) as student:
        lost = 0
        for _ in range(4):  # of requests that go to both servers in turn
            student.open("live?model=inception_resnet_v1&weights=inception_resnet_v1.cifar10")
            try:
                bring(student)
            except HTTPError:
                lost += 1
        assert lost


def test_a_busy_server_keeps_its_readers(site: Site) -> None:
    """Longer than HAProxy's checks are apart it answers nothing, as where it computes for a class."""
    with Student(site.url) as student:
        student.open("glossary")
        own = student.cookies["inception_server"]
        busy = site.apps[int(own) - 1]
        busy.send_signal(signal.SIGSTOP)
        again = Timer(1.5, busy.send_signal, [signal.SIGCONT])
        again.start()
        time.sleep(1.2)
        student.get("_stcore/health")
        again.join()
        assert student.cookies["inception_server"] == own
        student.go("zoo")


def test_a_server_that_dies_leaves_its_readers_to_the_other(site: Site) -> None:
    with Student(site.url) as student:
        student.open("room")
        student.press("Open a room")
        [code] = {found for text in student.texts for found in re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", text)}
        dies = int(student.cookies["inception_server"]) - 1
        site.kill_app(dies)
        with pytest.raises(LostError):
            student.go("zoo")
        student.open(f"room?code={code}")
        assert student.cookies["inception_server"] == str(2 - dies)
        assert any("You are in." in text for text in student.texts), "the room is in the database"


def test_nothing_calls_out_and_the_log_names_nobody(site: Site) -> None:
    """The last test of the file: of everything that the others did."""
    assert (site.folder / "calls").read_text() == ""
    for number in range(2):
        log = site.log(number)
        assert "session began" in log
        assert "anna" not in log.lower()
        assert "Traceback" not in log
