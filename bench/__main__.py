"""`python -m bench` runs every bench, `python -m bench anatomy pages` those two; `--help` says the rest."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module

from bench.run import Run
from bench.timing import Row

BENCHES = (
    "anatomy",
    "residual",
    "inference",
    "attributions",
    "picture",
    "pages",
    "content",
    "first",
    "load",
    "faces",
    "engine",
)
LONG = ("class", "soak")  # which are measured where they are named
MODULES = {"class": "classroom"}  # where a bench's name is none for a module


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints each row as soon as it is measured; returns the exit status that `--help` explains."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures what we claim about speed and prints a row for each claim.",
        epilog="Exit status: 0 if every row was measured, 1 if one failed, 2 for a name that is no bench. A row that "
        "fails says why, and the others are measured all the same. A missed goal is printed and leaves the status at "
        "0: the goals in seconds depend on the machine and on what else runs on it.",
    )
    known = BENCHES + LONG
    every = f"{', '.join(known)}; without a name all but the last {len(LONG)}, which take longest"
    parser.add_argument("names", nargs="*", metavar="NAME", help=every)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long `soak` goes on; by default 60")
    parser.add_argument(
        "--short",
        action="store_true",
        help="only show that every row can be measured: small, few repeats, no goals; the figures mean nothing",
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"There is no bench named {unknown[0]!r}; the benches are {', '.join(known)}.", file=sys.stderr)
        return 2
    failed = False
    with Run(options.short, options.minutes) as run:
        for name in options.names or BENCHES:
            for row in rows_of(name, run):
                print((replace(row, goal=None) if run.short else row).text, flush=True)
                failed = failed or row.failed
    return int(failed)


def rows_of(name: str, run: Run) -> Iterator[Row]:
    """The rows of a bench; if it breaks outside of any row, as when no browser starts, its last row says so."""
    try:
        yield from import_module(f"bench.{MODULES.get(name, name)}").rows(run)
    except Exception as error:  # the other benches go on
        yield Row(f"the rest of the bench {name}", "").without_value(error)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what a bench has started ends with it
    sys.exit(main())
