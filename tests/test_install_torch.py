"""Which build of PyTorch `make` installs, on which machine. Nothing here asks the network."""

import io
import os
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from tools import install_torch

ROOT = Path(__file__).parents[1]
LISTED = "GPU 0: NVIDIA H200 (UUID: GPU-0)\n"
PAGE = b'<a href="/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl">torch</a>'


class Machine:
    """A computer to decide for, and what the script asked and installed on it."""

    platform = "linux"
    torch: str | None = None
    driver: Callable[[], subprocess.CompletedProcess[str]]
    index: Callable[[], io.BytesIO]
    pip_status = 0

    def __init__(self) -> None:
        self.asked = 0
        self.installed: list[list[str]] = []
        self.driver = no_driver
        self.index = lambda: io.BytesIO(PAGE)

    def version(self, _: str) -> str:
        if self.torch is None:
            raise PackageNotFoundError
        return self.torch

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[0] == "nvidia-smi":
            return self.driver()
        self.installed.append(command)
        return subprocess.CompletedProcess(command, self.pip_status)

    def urlopen(self, url: str, timeout: float) -> io.BytesIO:
        assert url.startswith("https://download.pytorch.org/whl/cpu/")
        assert timeout <= 10
        self.asked += 1
        return self.index()


def no_driver() -> subprocess.CompletedProcess[str]:
    raise FileNotFoundError("nvidia-smi")


def raises(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(install_torch, "version", machine.version)
    monkeypatch.setattr("subprocess.run", machine.run)
    monkeypatch.setattr("urllib.request.urlopen", machine.urlopen)
    monkeypatch.setattr("sys.platform", "linux")
    return machine


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("torchinfo==1.8.0\ntorch==2.13.0\n")
    return path


def test_linux_without_a_gpu_gets_the_cpu_build(machine: Machine, requirements: Path) -> None:
    install_torch.main(requirements)
    (command,) = machine.installed
    assert command[0] == sys.executable
    assert command[1:4] == ["-m", "pip", "install"]
    assert "torch==2.13.0" in command
    assert command[command.index("--index-url") + 1] == "https://download.pytorch.org/whl/cpu"


def test_another_version_is_replaced(machine: Machine, requirements: Path) -> None:
    machine.torch = "2.12.1+cpu"
    install_torch.main(requirements)
    assert len(machine.installed) == 1


@pytest.mark.parametrize("build", ["2.13.0", "2.13.0+cpu", "2.13.0+cu130"])
def test_an_installed_torch_stays(machine: Machine, requirements: Path, build: str) -> None:
    machine.torch = build
    install_torch.main(requirements)
    assert (machine.installed, machine.asked) == ([], 0)


def test_with_a_gpu_pypi_s_build_stays(machine: Machine, requirements: Path) -> None:
    machine.driver = lambda: subprocess.CompletedProcess([], 0, stdout=LISTED)
    install_torch.main(requirements)
    assert (machine.installed, machine.asked) == ([], 0)


@pytest.mark.parametrize(
    "driver",
    [
        lambda: subprocess.CompletedProcess([], 9, stdout="NVIDIA-SMI has failed"),
        lambda: subprocess.CompletedProcess([], 0, stdout="No devices found.\n"),
        raises(subprocess.TimeoutExpired("nvidia-smi", 5)),
        raises(PermissionError()),
    ],
)
def test_a_driver_without_a_gpu_counts_as_none(machine: Machine, requirements: Path, driver: Any) -> None:
    machine.driver = driver
    install_torch.main(requirements)
    assert len(machine.installed) == 1


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_pypi_s_build_is_the_small_one(
    machine: Machine, requirements: Path, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    install_torch.main(requirements)
    assert (machine.installed, machine.asked) == ([], 0)


@pytest.mark.parametrize(
    "index",
    [
        raises(TimeoutError()),
        raises(urllib.error.URLError("no route")),
        raises(urllib.error.HTTPError("", 403, "", None, None)),  # type: ignore[arg-type]
        lambda: io.BytesIO(PAGE.replace(b"2.13.0", b"2.12.0")),
        lambda: io.BytesIO(PAGE.replace(b"2.13.0", b"2.13.01")),
        lambda: io.BytesIO(b"<p>Log in to this network</p>"),
    ],
)
def test_an_index_that_does_not_offer_it_is_left_alone(machine: Machine, requirements: Path, index: Any) -> None:
    machine.index = index
    install_torch.main(requirements)
    assert machine.installed == []


def test_a_failed_installation_leaves_it_to_pypi(
    machine: Machine, requirements: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.pip_status = 1
    install_torch.main(requirements)
    assert "PyPI" in capsys.readouterr().err


def test_the_pin_is_that_of_the_project() -> None:
    assert f"torch=={install_torch.pinned(ROOT / 'requirements.txt')}\n" in (ROOT / "requirements.txt").read_text()


def test_make_decides_before_it_installs() -> None:
    command = ["make", "--dry-run", "--always-make", "run"]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    decision = next(i for i, line in enumerate(lines) if "tools/install_torch.py requirements.txt" in line)
    assert decision < next(i for i, line in enumerate(lines) if "--requirement requirements.txt" in line)
    assert "--host 127.0.0.1 --port 8501" in lines[-1]
