"""What a pass of a picture lets a diagram say: room for maps, shares of branches, norms at residual sums."""

from collections.abc import Sequence

from ..graph.layer import Layer
from ..graph.op import Op
from ..views.colouring import NAMES, Colouring
from ..views.notes import Flow, Notes
from ..words import _
from .every_layer import PictureRun


def picture_notes(run: PictureRun, layers: Sequence[Layer], colouring: Colouring | None = None) -> Notes:
    """Notes on the layers of a block, which say what each branch does.

    An edge into a concatenation is as wide as the branch's share of the sum of squares of all that is joined, one into
    a residual sum as its norm is beside the other's.
    """
    flows: dict[tuple[int, int], Flow] = {}
    lines: dict[int, list[str]] = {}
    for layer in layers:
        if layer.op == Op.CONCAT:
            for source, share in run.shares(layer).items():
                flows[source, layer.index] = Flow(share, share_text(share))
        elif summands := run.summands(layer):
            whole = (summands.shortcut + summands.residual) or 1.0
            sides = {_("shortcut, norm {norm}"): summands.shortcut, _("residual, norm {norm}"): summands.residual}
            for source, (text, norm) in zip(layer.inputs, sides.items(), strict=True):
                flows[source, layer.index] = Flow(norm / whole, text.format(norm=f"{norm:.3g}"))
            if summands.shortcut:
                text = _("residual / shortcut {ratio}")
                lines[layer.index] = [text.format(ratio=f"{summands.residual / summands.shortcut:.3g}")]
    maps = {index: len(response.maps) for index, response in run.responses.items()}
    return Notes(maps, lines, colouring, flows, branches=True)


def share_text(share: float) -> str:
    """56%, or <1% for a share that is not nothing."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def response_colouring(run: PictureRun) -> Colouring:
    """How strongly each layer that was looked into answers the picture."""
    return Colouring(_(NAMES["response"]), {i: response.rms for i, response in run.responses.items()}, "last")
