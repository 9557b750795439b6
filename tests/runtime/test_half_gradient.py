"""Gradients in bfloat16, layer by layer."""

import pytest
import torch
from torch import nn

from inception.models.layers import Branch, ConvUnit, avg_pool
from inception.runtime.half_gradient import SameAvgPool, _back, half_gradients
from inception.runtime.onednn import quick_in_bfloat16


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(1, 1, 0), (3, 1, 1), (3, 1, 0), ((1, 7), 1, (0, 3)), (3, 2, 0), (1, 1, 1)],
)
def test_a_gradient_goes_back_through_a_convolution(kernel: int, stride: int, padding: int) -> None:
    if not quick_in_bfloat16(torch.device("cpu")):
        pytest.skip("this processor is not quick in bfloat16")
    torch.manual_seed(0)
    conv = nn.Conv2d(8, 6, kernel, stride, padding)
    x = torch.randn(2, 8, 15, 17, requires_grad=True)
    output = conv(x)
    gradient = torch.randn_like(output)
    (expected,) = torch.autograd.grad(output, x, gradient)

    low = gradient.to(torch.bfloat16, memory_format=torch.channels_last)
    found = _back(conv.to(torch.bfloat16))(low, x.shape)
    assert found.dtype == torch.bfloat16
    assert (found - expected).norm() < 0.01 * expected.norm()


def test_the_gradient_of_an_average_pool_is_pytorchs() -> None:
    torch.manual_seed(0)
    for count_zeros in (False, True):
        pool = nn.AvgPool2d(3, 1, 1, count_include_pad=count_zeros)
        x = torch.rand(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
        gradient = torch.rand(2, 3, 5, 7, dtype=torch.float64)
        (ours,) = torch.autograd.grad(SameAvgPool(pool)(x), x, gradient)
        (theirs,) = torch.autograd.grad(pool(x), x, gradient)
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("count_zeros", [False, True])
def test_a_convolution_before_its_average_pool_gives_the_same(count_zeros: bool) -> None:
    if not quick_in_bfloat16(torch.device("cpu")):
        pytest.skip("this processor is not quick in bfloat16")
    torch.manual_seed(0)
    branch = Branch(pool=avg_pool(count_zeros), conv=ConvUnit(6, 4, 1)).eval()
    for parameter in branch.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(2, 6, 5, 7)
    expected = branch(x)
    found = half_gradients(nn.Sequential(nn.Identity(), nn.Sequential(branch)))
    with torch.no_grad():
        torch.testing.assert_close(found(x), expected)
    assert isinstance(branch[1], nn.Sequential), "the pool comes second"
