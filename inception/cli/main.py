"""The command line: `python -m inception COMMAND`.

Exit status: 0 on success; 2 for bad input or an output that cannot be written, with one sentence on standard error;
130 after Ctrl-C and 141 when the reader of a pipe leaves early, as shells count them.
A command is a function that takes the parsed arguments and writes, or returns what is to be written; and a few lines
of the parser.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pandas as pd

from ..errors import InceptionError, InputError
from ..graph.blocks import find_block
from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..size import Size
from ..studies.factorize import Setting, calculate, option_table
from ..studies.pairs import pair_table, pair_title, pair_totals
from ..views.compare import compare_models
from ..views.diagram import DIAGRAM_FORMATS, diagram_caption, diagram_dot, diagram_file
from ..views.export import FORMATS, export_table, layer_title, summary_text
from ..views.overview import overview_dot
from ..zoo import VARIANTS, get_variant
from . import app as app_commands
from . import training as training_commands
from . import vision as vision_commands

PROG = "python -m inception"


class UsageError(InputError):
    """What is wrong with the command line, in one sentence."""


def models(args: argparse.Namespace) -> None:
    graphs = [_trace(name, None) for name in VARIANTS]
    table = pd.DataFrame(
        {
            "name": variant.name,
            "title": variant.title,
            "input_size": variant.input_size,
            "params": graph.params,
            "gmacs": round(graph.macs / 1e9, 3),
            "source": variant.source,
        }
        for variant, graph in zip(VARIANTS.values(), graphs, strict=True)
    )
    _emit(args, table, "Models")


def table(args: argparse.Namespace) -> None:
    graph = _trace(args.model, args.size)
    _emit(args, graph.table(collapse=args.collapse), layer_title(graph))


def diagram(args: argparse.Namespace) -> None:
    if args.level == "layer" and not args.block:
        raise UsageError("the layers of a whole network fit no page; name one of its blocks with --block")
    if args.block and args.level in ("stage", "block"):
        raise UsageError(f"--level {args.level} draws the whole network; leave out --block")
    graph = _trace(args.model, args.size)
    format = _format(
        args, {f".{name}": name for name in DIAGRAM_FORMATS}, binary=("png", "pdf"), defaults=("dot", "svg")
    )
    if args.block:
        block = find_block(graph.layers, args.block)
        dot, what = diagram_dot(block.layers, block.title), block.title
    else:
        dot, what = overview_dot(graph, args.level or "block"), "Overview"
    with _quiet():
        data = diagram_file(dot, format, diagram_caption(graph, what))
    _write(data, args.output)


def factorize(args: argparse.Namespace) -> None:
    names = ("kernel", "in_channels", "middle_channels", "out_channels", "bias")
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    if args.model:
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise UsageError(f"{flags} and a MODEL exclude each other: its convolutions are what they are")
        graph = _trace(args.model, args.size)
        _emit(args, pair_totals(graph) if args.totals else pair_table(graph), pair_title(graph))
        return
    if args.totals:
        raise UsageError("--totals needs a MODEL")
    given.setdefault("middle_channels", given.get("out_channels", Setting.out_channels))
    setting = Setting(**given, size=args.size or Setting.size)
    _emit(args, option_table(calculate(setting)), setting.title)


def compare(args: argparse.Namespace) -> None:
    names = [args.model, *args.others]
    _emit(args, compare_models([_trace(name, args.size) for name in names]), f"Stages of {', '.join(names)}")


def summary(args: argparse.Namespace) -> None:
    _write(summary_text(args.model, args.size or get_variant(args.model).input_size).encode(), None)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    try:
        args = _parser().parse_args(argv)
        text: str | None = args.run(args)
        if text is not None:
            _write(text.encode(), None)
    except BrokenPipeError:
        return 141
    except KeyboardInterrupt:
        return 130
    except InceptionError as error:
        print(f"{PROG}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    size = _Parser(add_help=False)
    size.add_argument("--size", type=_size, metavar="N|HxW", help="pixels of the picture (default: the model's own)")
    output = _Parser(add_help=False)
    output.add_argument(
        "--format",
        choices=FORMATS,
        help="default: what the suffix of -o says; without -o, markdown on a terminal and csv elsewhere",
    )
    output.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output")

    parser = _Parser(prog=PROG, description="Inception-v4, Inception-ResNet-v1 and -v2 from the inside.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser("models", parents=[output], help="every model with its size, parameters and GMACs")
    command.set_defaults(run=models)

    command = commands.add_parser("table", parents=[size, output], help="the layer table of a model")
    command.add_argument("model", metavar="MODEL", help=f"a name that `{PROG} models` lists")
    command.add_argument("--collapse", action="store_true", help="fold repeated blocks into one, with a repeat column")
    command.set_defaults(run=table)

    command = commands.add_parser("diagram", parents=[size], help="a model, or one of its blocks, as a diagram")
    command.add_argument("model", metavar="MODEL", help=f"a name that `{PROG} models` lists")
    command.add_argument("--block", metavar="NAME", help="draw the layers of this block, e.g. Inception-A or Mixed_6a")
    command.add_argument(
        "--level",
        choices=("stage", "block", "layer"),
        help="what a box is (default: a block of the folded network; with --block a layer)",
    )
    command.add_argument(
        "--format",
        choices=DIAGRAM_FORMATS,
        help="default: what the suffix of -o says; without -o, dot on a terminal and svg elsewhere",
    )
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output")
    command.set_defaults(run=diagram)

    command = commands.add_parser(
        "factorize", parents=[output], help="what 1xk followed by kx1 saves: in a model, or for any channels"
    )
    command.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        help="list every such pair of this model; without it, compare ways to look through one window",
    )
    command.add_argument("--totals", action="store_true", help="of a MODEL, one row for each k instead of each pair")
    command.add_argument(
        "--size", type=_size, metavar="N|HxW", help="of a MODEL's picture (default: as trained); else of the grid (64)"
    )
    command.add_argument("--kernel", type=int, metavar="K", help=f"an odd number (default: {Setting.kernel})")
    command.add_argument("--in-channels", type=int, metavar="N", help=f"default: {Setting.in_channels}")
    command.add_argument(
        "--middle-channels", type=int, metavar="N", help="between 1xk and kx1 (default: as many as out)"
    )
    command.add_argument("--out-channels", type=int, metavar="N", help=f"default: {Setting.out_channels}")
    command.add_argument(
        "--bias", action=argparse.BooleanOptionalAction, help="whether convolutions have one (default: they have)"
    )
    command.set_defaults(run=factorize)

    command = commands.add_parser("compare", parents=[size, output], help="models side by side, stage by stage")
    command.add_argument("model", metavar="MODEL", help=f"a name that `{PROG} models` lists")
    command.add_argument("others", metavar="MODEL", nargs="+", help="what to compare it with")
    command.set_defaults(run=compare)

    command = commands.add_parser("summary", parents=[size], help="torchinfo's own summary of a model")
    command.add_argument("model", metavar="MODEL", help=f"a name that `{PROG} models` lists")
    command.set_defaults(run=summary)

    vision_commands.add_commands(commands, _Parser)
    training_commands.add_commands(commands, _Parser)
    app_commands.add_commands(commands, _Parser)
    return parser


def _size(text: str) -> Size:
    try:
        return Size.parse(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error


def _trace(name: str, size: Size | None) -> LayerGraph:
    return trace(name, size or get_variant(name).input_size)


def _emit(args: argparse.Namespace, table: pd.DataFrame, title: str) -> None:
    suffixes = {format.suffix: name for name, format in FORMATS.items()}
    binary = [name for name, format in FORMATS.items() if not format.is_text]
    format = _format(args, suffixes, binary, defaults=("markdown", "csv"))
    _write(export_table(table, format, title), args.output)


def _format(
    args: argparse.Namespace, suffixes: Mapping[str, str], binary: Sequence[str], defaults: tuple[str, str]
) -> str:
    """What --format says, else what the suffix of -o stands for, else the default for a terminal or for elsewhere."""
    if args.output is None:
        is_terminal = sys.stdout.isatty()
        format = args.format or defaults[0 if is_terminal else 1]
        if is_terminal and format in binary:
            raise UsageError(f"{format} is not text; give a file with -o, or redirect standard output")
        return format
    suffix = args.output.suffix.lower()
    if not args.format and suffix not in suffixes:
        known = ", ".join(suffixes)
        raise UsageError(f"{str(args.output)!r} has none of the suffixes {known}; choose a format with --format")
    return args.format or suffixes[suffix]


@contextmanager
def _quiet() -> Iterator[None]:
    """Drops what C libraries write to standard error: fontconfig remarks on configuration newer than itself."""
    try:
        kept = os.dup(2)
    except OSError:  # closed already
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nothing)
        os.close(kept)


def _write(data: bytes, path: Path | None) -> None:
    """Writes a file, whole or not at all, or standard output where `path` is None."""
    try:
        if path is None:
            _write_stdout(data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a named pipe must not be replaced by a file
        else:
            _replace(Path(os.path.realpath(path)), data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"cannot write {path or 'standard output'}: {error.strerror}") from error


def _write_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError:
        # Python flushes standard output again when it exits, and would complain about the same error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".inception-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
