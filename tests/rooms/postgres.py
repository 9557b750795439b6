"""A PostgreSQL server of Debian's package, on a free port."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..browser.server import free_port
from ..debian import program

USER = "postgres"  # the server refuses to be root


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The URL of an empty database; None where there is no server and none can be installed."""
    program("pg_ctlcluster", packages=("postgresql",))
    found = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
    if found is None:
        yield None
        return
    folder, commands, port = Path(tempfile.mkdtemp()), Path(found).parent, free_port()
    who: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, USER, USER)

    def run(*command: str) -> None:
        subprocess.run([commands / command[0], *command[1:]], check=True, capture_output=True, cwd=folder, **who)

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", USER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
