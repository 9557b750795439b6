"""Two versions of a block laid over each other, e.g. those of Inception-ResNet-v1 and -v2.

Layers of the same name share a box. Where the versions differ the box says both: "32 / 48". What only one version has
is dashed and says so in words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import graphviz

from ..graph.layer import Layer
from ..graph.receptive_field import ReceptiveField
from ..text import shape_text
from ..words import _
from .changes import change_of
from .diagram import (
    PLAIN,
    add_end,
    box_text,
    detail_texts,
    group_of,
    has_own_relu,
    head_text,
    hover_text,
    hover_value,
    layer_name,
    new_diagram,
    plain_text,
    same_row,
    shape_read,
)
from .kinds import kind_of
from .style import PLAIN_STYLE, Amount, Style, amount_text

Fields = Sequence[ReceptiveField | None]
DASHED = "filled,rounded,dashed"


@dataclass(frozen=True)
class Pair:
    """The same layer in two versions of a block."""

    id: str  # of its box in the SVG
    versions: tuple[Layer | None, Layer | None]  # None where a version does not have the layer

    @property
    def layers(self) -> list[Layer]:
        return [layer for layer in self.versions if layer]


def pair_layers(one: Sequence[Layer], other: Sequence[Layer]) -> list[Pair]:
    """The layers of two versions of a block or stage, those of the same name together, in order of execution."""
    several = any(len({layer.block for layer in layers}) > 1 for layers in (one, other))
    keys = [
        [(layer.block if several else "", layer.branch, layer.layer) for layer in layers] for layers in (one, other)
    ]
    pairs: list[tuple[Layer | None, Layer | None]] = []
    for step, i, i_end, j, j_end in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if step == "equal":
            pairs += zip(one[i:i_end], other[j:j_end], strict=True)
        else:
            pairs += [(layer, None) for layer in one[i:i_end]]
            pairs += [(None, layer) for layer in other[j:j_end]]
    return [Pair(f"pair{n}", pair) for n, pair in enumerate(pairs, 1)]


def overlay_dot(
    one: Sequence[Layer],
    other: Sequence[Layer],
    names: tuple[str, str],
    title: str,
    style: Style = PLAIN_STYLE,
    amount: Amount | None = None,
    fields: tuple[Fields, Fields] = ((), ()),
    changes: bool = False,
) -> str:
    """DOT text of two versions of a block or stage in one diagram; its boxes have the ids of `pair_layers`.

    names: what to call the versions, as in "only v1".
    amount: what boxes say beside what they are; for "rf" `fields` are the receptive fields of both graphs.
    changes: whether colours say what is the same, what has changed and what only one version has.
    """
    pairs = pair_layers(one, other)
    views = [_view(pairs, version) for version in (0, 1)]
    edges = {edge: [edge in view.edges for view in views] for view in views for edge in view.edges}
    dot = new_diagram(title, style)
    read_inside = {head for tail, head in edges if not tail.startswith("from")}
    same_row(dot, [pair.id for pair in pairs if pair.id not in read_inside])
    dashed = {
        name for pair in pairs for name in _add_pair(dot, pair, names, style, _amounts(pair, amount, fields), changes)
    }
    for end in dict.fromkeys(end for view in views for end in view.ends):
        shapes = _both(view.ends[end] for view in views if end in view.ends)
        text = _("input {shape}") if end.startswith("from") else _("output {shape}")
        add_end(dot, end, text.format(shape=shapes), style)
    for (tail, head), present in edges.items():
        only = _only(present, names)
        label = "" if {tail, head} & dashed else f"  {only}"  # the box says it already
        dot.edge(tail, head, label=plain_text(label), style="dashed" if only else "solid")
    return str(dot.source)


@dataclass(frozen=True)
class _View:
    """What one version draws."""

    edges: list[tuple[str, str]]  # between boxes, and from and to its ends
    ends: dict[str, str]  # what comes in or goes out: the name of the end, and the shape there


def _view(pairs: Sequence[Pair], version: int) -> _View:
    view = _View([], {})
    boxes: dict[int, str] = {}  # where others read a layer
    unread: dict[str, Layer] = {}
    for pair in pairs:
        layer = pair.versions[version]
        if layer is None:
            continue
        for source in layer.inputs:
            if source not in boxes:
                boxes[source] = f"from{len(view.ends)}"
                view.ends[boxes[source]] = shape_read(layer, source)
            view.edges.append((boxes[source], pair.id))
            unread.pop(boxes[source], None)
        boxes[layer.index] = pair.id
        if has_own_relu(layer):
            boxes[layer.index] = _relu(pair)
            view.edges.append((pair.id, _relu(pair)))
        unread[boxes[layer.index]] = layer
    for n, (box, layer) in enumerate(unread.items()):
        view.edges.append((box, f"to{n}"))
        view.ends[f"to{n}"] = shape_text(layer.out_shape)
    return view


def _amounts(pair: Pair, amount: Amount | None, fields: tuple[Fields, Fields]) -> str:
    return _both(
        amount_text(amount, (layer,), own[layer.index] if own else None)
        for layer, own in zip(pair.versions, fields, strict=True)
        if layer
    )


def _add_pair(
    dot: graphviz.Digraph, pair: Pair, names: tuple[str, str], look: Style, amounts: str, changes: bool
) -> list[str]:
    """Adds the box of a pair and that of its ReLU; returns the names of those that only one version has."""
    first, group = pair.layers[0], group_of(pair.layers[0])
    present = [layer is not None for layer in pair.versions]
    relus = [layer is not None and has_own_relu(layer) for layer in pair.versions]
    hover = "\n".join(f"{name}: {hover_text(layer)}" for name, layer in zip(names, pair.versions, strict=True) if layer)
    only = _only(present, names)
    text = box_text(
        _both(map(head_text, pair.layers)),
        _details(pair, names),
        layer_name(first),
        amounts,
        marked=[only] if only else [],
        style=look,
    )
    style = {"style": DASHED} if only else {}
    dot.node(
        pair.id,
        text,
        id=pair.id,
        group=group,
        **look.box(change_of(pair.versions) if changes else kind_of(first)),
        tooltip=hover_value(hover),
        **style,
    )
    dashed = [pair.id] if only else []
    if any(relus):
        only = _only(relus, names)
        style = {"style": DASHED} if only else {}
        dot.node(_relu(pair), plain_text("\n".join(["ReLU", *filter(None, [only])])), group=group, **PLAIN, **style)
        dashed += [_relu(pair)] if only else []
    return dashed


def _details(pair: Pair, names: tuple[str, str]) -> str:
    """The channels of both versions, then the other details; those that only one version has say which."""
    if len(pair.layers) == 1:
        return _(", ").join(detail_texts(pair.layers[0]))
    (channels, *one), (other_channels, *other) = map(detail_texts, pair.layers)
    rest = [
        detail
        if detail in one and detail in other
        else _("{detail} in {network}").format(detail=detail, network=names[detail in other])
        for detail in dict.fromkeys(one + other)
    ]
    return _(", ").join([_both([channels, other_channels]), *rest])


def _both(texts: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(texts))


def _only(present: Sequence[bool], names: tuple[str, str]) -> str:
    return "" if all(present) else _("only {network}").format(network=names[present.index(True)])


def _relu(pair: Pair) -> str:
    return f"{pair.id}relu"
