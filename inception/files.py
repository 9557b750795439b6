"""Files that are written whole or not at all, and small ones that readers bring."""

import secrets
from os import PathLike
from pathlib import Path

from .errors import InputError
from .words import _


class FileError(InputError):
    """A reader's file that cannot be used, in one sentence that names it."""


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; whoever reads it meanwhile gets the old content."""
    temporary = path.with_name(f".inception-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_text(source: bytes | str | PathLike[str], most: int, name: str = "") -> tuple[str, str]:
    """The text of a file in UTF-8, given by its content or its path, and the file's name.

    most: bytes of what is read. Raises FileError.
    """
    if not isinstance(source, bytes):
        name = name or Path(source).name
        try:
            with open(source, "rb") as file:
                source = file.read(most + 1)
        except OSError as error:
            sentence = _("{file}: cannot be read ({reason}).")
            raise FileError(sentence.format(file=name, reason=error.strerror)) from error
    if len(source) > most:
        raise FileError(_("{file}: larger than {most} MB.").format(file=name, most=most >> 20))
    try:
        return source.decode("utf-8-sig"), name
    except UnicodeDecodeError as error:
        raise FileError(_("{file}: not text in UTF-8.").format(file=name)) from error
