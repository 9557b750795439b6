"""The options that several commands share, and how their values are read."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from cyclopts import Parameter, Token

from ..size import Size
from ..views.export import FORMATS, export_table
from .output import UsageError, write


def one_of(names: Collection[str], help: str) -> Parameter:
    """What an option is that takes one of these names; a choice that is none of them is bad input."""

    def choice(_: Any, tokens: Sequence[Token]) -> str:
        if tokens[0].value not in names:
            raise ValueError(f"{tokens[0].value!r} is none of {', '.join(names)}")
        return tokens[0].value

    return Parameter(converter=choice, help=help)


def _size(_: Any, tokens: Sequence[Token]) -> Size:
    return Size.parse(tokens[0].value)


def _whole(_: Any, tokens: Sequence[Token]) -> int:
    try:
        return int(tokens[0].value)
    except ValueError as error:
        raise ValueError(f"{tokens[0].value!r} is not a whole number") from error


SIZE = Parameter(converter=_size, n_tokens=1, accepts_keys=False)
WHOLE = Parameter(converter=_whole)  # by itself cyclopts would round 2.7 to 3

Whole = Annotated[int, WHOLE]
InputSize = Annotated[
    Size | None,
    SIZE,
    Parameter(help="Pixels of the picture: N for a square, or HEIGHTxWIDTH. By default the model's own size."),
]
Model = Annotated[str, Parameter(help="A name that the command models lists.")]
Device = Annotated[str, Parameter(help="cpu, cuda or mps.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Write JSON instead of lines to read.")]
File = Annotated[Path | None, Parameter(name=["--output", "-o"], help="File to write instead of standard output.")]


@Parameter(name="*")
@dataclass(frozen=True)
class TableOutput:
    """Where a table goes, and as what."""

    format: Annotated[
        str | None,
        one_of(
            FORMATS,
            f"{', '.join(FORMATS)}. By default what the suffix of the file says; without a file, markdown on a "
            "terminal and csv elsewhere.",
        ),
    ] = None
    output: File = None

    def write(self, table: pd.DataFrame, title: str) -> None:
        """Writes the table; `title` heads it in formats that have titles."""
        suffixes = {format.suffix: name for name, format in FORMATS.items()}
        binary = [name for name, format in FORMATS.items() if not format.is_text]
        format = chosen_format(self.format, self.output, suffixes, binary, defaults=("markdown", "csv"))
        write(export_table(table, format, title), self.output)


STDOUT = TableOutput()


def chosen_format(
    format: str | None,
    output: Path | None,
    suffixes: Mapping[str, str],
    binary: Sequence[str],
    defaults: tuple[str, str],
) -> str:
    """What --format says, else what the suffix of -o stands for, else the default for a terminal or for elsewhere."""
    if output is None:
        is_terminal = sys.stdout.isatty()
        format = format or defaults[0 if is_terminal else 1]
        if is_terminal and format in binary:
            raise UsageError(f"{format} is not text; give a file with -o, or redirect standard output")
        return format
    suffix = output.suffix.lower()
    if not format and suffix not in suffixes:
        known = ", ".join(suffixes)
        raise UsageError(f"{str(output)!r} has none of the suffixes {known}; choose a format with --format")
    return format or suffixes[suffix]
