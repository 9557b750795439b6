"""What a table row is made of: `Part`, one operation, and `Layer`, the operations that share a row."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

from ..text import shape_text
from ..words import _
from .receptive_field import ReceptiveField
from .window import Window

Shape = tuple[int, ...]  # (C, H, W), or (C,) behind a flatten


@dataclass(frozen=True)
class Part:
    """One operation: a convolution, a batch norm, a ReLU, a pool, a sum. Shapes are without the batch."""

    op: str  # an `Op`, or the plain name of an operation that is none
    path: str  # of the module in the model
    in_shapes: tuple[Shape, ...]  # one for each tensor it reads
    out_shape: Shape
    window: Window | None  # of convolutions and pools over a picture
    params: int  # as PyTorch counts them; shared parameters count where they are first used
    macs: int  # multiply-accumulates of matrix work, batch 1, without bias: half of what PyTorch's FLOP counter says
    scale: float | None = None  # of a residual sum
    weights: int = 0  # of a convolution or linear layer, without bias, whoever counts them
    groups: int = 1  # of a convolution: how many times the channels are cut, as many as channels where it is depthwise
    statistics: int = 0  # running means and variances of a batch norm, which Keras counts as parameters
    doubt: str = ""  # why nobody can vouch for `macs`, which is then 0; empty where it is right; `_` translates it
    kernel: tuple[int, ...] = ()  # of convolutions and pools in any number of dimensions, transposed ones too
    stride: tuple[int, ...] = ()  # the same; empty where an operation has none, or not the same one everywhere


@dataclass(frozen=True, repr=False)
class Layer:
    """One row of the table: a conv unit (convolution + batch norm + ReLU), a pool, a concatenation, a sum."""

    index: int  # the row's number, from 1
    stage: str  # the paper's name, e.g. Inception-ResNet-A
    block: str  # TF-Slim's name, e.g. Block35_3
    branch: str  # TF-Slim's name, e.g. Branch_1; empty outside of branches
    layer: str  # TF-Slim's name inside the branch, e.g. Conv2d_0b_3x3
    path: str  # of the module in the model
    inputs: tuple[int, ...]  # indexes of the layers that it reads; 0 is the picture, or another input of the network
    parts: tuple[Part, ...]  # its operations in the order in which they run
    field: ReceptiveField | None = None  # of its cells; None where no single box fits all of them
    field_note: str = ""  # why there is no field, or that every cell depends on the whole picture; `_` translates it

    @property
    def op(self) -> str:
        """The first operation, after which the layer is called."""
        return self.parts[0].op

    @property
    def window(self) -> Window | None:
        """The window of the first operation, if it has one."""
        return self.parts[0].window

    @property
    def kernel(self) -> tuple[int, ...]:
        """The kernel of the first operation, one number for each axis of the grid; empty where it has none."""
        return self.parts[0].kernel

    @property
    def in_shapes(self) -> tuple[Shape, ...]:
        """The shape of each tensor it reads."""
        return self.parts[0].in_shapes

    @property
    def out_shape(self) -> Shape:
        """The shape of what it hands on; of several tensors that of the first."""
        return self.parts[-1].out_shape

    @cached_property  # pages ask thousands of times
    def params(self) -> int:
        """Parameters of all its operations, as PyTorch counts them."""
        return sum(part.params for part in self.parts)

    @cached_property  # pages ask thousands of times
    def macs(self) -> int:
        """Multiply-accumulates of all its operations for one picture, without those that `doubt` is about."""
        return sum(part.macs for part in self.parts)

    @property
    def doubt(self) -> str:
        """Why nobody can vouch for `macs`; empty where they are right."""
        return next((part.doubt for part in self.parts if part.doubt), "")

    @property
    def reason(self) -> str:
        """What the blank cells of its row are about, for readers; empty where there is none."""
        blanks = [(self.doubt, _("MACs")), ("" if self.field else self.field_note, _("receptive field"))]
        why = _("{what}: {reason}")
        return _("; ").join(why.format(what=what, reason=_(reason)) for reason, what in blanks if reason)

    @property
    def activation_bytes(self) -> int:
        """Bytes of the output in float32, batch 1."""
        return 4 * prod(self.out_shape)

    def __repr__(self) -> str:
        names = " ".join(name for name in (self.block, self.branch, self.layer) if name)
        shapes = f"{' + '.join(map(shape_text, self.in_shapes))} to {shape_text(self.out_shape)}"
        return f"<Layer {self.index} {names or self.path}: {self.op}, {shapes}>"
