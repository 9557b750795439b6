"""Pixels that no window reads, against what PyTorch's own convolutions and pools read."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inception import trace
from inception.graph.window import Slide, Window, slides
from inception.views.explain import why_this_shape

small = st.integers(1, 5)


def unread_at_the_end(read: list[bool]) -> int:
    return len(read) - max([-1, *(i for i, is_read in enumerate(read) if is_read)]) - 1


@settings(max_examples=600, deadline=None)
@given(
    size=st.integers(1, 20), kernel=small, stride=small, dilation=st.integers(1, 4), before=st.integers(0, 6),
    after=st.integers(0, 6),
)  # fmt: skip
def test_a_slide_drops_what_a_convolution_has_no_gradient_of(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    assume(dilation * (kernel - 1) + 1 <= size + before + after)
    x = torch.ones(1, 1, size, requires_grad=True)
    y = F.conv1d(F.pad(x, (before, after)), torch.ones(1, 1, kernel), None, stride, 0, dilation)
    y.sum().backward()
    assert x.grad is not None

    slide = Slide(size, kernel, stride, dilation, before, after, y.shape[-1])

    assert slide.dropped == unread_at_the_end((x.grad[0, 0] > 0).tolist())
    assert slide.behind <= slide.dropped <= len(slide.unread)


@st.composite
def pools(draw: st.DrawFn) -> nn.Module:
    kernel, stride = (draw(small), draw(small)), (draw(small), draw(small))
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    ceil_mode = draw(st.booleans())
    if draw(st.booleans()):
        dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil_mode, count_include_pad=draw(st.booleans()))


def lit(axis: int, height: int, width: int) -> Tensor:
    """A picture for each row (or column), which is one there and zero elsewhere."""
    rows = torch.eye(height)[:, :, None].expand(height, height, width)
    columns = torch.eye(width)[:, None, :].expand(width, height, width)
    return (rows, columns)[axis][:, None].clone()


@settings(max_examples=300, deadline=None)
@given(pool=pools(), height=st.integers(1, 14), width=st.integers(1, 14))
def test_a_window_drops_the_rows_and_columns_that_a_pool_does_not_see(pool: nn.Module, height: int, width: int) -> None:
    try:
        read = [(pool(lit(axis, height, width)).amax((1, 2, 3)) > 0).tolist() for axis in (0, 1)]
    except RuntimeError:  # the window does not fit
        assume(False)
    assume(any(read[0]) and any(read[1]))  # else no window reads anything, for want of the other axis

    window = trace(pool, (1, height, width)).layers[0].window

    assert window is not None
    assert window.dropped == (unread_at_the_end(read[0]), unread_at_the_end(read[1]))
    assert window.dropped == tuple(slide.dropped for slide in slides(window))


@pytest.mark.parametrize(
    ("conv", "size", "dropped", "words"),
    [
        # Windows start at -1 and 2. The second reads pixel 2 and the padding; pixels 3 and 4 lie in its gap.
        (nn.Conv2d(1, 1, (2, 1), (3, 1), (1, 0), (3, 1)), 5, 2, "over 4 of 5, the last 2 among them."),
        # Windows start at -2, 1 and 4; pixels 2 and 3 lie between the last two.
        (nn.Conv2d(1, 1, (1, 1), (3, 1), (2, 0)), 4, 2, "over 3 of 4, the last 2 among them."),
        (nn.Conv2d(1, 1, (1, 1), (2, 1)), 5, 0, "over 2 of 5."),
    ],
)
def test_words_say_what_the_table_says(conv: nn.Module, size: int, dropped: int, words: str) -> None:
    layer = trace(conv, (1, size, size)).layers[0]
    assert layer.window is not None
    assert layer.window.dropped[0] == dropped
    assert words in why_this_shape(layer).dropped


def test_a_window_of_the_paper() -> None:
    """A 3x3 with stride 2 on 36 pixels leaves one behind."""
    window = Window((3, 3), (2, 2), (1, 1), (0, 0, 0, 0), "VALID", (36, 35), (17, 17))
    assert window.dropped == (1, 0)
