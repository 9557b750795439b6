"""The command that serves the app: `app`."""

import argparse
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

from ..errors import InputError
from ..paths import APP, INSTALLED
from ..version import DISTRIBUTION

HOST, PORT = "127.0.0.1", 8501
NEEDED = ("streamlit", "pygments")  # what the extra `app` brings; Starlette comes with Streamlit


def add_commands(commands: Any, common: type[argparse.ArgumentParser]) -> None:
    """Adds it to argparse's subparsers."""
    command = commands.add_parser("app", parents=[common(add_help=False)], help="serve the app to a browser")
    command.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"default: {PORT}")
    command.add_argument(
        "--host",
        default=HOST,
        metavar="ADDRESS",
        help=f"of this machine, to listen on (default: {HOST}, this machine alone; 0.0.0.0: every network it is in)",
    )
    command.set_defaults(run=app)


def app(args: argparse.Namespace) -> None:
    """Serves the app until it is stopped.

    Raises InputError where the packages that it needs are not installed, or where nothing can listen at that address.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        how = f"pip install '{DISTRIBUTION}[app]'" if INSTALLED else "pip install -r requirements.txt"
        raise InputError(f"the app needs packages that are not installed, {' and '.join(missing)}: {how}")
    _check_free(args.host, args.port)
    # Streamlit reads .streamlit/config.toml beside the script, whatever the working directory. -P: a file of that
    # directory must not take the place of a module.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(APP)]
    command += ["--server.address", args.host, "--server.port", str(args.port)]
    # With it, the threads of all sessions share the memory that is free again, on Linux with glibc.
    environment = {"MALLOC_ARENA_MAX": "2"} | os.environ
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(sys.executable, command, environment)  # so that a signal to this process reaches the server
    sys.exit(subprocess.call(command, env=environment))


def _check_free(host: str, port: int) -> None:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # the address follows in brackets, a second time
        raise InputError(f"cannot serve on {host}, port {port}: {reason}") from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)
