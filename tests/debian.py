"""Installs Debian's packages of the programs that tests drive, where we may."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock


def program(*names: str, packages: tuple[str, ...]) -> str | None:
    """The path of the first of some programs that is on PATH, else after installing packages; None without one."""
    return _on_path(names) or (_on_path(names) if _install(names, packages) else None)


def _on_path(names: tuple[str, ...]) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


def _install(names: tuple[str, ...], packages: tuple[str, ...]) -> bool:
    """Whether apt-get installed the packages. Test processes wait for each other, as apt-get would fail instead."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with FileLock(Path(tempfile.gettempdir()) / "inception-explorer-apt.lock"):
        if _on_path(names):
            return True
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-yq", "--no-install-recommends", *packages],
        ):
            if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
                return False
    return True
