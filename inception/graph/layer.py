"""What a table row is made of: `Part`, one operation, and `Layer`, the operations that share a row."""

from dataclasses import dataclass
from math import prod

from ..text import shape_text
from .op import Op
from .window import Window

Shape = tuple[int, ...]  # (C, H, W), or (C,) behind a flatten


@dataclass(frozen=True)
class Part:
    """One operation: a convolution, a batch norm, a ReLU, a pool, a sum. Shapes are without the batch."""

    op: str  # an `Op`, or the plain name of an operation that is none
    path: str  # of the module in the model
    in_shapes: tuple[Shape, ...]  # one for each tensor it reads
    out_shape: Shape
    window: Window | None  # of convolutions and pools
    params: int  # as PyTorch counts them; shared parameters count where they are first used
    macs: int  # multiply-accumulates of a convolution or linear layer, batch 1, without bias
    scale: float | None = None  # of a residual sum

    @property
    def weights(self) -> int:
        """Weights of a convolution or linear layer, without bias: each is used once at every output position."""
        if not self.macs:
            return 0
        return self.macs // prod(self.out_shape[1:] if self.op == Op.CONV else self.out_shape[:-1])


@dataclass(frozen=True, repr=False)
class Layer:
    """One row of the table: a conv unit (convolution + batch norm + ReLU), a pool, a concatenation, a sum."""

    index: int  # the row's number, from 1
    stage: str  # the paper's name, e.g. Inception-ResNet-A
    block: str  # TF-Slim's name, e.g. Block35_3
    branch: str  # TF-Slim's name, e.g. Branch_1; empty outside of branches
    layer: str  # TF-Slim's name inside the branch, e.g. Conv2d_0b_3x3
    path: str  # of the module in the model
    inputs: tuple[int, ...]  # indexes of the layers that it reads; 0 is the picture
    parts: tuple[Part, ...]  # its operations in the order in which they run

    @property
    def op(self) -> str:
        """The first operation, after which the layer is called."""
        return self.parts[0].op

    @property
    def window(self) -> Window | None:
        """The window of the first operation, if it has one."""
        return self.parts[0].window

    @property
    def in_shapes(self) -> tuple[Shape, ...]:
        """The shape of each tensor it reads."""
        return self.parts[0].in_shapes

    @property
    def out_shape(self) -> Shape:
        """The shape of what it hands on."""
        return self.parts[-1].out_shape

    @property
    def params(self) -> int:
        """Parameters of all its operations, as PyTorch counts them."""
        return sum(part.params for part in self.parts)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all its operations for one picture."""
        return sum(part.macs for part in self.parts)

    @property
    def activation_bytes(self) -> int:
        """Bytes of the output in float32, batch 1."""
        return 4 * prod(self.out_shape)

    def __repr__(self) -> str:
        names = " ".join(name for name in (self.block, self.branch, self.layer) if name)
        shapes = f"{' + '.join(map(shape_text, self.in_shapes))} to {shape_text(self.out_shape)}"
        return f"<Layer {self.index} {names or self.path}: {self.op}, {shapes}>"
