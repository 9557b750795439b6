"""The padding playground: one window along one axis, by TensorFlow's rule and as PyTorch does it."""

from dataclasses import dataclass

from ..errors import InputError
from ..graph.window import Slide
from ..text import running_text
from ..words import _, ngettext

MAX_SIZE = 1024  # pixels of one axis in the playground
MAX_WINDOW = 64  # its kernel, stride and dilation


class PlaygroundError(InputError):
    """A playground setting that has no answer, in one sentence."""


# Playground
@dataclass(frozen=True)
class PlaygroundResult:
    """What a window does along one axis in TensorFlow and in PyTorch."""

    tensorflow: Slide
    pytorch: Slide | None  # None where PyTorch raises an error
    rule: str  # TensorFlow's rule as LaTeX with these numbers
    tensorflow_argument: str  # what to write in tf.nn.conv2d
    pytorch_argument: str  # what to write in nn.Conv2d
    difference: str  # whether and why the two differ, one or two sentences


def playground(size: int, kernel: int, stride: int, padding: str, dilation: int = 1) -> PlaygroundResult:
    """A window of `kernel` pixels along an axis of `size` pixels under TensorFlow's VALID or SAME, and in PyTorch.

    TensorFlow's SAME (tf.nn, "Notes on padding") gives ceil(size / stride) outputs and adds just the zeros they need,
    the odd one at the end. PyTorch has padding="same" at stride 1 only; above, people write (reach - 1) // 2 on both
    sides, as torchvision's networks do. size: 1 to 1024; kernel, stride, dilation: 1 to 64. Raises PlaygroundError for
    anything else, and where a VALID window does not fit.
    """
    for name, value, limit in (
        ("size", size, MAX_SIZE),
        ("kernel", kernel, MAX_WINDOW),
        ("stride", stride, MAX_WINDOW),
        ("dilation", dilation, MAX_WINDOW),
    ):
        if not (isinstance(value, int) and 1 <= value <= limit):
            sentence = _("{name} must be a whole number from 1 to {most:,}, not {value!r}.")
            raise PlaygroundError(sentence.format(name=name, most=limit, value=value))
    reach = dilation * (kernel - 1) + 1
    remarks = []
    if stride > 1 and dilation > 1:
        remarks = [_("(tf.nn.convolution and Keras refuse a stride and a dilation above 1 together.)")]

    def slide(before: int, after: int) -> Slide:
        out = (size + before + after - reach) // stride + 1
        return Slide(size, kernel, stride, dilation, before, after, out)

    if padding == "VALID":
        if reach > size:
            sentence = _("A window that reaches over {reach} pixels does not fit into {size} without zeros.")
            raise PlaygroundError(sentence.format(reach=reach, size=size))
        both = slide(0, 0)
        rule = rf"\left\lceil \frac{{{size} - {reach} + 1}}{{{stride}}} \right\rceil = {both.out}"
        same = running_text(_("Neither adds zeros, so both read the same pixels."), *remarks)
        return PlaygroundResult(both, both, rule, 'padding="VALID"', 'padding="valid"', same)
    if padding != "SAME":
        raise PlaygroundError(_("padding must be VALID or SAME, not {padding!r}.").format(padding=padding))

    out = -(-size // stride)
    zeros = max((out - 1) * stride + reach - size, 0)
    before = zeros // 2
    tensorflow = slide(before, zeros - before)
    counted, added = _("outputs"), _("zeros")
    rule = (
        rf"\begin{{aligned}} \text{{{counted}}} &= \left\lceil \frac{{{size}}}{{{stride}}} \right\rceil = {out} \\ "
        rf"\text{{{added}}} &= \max(({out} - 1) \cdot {stride} + {reach} - {size},\ 0) = {zeros} "
        rf"= {before} + {zeros - before} \end{{aligned}}"
    )
    if stride == 1:
        difference = _("At stride 1 the two agree: both add the window's reach less 1, the odd zero at the end.")
        return PlaygroundResult(tensorflow, tensorflow, rule, 'padding="SAME"', 'padding="same"', difference)
    pad = (reach - 1) // 2
    pytorch = slide(pad, pad) if size + 2 * pad >= reach else None
    difference = running_text(_difference(tensorflow, pytorch, pad), *remarks)
    return PlaygroundResult(tensorflow, pytorch, rule, 'padding="SAME"', f"padding={pad}", difference)


def _difference(tensorflow: Slide, pytorch: Slide | None, pad: int) -> str:
    """Why SAME at a stride above 1 comes out as it does in PyTorch, which refuses padding="same" there."""
    refuses = _('PyTorch has padding="same" only at stride 1.')
    exact = _("F.pad(x, ({before}, {after})) before an unpadded layer gives TensorFlow's windows.")
    exact = exact.format(before=tensorflow.before, after=tensorflow.after)
    if pytorch is None:
        sentence = _("With padding={pad} it raises an error, because the window is still too long.")
        return running_text(refuses, sentence.format(pad=pad), exact)
    if pytorch == tensorflow:
        sentence = _("padding={pad} happens to add the same zeros at this size, so the two agree.")
        return running_text(refuses, sentence.format(pad=pad))
    if pytorch.out != tensorflow.out:
        sentence = ngettext(
            "padding={pad} gives {count} output, not {wanted}, because the window needs {zeros} zeros, an odd number.",
            "padding={pad} gives {count} outputs, not {wanted}, because the window needs {zeros} zeros, an odd number.",
            pytorch.out,
        ).format(pad=pad, count=pytorch.out, wanted=tensorflow.out, zeros=tensorflow.before + tensorflow.after)
        return running_text(refuses, sentence, exact)
    shift = pytorch.before - tensorflow.before
    sentence = ngettext(
        "padding={pad} gives as many outputs, but TensorFlow adds {before} before and {after} after. So every PyTorch "
        "window starts {shift} pixel earlier, and weights trained in one see a shifted picture in the other.",
        "padding={pad} gives as many outputs, but TensorFlow adds {before} before and {after} after. So every PyTorch "
        "window starts {shift} pixels earlier, and weights trained in one see a shifted picture in the other.",
        shift,
    ).format(pad=pad, before=tensorflow.before, after=tensorflow.after, shift=shift)
    return running_text(refuses, sentence, exact)
