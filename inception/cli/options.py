"""The options that several commands share, and how their values are read."""

import re
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from cyclopts import Parameter, Token

from ..size import Size
from ..views.export import FORMATS, export_table
from ..views.rows import sort_rows
from ..views.terminal import terminal_table
from ..words import N_, _
from .output import UsageError, write

TERMINAL = "terminal"  # the format of a table on a terminal
InputShape = tuple[int, ...]  # without the batch


def one_of(names: Collection[str], help: str) -> Parameter:
    """What an option is that takes one of these names, which its help lists. help: a marked sentence."""
    return Parameter(choices=tuple(map(str, names)), help=help)


def whole_within(numbers: range) -> Parameter:
    """What an option is that takes a whole number of a range."""

    def number(kind: Any, tokens: Sequence[Token]) -> int:
        if (value := _whole(kind, tokens)) not in numbers:
            sentence = _("{value} is not a whole number from {least} to {most}")
            if numbers.stop == sys.maxsize:
                sentence = _("{value} is not a whole number from {least}")
            raise ValueError(sentence.format(value=value, least=numbers.start, most=numbers.stop - 1))
        return value

    return Parameter(converter=number)


def names_list(help: str) -> Parameter:
    """What an option is that takes names with commas between them."""

    def names(_kind: Any, tokens: Sequence[Token]) -> list[str]:
        return [name.strip() for token in tokens for name in token.value.split(",") if name.strip()]

    return Parameter(converter=names, n_tokens=1, help=help)


def _size(_kind: Any, tokens: Sequence[Token]) -> Size:
    return Size.parse(tokens[0].value)


def _whole(_kind: Any, tokens: Sequence[Token]) -> int:
    try:
        return int(tokens[0].value)
    except ValueError as error:
        raise ValueError(_("{value!r} is not a whole number").format(value=tokens[0].value)) from error


def _shapes(_kind: Any, tokens: Sequence[Token]) -> list[InputShape]:
    shapes = []
    for token in tokens:
        if not re.fullmatch(r"[0-9]{1,7}(x[0-9]{1,7}){0,4}", token.value, re.ASCII) or "0" in token.value.split("x"):
            sentence = _("{value!r} is not a shape: give sizes without the batch, such as 3x224x224")
            raise ValueError(sentence.format(value=token.value))
        shapes.append(tuple(map(int, token.value.split("x"))))
    return shapes


SIZE = Parameter(converter=_size, n_tokens=1, accepts_keys=False)
WHOLE = Parameter(converter=_whole)  # by itself cyclopts would round 2.7 to 3

InputSize = Annotated[
    Size | None,
    SIZE,
    Parameter(help=N_("Pixels of the picture: N for a square, or HEIGHTxWIDTH. By default the model's own size.")),
]
Model = Annotated[str, Parameter(help=N_("A name that the command models lists."))]
AnyModel = Annotated[
    str,
    Parameter(
        help=N_(
            "A name that the command models lists; package.module:factory for a network of your own, from the current "
            "directory too; timm:NAME or torchvision:NAME, where that is installed."
        )
    ),
]
Inputs = Annotated[
    list[InputShape] | None,
    Parameter(
        name="--input",
        converter=_shapes,
        n_tokens=1,
        help=N_("Instead of --size, the shape of an input without the batch, e.g. 3x224x224; once for each input."),
    ),
]
Device = Annotated[str, Parameter(help=N_("cpu, cuda or mps."))]
AsJson = Annotated[bool, Parameter(name="--json", help=N_("Write JSON instead of lines to read."))]
File = Annotated[Path | None, Parameter(name=["--output", "-o"], help=N_("File to write instead of standard output."))]


@Parameter(name="*")
@dataclass(frozen=True)
class Part:
    """Which part of a table is written."""

    columns: Annotated[
        list[str] | None, names_list(N_("Names of columns, with commas between them, in the order wanted."))
    ] = None
    sort: Annotated[
        str | None, Parameter(help=N_("A column: its largest number or size first, texts by the alphabet."))
    ] = None
    top: Annotated[
        int | None, whole_within(range(1, sys.maxsize)), Parameter(help=N_("Only that many rows, the first ones."))
    ] = None

    def rows_of(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows that are written, in their order."""
        if self.sort:
            table = sort_rows(table, self.sort)
        return table if self.top is None else table.head(self.top)


WHOLE_TABLE = Part()


@Parameter(name="*")
@dataclass(frozen=True)
class TableOutput:
    """Where a table goes, and as what."""

    format: Annotated[
        str | None,
        one_of(
            (TERMINAL, *FORMATS),
            N_(
                "What to write. By default what the suffix of the file says; without a file, a table as wide as the "
                "window (terminal) on a terminal and csv elsewhere."
            ),
        ),
    ] = None
    output: File = None

    @property
    def is_read(self) -> bool:
        """Whether people read it as it is, on a terminal, so that its cells are in their language."""
        return self.format == TERMINAL or (not self.format and not self.output and sys.stdout.isatty())

    def write(
        self, table: pd.DataFrame, title: str, columns: Sequence[str] | None = None, first: Sequence[str] = ()
    ) -> None:
        """Writes the table.

        title: heads it in formats that have titles. columns: those that are written; all by default. first: the
        columns that a terminal shows by default, the most important first.
        """
        suffixes = {format.suffix: name for name, format in FORMATS.items()}
        binary = [name for name, format in FORMATS.items() if not format.is_text]
        format = chosen_format(self.format, self.output, suffixes, binary, defaults=(TERMINAL, "csv"))
        if format == TERMINAL:
            width = shutil.get_terminal_size().columns
            data = terminal_table(table, title, width, columns, first).encode()
        else:
            data = export_table(table, format, title, columns)
        write(data, self.output)


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
            sentence = _("{format} is not text; give a file with -o, or redirect standard output")
            raise UsageError(sentence.format(format=format))
        return format
    suffix = output.suffix.lower()
    if not format and suffix not in suffixes:
        known = ", ".join(suffixes)
        sentence = _("{file!r} has none of the suffixes {known}; choose a format with --format")
        raise UsageError(sentence.format(file=str(output), known=known))
    return format or suffixes[suffix]
