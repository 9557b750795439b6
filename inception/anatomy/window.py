"""The sliding window of convolutions and pools: kernel, stride, padding and pixels never reached."""

from dataclasses import dataclass
from typing import Any

from torch import nn

Pair = tuple[int, int]  # (height, width)


def pair(value: int | tuple[int, ...]) -> Pair:
    """(height, width) of what PyTorch takes as one number or two."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def padding_of(conv: nn.Conv2d) -> tuple[int, int, int, int]:
    """Rows and columns that a convolution adds at (top, bottom, left, right)."""
    # The only place where PyTorch keeps the numbers behind padding="same".
    left, right, top, bottom = conv._reversed_padding_repeated_twice
    return top, bottom, left, right


@dataclass(frozen=True)
class Window:
    """A window that slides over an H x W grid and turned `grid` into `out`.

    `pad` counts the rows and columns added at (top, bottom, left, right). `padding` is SAME or VALID as declared, or
    EXPLICIT for numbers that are neither. `filling` is what was added: zeros, or PyTorch's other `padding_mode` of a
    convolution; minus infinity in a max pool; nothing where an average does not count it.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: tuple[int, int, int, int]
    padding: str
    grid: Pair
    out: Pair
    filling: str = "zeros"

    @property
    def reach(self) -> Pair:
        """Rows and columns from the first to the last pixel of one window."""
        return (
            self.dilation[0] * (self.kernel[0] - 1) + 1,
            self.dilation[1] * (self.kernel[1] - 1) + 1,
        )

    @property
    def dropped(self) -> Pair:
        """Input rows and columns at the end that no window reaches."""
        return self._unreached(0), self._unreached(1)

    def _unreached(self, axis: int) -> int:
        grid, stride, dilation = self.grid[axis], self.stride[axis], self.dilation[axis]
        starts = [i * stride - self.pad[2 * axis] for i in range(self.out[axis])]
        # Windows on the zeros behind the last row, strides and dilation can leave the last rows in a gap.
        last = max(
            start + min(self.kernel[axis] - 1, (grid - 1 - start) // dilation) * dilation
            for start in starts
            if start < grid
        )
        return min(grid, grid - 1 - last)


def window_of(module: nn.Module, grid: Pair, out: Pair) -> Window | None:
    """The window of a Conv2d or pool; None for modules without one, or without the same one everywhere."""
    if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        if grid[0] % out[0] or grid[1] % out[1]:
            return None
        kernel = (grid[0] // out[0], grid[1] // out[1])
        return Window(kernel, kernel, (1, 1), (0, 0, 0, 0), "VALID", grid, out)
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return None
    kernel, stride, dilation = (
        pair(value) for value in (module.kernel_size, module.stride, getattr(module, "dilation", 1))
    )
    filling: str
    if isinstance(module, nn.Conv2d):
        pad = padding_of(module)
        filling = module.padding_mode
    else:
        rows, columns = pair(module.padding)
        pad = (rows, rows, columns, columns)
        averages = isinstance(module, nn.AvgPool2d)
        filling = "minus infinity" if not averages else "zeros" if module.count_include_pad else "nothing"
    return Window(kernel, stride, dilation, pad, _declared(module.padding, pad, stride, grid, out), grid, out, filling)


def _declared(padding: Any, pad: tuple[int, int, int, int], stride: Pair, grid: Pair, out: Pair) -> str:
    if isinstance(padding, str):
        return padding.upper()
    if not any(pad):
        return "VALID"
    return "SAME" if stride == (1, 1) and grid == out else "EXPLICIT"
