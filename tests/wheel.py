"""Builds the project's wheel, and installs it into an environment of its own. Neither needs a network."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    """The path of the wheel of this checkout, built into a folder."""
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def install(built: Path, folder: Path) -> Path:
    """The folder of commands, bin/ or Scripts/, of a new environment with this wheel.

    It borrows what the wheel depends on from the environment of the tests, which would take minutes to install again.
    """
    venv.create(folder, with_pip=False)
    paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    commands = Path(paths["scripts"])
    borrowed = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    Path(paths["purelib"], "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    _pip("--python", str(commands / "python"), "install", "--no-deps", "--no-index", str(built))
    return commands


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
