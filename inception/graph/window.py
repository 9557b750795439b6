"""The sliding window of convolutions and pools: kernel, stride, padding and pixels never reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import nn

from ..text import shape_text

Pair = tuple[int, int]  # (height, width)


def pair(value: int | tuple[int, ...]) -> Pair:
    """(height, width) of what PyTorch takes as one number or two."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def pair_text(value: tuple[int, ...]) -> str:
    """One number where height and width agree, else both: 8, or 8x16."""
    return str(value[0]) if len(set(value)) == 1 else shape_text(value)


def padding_of(conv: nn.Conv2d) -> tuple[int, int, int, int]:
    """Rows and columns that a convolution adds at (top, bottom, left, right)."""
    # The only place where PyTorch keeps the numbers behind padding="same".
    left, right, top, bottom = conv._reversed_padding_repeated_twice
    return top, bottom, left, right


@dataclass(frozen=True)
class Slide:
    """A window that slides along one axis, the rows or the columns of a grid.

    Positions are in pixels of that axis: the first pixel is 0, padding before it is negative.
    """

    size: int  # pixels of the axis, without padding
    kernel: int  # pixels that one window reads
    stride: int  # pixels from the start of a window to that of the next
    dilation: int  # pixels from one that a window reads to the next that it reads; 1 leaves no gaps
    before: int  # padding added before the first pixel
    after: int  # padding added after the last pixel
    out: int  # how many times the window fits

    @property
    def reach(self) -> int:
        """Pixels from the first to the last that one window reads."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def starts(self) -> range:
        """Where each window starts."""
        return range(-self.before, -self.before + self.out * self.stride, self.stride)

    @property
    def left_over(self) -> int:
        """Pixels and padding behind the last window; negative where it reaches over the edge (`ceil_mode` of pools)."""
        return self.size + self.before + self.after - self.reach - (self.out - 1) * self.stride

    @property
    def behind(self) -> int:
        """Pixels, without padding, behind the last window."""
        return min(self.size, max(0, self.left_over - self.after))

    @property
    def dropped(self) -> int:
        """Pixels at the end that no window reads: those behind the last window, or in a gap that it leaves."""
        last = -1  # the last pixel that is read
        for start in reversed(self.starts):
            if start < self.size:
                tap = min(self.kernel - 1, (self.size - 1 - start) // self.dilation)
                last = max(last, start + tap * self.dilation)
            if start + self.reach <= self.size:  # the windows before it end earlier
                break
        return self.size - 1 - last

    @cached_property
    def read(self) -> frozenset[int]:
        """Positions that some window reads."""
        return frozenset(start + self.dilation * tap for start in self.starts for tap in range(self.kernel))

    @property
    def unread(self) -> tuple[int, ...]:
        """Pixels that no window reads: those dropped at the end, and those in gaps that stride or dilation leave."""
        return tuple(pixel for pixel in range(self.size) if pixel not in self.read)

    @property
    def formula(self) -> str:
        r"""LaTeX of the output size: \left\lfloor \frac{149 + 0 + 0 - 3}{2} \right\rfloor + 1 = 74."""
        reach = str(self.kernel) if self.dilation == 1 else rf"({self.dilation} \cdot ({self.kernel} - 1) + 1)"
        side = "floor" if self.left_over >= 0 else "ceil"
        fraction = rf"\frac{{{self.size} + {self.before} + {self.after} - {reach}}}{{{self.stride}}}"
        return rf"\left\l{side} {fraction} \right\r{side} + 1 = {self.out}"


@dataclass(frozen=True)
class Window:
    """A window that slides over a grid of `grid` rows and columns and makes one of `out` from it."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: tuple[int, int, int, int]  # rows and columns added at (top, bottom, left, right)
    padding: str  # SAME or VALID as declared, EXPLICIT for numbers that are neither
    grid: Pair  # of the input, without padding
    out: Pair
    # What was added: "zeros" or another `padding_mode` of a convolution, "minus infinity" in a max pool, "nothing"
    # where an average does not count it.
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
        """Input rows and columns at the end that no window reads."""
        rows, columns = slides(self)
        return rows.dropped, columns.dropped


def slides(window: Window) -> tuple[Slide, Slide]:
    """What a window does along the rows, and along the columns."""
    rows, columns = (
        Slide(
            window.grid[axis],
            window.kernel[axis],
            window.stride[axis],
            window.dilation[axis],
            window.pad[2 * axis],
            window.pad[2 * axis + 1],
            window.out[axis],
        )
        for axis in (0, 1)
    )
    return rows, columns


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


def window_of_call(name: str, arguments: Sequence[Any], kernel: Sequence[int], grid: Pair, out: Pair) -> Window | None:
    """The window of an operation of PyTorch's dispatcher, with its arguments behind the tensors, as a module has it.

    kernel: height and width of a convolution's weight.
    """
    if name == "convolution":
        stride, padding, dilation, transposed = arguments[:4]
        if transposed or len(kernel) != 2:
            return None
        return _window(kernel, stride, padding, dilation, "zeros", grid, out)
    if name == "max_pool2d_with_indices":
        size, stride, padding, dilation = (*arguments, *((), 0, 1)[len(arguments) - 1 :])[:4]
        return _window(size, stride or size, padding, dilation, "minus infinity", grid, out)
    if name == "avg_pool2d":
        size, stride, padding = (*arguments, *((), 0)[len(arguments) - 1 :])[:3]
        counted = arguments[4] if len(arguments) > 4 else True
        return _window(size, stride or size, padding, 1, "zeros" if counted else "nothing", grid, out)
    return None


def _window(kernel: Any, stride: Any, padding: Any, dilation: Any, filling: str, grid: Pair, out: Pair) -> Window:
    size, step, (rows, columns), gaps = (_two(value) for value in (kernel, stride, padding, dilation))
    pad = (rows, rows, columns, columns)
    return Window(size, step, gaps, pad, _declared((rows, columns), pad, step, grid, out), grid, out, filling)


def _two(value: int | Sequence[int]) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _declared(padding: Any, pad: tuple[int, int, int, int], stride: Pair, grid: Pair, out: Pair) -> str:
    if isinstance(padding, str):
        return padding.upper()
    if not any(pad):
        return "VALID"
    return "SAME" if stride == (1, 1) and grid == out else "EXPLICIT"
