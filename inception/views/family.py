"""The family of the networks: which came from which, and what each added."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ..graph.layer_graph import LayerGraph
from ..text import wrapped
from ..words import N_, _
from .diagram import box_text, new_diagram
from .kinds import CONCAT, FACTORISED, OTHER, SQUARE, SUM, Kind
from .style import PLAIN_STYLE, Style

WIDTH = 30  # letters of a line in a box


@dataclass(frozen=True)
class Member:
    """One network of the family."""

    name: str
    year: int  # of its paper on arXiv
    added: str  # what it brought, marked
    source: str
    parents: tuple[str, ...]
    kind: Kind  # of the operation that marks it
    graph: str = ""  # its name in the zoo, where it is there


FAMILY = (
    Member(
        "GoogLeNet",
        2014,
        N_("kernels of 1x1, 3x3 and 5x5 side by side, and a cheap 1x1 before the dear ones"),
        "arXiv:1409.4842",
        (),
        CONCAT,
    ),
    Member(
        "Inception-v2",
        2015,
        N_("batch norm, and two 3x3 in place of a 5x5"),
        "arXiv:1502.03167",
        ("GoogLeNet",),
        SQUARE,
    ),
    Member("ResNet", 2015, N_("shortcuts: a block adds to its input"), "arXiv:1512.03385", (), OTHER),
    Member(
        "Inception-v3",
        2015,
        N_("1x7 and 7x1 in place of 7x7, and reductions without a narrow place"),
        "arXiv:1512.00567",
        ("Inception-v2",),
        FACTORISED,
        "inception_v3",
    ),
    Member(
        "Inception-v4",
        2016,
        N_("more blocks, all of one plan, and a stem with branches; no shortcuts"),
        "arXiv:1602.07261",
        ("Inception-v3",),
        FACTORISED,
        "inception_v4",
    ),
    Member(
        "Inception-ResNet-v1",
        2016,
        N_("shortcuts in every block, at about the cost of Inception-v3"),
        "arXiv:1602.07261",
        ("Inception-v3", "ResNet"),
        SUM,
        "inception_resnet_v1",
    ),
    Member(
        "Inception-ResNet-v2",
        2016,
        N_("the same, wider, at about the cost of Inception-v4"),
        "arXiv:1602.07261",
        ("Inception-v4", "Inception-ResNet-v1"),
        SUM,
        "inception_resnet_v2",
    ),
)


def family_dot(graphs: Mapping[str, LayerGraph], style: Style = PLAIN_STYLE) -> str:
    """DOT text of the family, from the oldest to the latest, with the sizes of those that are in `graphs`."""
    dot = new_diagram(_("The Inception family"), style)
    for member in FAMILY:
        lines = [_("{year}, {source}").format(year=member.year, source=member.source)]
        lines += wrapped(_(member.added), WIDTH)
        if graph := graphs.get(member.graph):
            size = _("{params:.1f} million parameters, {layers} layers")
            lines.append(size.format(params=graph.params / 1e6, layers=len(graph.layers)))
        dot.node(member.name, box_text(member.name, *lines, style=style), **style.box(member.kind))
        for parent in member.parents:
            dot.edge(parent, member.name)
    return str(dot.source)


def family_table(graphs: Mapping[str, LayerGraph]) -> pd.DataFrame:
    """What the drawing shows, a row a network; sizes of those that are in `graphs`."""
    found = [(member, graphs.get(member.graph)) for member in FAMILY]
    return pd.DataFrame(
        {
            "network": member.name,
            "year": member.year,
            "source": member.source,
            "after": ", ".join(member.parents),
            "added": _(member.added),
            "params": graph.params if graph else None,
            "layers": len(graph.layers) if graph else None,
        }
        for member, graph in found
    ).astype({"params": "Int64", "layers": "Int64"})
