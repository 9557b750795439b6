"""The padding playground: one window along one axis, by TensorFlow's rule and as PyTorch does it."""

from dataclasses import dataclass

from ..errors import InputError
from ..graph.window import Slide
from ..text import counted

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
            raise PlaygroundError(f"{name} must be a whole number from 1 to {limit:,}, not {value!r}.")
    reach = dilation * (kernel - 1) + 1
    refused = " (tf.nn.convolution and Keras refuse a stride and a dilation above 1 together.)"
    remark = refused if stride > 1 and dilation > 1 else ""

    def slide(before: int, after: int) -> Slide:
        out = (size + before + after - reach) // stride + 1
        return Slide(size, kernel, stride, dilation, before, after, out)

    if padding == "VALID":
        if reach > size:
            raise PlaygroundError(f"A window that reaches over {reach} pixels does not fit into {size} without zeros.")
        both = slide(0, 0)
        rule = rf"\left\lceil \frac{{{size} - {reach} + 1}}{{{stride}}} \right\rceil = {both.out}"
        same = f"Neither adds zeros, so both read the same pixels.{remark}"
        return PlaygroundResult(both, both, rule, 'padding="VALID"', 'padding="valid"', same)
    if padding != "SAME":
        raise PlaygroundError(f"padding must be VALID or SAME, not {padding!r}.")

    out = -(-size // stride)
    zeros = max((out - 1) * stride + reach - size, 0)
    before = zeros // 2
    tensorflow = slide(before, zeros - before)
    rule = (
        rf"\begin{{aligned}} \text{{outputs}} &= \left\lceil \frac{{{size}}}{{{stride}}} \right\rceil = {out} \\ "
        rf"\text{{zeros}} &= \max(({out} - 1) \cdot {stride} + {reach} - {size},\ 0) = {zeros} "
        rf"= {before} + {zeros - before} \end{{aligned}}"
    )
    if stride == 1:
        difference = "At stride 1 the two agree: both add the window's reach less 1, the odd zero at the end."
        return PlaygroundResult(tensorflow, tensorflow, rule, 'padding="SAME"', 'padding="same"', difference)
    pad = (reach - 1) // 2
    pytorch = slide(pad, pad) if size + 2 * pad >= reach else None
    difference = _difference(tensorflow, pytorch, pad) + remark
    return PlaygroundResult(tensorflow, pytorch, rule, 'padding="SAME"', f"padding={pad}", difference)


def _difference(tensorflow: Slide, pytorch: Slide | None, pad: int) -> str:
    """Why SAME at a stride above 1 comes out as it does in PyTorch, which refuses padding="same" there."""
    refuses = 'PyTorch has padding="same" only at stride 1'
    exact = f"F.pad(x, ({tensorflow.before}, {tensorflow.after})) before an unpadded layer gives TensorFlow's windows."
    if pytorch is None:
        return f"{refuses}, and with padding={pad} it raises an error, because the window is still too long. {exact}"
    if pytorch == tensorflow:
        return f"{refuses}; padding={pad} happens to add the same zeros at this size, so the two agree."
    if pytorch.out != tensorflow.out:
        return (
            f"{refuses}; padding={pad} gives {counted(pytorch.out, 'output')}, not {tensorflow.out}, because the "
            f"window needs an odd number of zeros, {tensorflow.before + tensorflow.after}. {exact}"
        )
    shift = pytorch.before - tensorflow.before
    return (
        f"{refuses}; padding={pad} gives as many outputs, but TensorFlow adds {tensorflow.before} before and "
        f"{tensorflow.after} after, so every PyTorch window starts {counted(shift, 'pixel')} earlier and "
        f"weights trained in one see a shifted picture in the other. {exact}"
    )
