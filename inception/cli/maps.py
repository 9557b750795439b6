"""The command `maps`, which measures what maps of attribution tell."""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
from cyclopts import Parameter

from ..paths import MAP_SCORES
from ..runtime.devices import use_threads
from ..vision.attributions.quality import SIZES, measure
from ..weights.known import known_weights
from ..words import N_, _
from .output import write

OutputFile = Annotated[
    Path,
    Parameter(
        name=["--output", "-o"],
        show_default=False,
        help=N_("CSV file of the table. By default the one by which the page Where it looks chooses its map."),
    ),
]


def maps(*, output: OutputFile = MAP_SCORES) -> str:
    """Measure which maps of where a network looks tell most."""
    use_threads()
    tables = []
    for size in SIZES:
        for tag in [tag for tag, known in known_weights().items() if not known.published]:
            print(_("{tag} at {size} px").format(tag=tag, size=size), file=sys.stderr)
            tables.append(measure(tag, size))
    table = pd.concat(tables, ignore_index=True)
    write(table.to_csv(index=False, float_format="%.3f", lineterminator="\n").encode(), output)
    return _("{file}: {count} rows").format(file=output, count=len(table)) + "\n"
