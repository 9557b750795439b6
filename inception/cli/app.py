"""The command that serves the app: `app`."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Annotated

from cyclopts import Parameter, Token

from ..errors import InputError
from ..paths import APP, INSTALLED, SERVER
from ..text import and_list
from ..version import DISTRIBUTION
from ..words import N_, _

HOST, PORT = "127.0.0.1", 8501
EVERY_NETWORK = ("0.0.0.0", "::")
NEEDED = ("streamlit", "pygments")  # what the extra `app` brings; Starlette comes with Streamlit


def port_number(_kind: object, tokens: Sequence[Token]) -> int:
    text = tokens[0].value
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(_("{value!r} is not a port from 1 to 65535").format(value=text))
    return int(text)


def app(
    *,
    host: Annotated[
        str,
        Parameter(
            help=N_(
                "Address of this machine to listen on. With 127.0.0.1 the app is for this machine alone, with 0.0.0.0 "
                "for every network that it is in."
            )
        ),
    ] = HOST,
    port: Annotated[int, Parameter(converter=port_number, help=N_("Port to listen on."))] = PORT,
) -> None:
    """Serve the app to a browser."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        how = f"pip install '{DISTRIBUTION}[app]'" if INSTALLED else "pip install -r requirements.txt"
        sentence = _("the app needs packages that are not installed, {packages}: {how}")
        raise InputError(sentence.format(packages=and_list(missing), how=how))
    check_free(host, port)
    # Streamlit reads .streamlit/config.toml beside the script, whatever the working directory. -P: a file of that
    # directory must not take the place of a module.
    command = [sys.executable, "-P", str(SERVER), "run", str(APP)]
    command += ["--server.address", host, "--server.port", str(port)]
    if host in EVERY_NETWORK:
        command += ["--browser.serverAddress", own_address()]  # what it prints for the class
    # With it, the threads of all sessions share the memory that is free again, on Linux with glibc.
    environment = {"MALLOC_ARENA_MAX": "2"} | os.environ
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(sys.executable, command, environment)  # so that a signal to this process reaches the server
    sys.exit(subprocess.call(command, env=environment))


def own_address() -> str:
    """The address that this machine has in its network; localhost in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of no one (RFC 5737): sends nothing, but chooses a network
            return str(probe.getsockname()[0])
        except OSError:
            return "localhost"


def check_free(host: str, port: int) -> None:
    try:
        family, *_rest, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # the address follows in brackets, a second time
        sentence = _("cannot serve on {host}, port {port}: {reason}")
        raise InputError(sentence.format(host=host, port=port, reason=reason)) from error
