"""What a table row is made of: `Part`, one operation, and `Layer`, the operations that share a row."""

from dataclasses import dataclass
from math import prod

from .window import Window

Shape = tuple[int, ...]  # (C, H, W), or (C,) behind a flatten


@dataclass(frozen=True)
class Part:
    """One operation: a convolution, a batch norm, a ReLU, a pool, a sum. Shapes are without the batch.

    params: as PyTorch counts. macs: multiply-accumulates of a convolution or linear layer, batch 1, without bias.
    scale: of a residual sum.
    """

    op: str
    path: str
    in_shapes: tuple[Shape, ...]
    out_shape: Shape
    window: Window | None
    params: int
    macs: int
    scale: float | None = None


@dataclass(frozen=True)
class Layer:
    """One row of the table: a conv unit (convolution + batch norm + ReLU), a pool, a concatenation, a sum.

    inputs: indexes of the layers it reads; 0 is the picture.
    stage: the paper's name; block, branch, layer: TF-Slim's. path: the module's path in the model.
    """

    index: int
    stage: str
    block: str
    branch: str
    layer: str
    path: str
    inputs: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def op(self) -> str:
        return self.parts[0].op

    @property
    def window(self) -> Window | None:
        return self.parts[0].window

    @property
    def in_shapes(self) -> tuple[Shape, ...]:
        return self.parts[0].in_shapes

    @property
    def out_shape(self) -> Shape:
        return self.parts[-1].out_shape

    @property
    def params(self) -> int:
        return sum(part.params for part in self.parts)

    @property
    def macs(self) -> int:
        return sum(part.macs for part in self.parts)

    @property
    def activation_bytes(self) -> int:
        """Bytes of the output in float32, batch 1."""
        return 4 * prod(self.out_shape)
