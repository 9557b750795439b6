"""What the commands write: files, whole or not at all, and standard output."""

import os
import sys
from pathlib import Path

from ..errors import InputError
from ..files import replace_file
from ..words import _


class UsageError(InputError):
    """What is wrong with the command line, in one sentence."""


def write(data: bytes, path: Path | None = None) -> None:
    """Writes a file, whole or not at all, or standard output where `path` is None."""
    try:
        if path is None:
            _write_stdout(data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a named pipe must not be replaced by a file
        else:
            replace_file(Path(os.path.realpath(path)), data)
    except BrokenPipeError:
        raise
    except OSError as error:
        sentence = _("cannot write {path}: {reason}") if path else _("cannot write standard output: {reason}")
        raise UsageError(sentence.format(path=path, reason=error.strerror)) from error


def _write_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError:
        # Python flushes standard output again when it exits, and would complain about the same error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
