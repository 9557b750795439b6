"""`app`: the command that it becomes, and one sentence for what is wrong. tests/browser/test_installed.py runs it."""

import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from inception.cli.main import main
from inception.paths import APP, SERVER

ROOT = Path(__file__).parents[2]


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What this process would have become: program, arguments, environment."""
    calls: list[Any] = []

    def execve(*arguments: Any) -> None:
        calls.extend(arguments)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    return calls


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_it_serves_the_app_to_this_machine_alone(became: list[Any]) -> None:
    port = str(free_port())
    with pytest.raises(SystemExit):
        main(["app", "--port", port])
    program, arguments, environment = became
    assert program == sys.executable
    assert arguments[1:6] == ["-P", str(SERVER), "run", str(ROOT / "app.py"), "--server.address"]
    assert arguments[5:] == ["--server.address", "127.0.0.1", "--server.port", port]
    assert environment["MALLOC_ARENA_MAX"] == "2"
    assert (APP.parent / ".streamlit" / "config.toml").is_file()


def test_a_choice_of_the_operator_stays(became: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    with pytest.raises(SystemExit):
        main(["app", "--port", str(free_port()), "--host", "0.0.0.0"])
    assert became[2]["MALLOC_ARENA_MAX"] == "4"
    assert "0.0.0.0" in became[1]
    assert re.fullmatch(r"localhost|\d+\.\d+\.\d+\.\d+", became[1][-1]), "what the class types in"


def sentence(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a bad command leaves on standard error."""
    assert main(["app", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"[^\n]+\n", err)
    return err


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("inception.cli.app.find_spec", lambda _: None)
    monkeypatch.setattr("inception.cli.app.INSTALLED", True)
    assert "packages that are not installed, streamlit and pygments: " in (told := sentence(capsys))
    assert "pip install 'inception-explorer[app]'" in told


@pytest.mark.parametrize("port", ["0", "65536", "many", "-1", "80.5"])
def test_a_port_that_is_none(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert "not a port from 1 to 65535" in sentence(capsys, f"--port={port}")


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert sentence(capsys, "--port", port).endswith(f"port {port}: Address already in use\n")


def test_a_host_that_is_not_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot serve on 192.0.2.1, port" in sentence(capsys, "--host", "192.0.2.1", "--port", str(free_port()))
