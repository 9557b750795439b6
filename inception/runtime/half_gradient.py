"""Networks whose passes for the gradient of the input are quick: rounded to bfloat16 where that changes little.

What is rounded in the first stage switches ReLUs near the pixels, and with them the paths along which gradients flow:
the map becomes another one. After it the same rounding adds an error of its own small size, and so it does anywhere on
the way back, which is linear in the gradient (measured by `python -m bench attributions`).
"""

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..graph.window import padding_of
from ..models.layers import Branch
from ..models.surgery import fold_batch_norm, lean
from .onednn import ConvRelu, PackedConv, one_kernel_each


def half_gradients(model: nn.Module) -> nn.Module:
    """The eval-mode float32 model itself, batch norms folded, each convolution as a `HalfGradientConv`.

    Passes without a gradient stay in float32; others are rounded after the first stage. Where oneDNN can, a convolution
    and the ReLU behind it run forwards as one kernel.
    """
    model = lean(fold_batch_norm(model)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = one_kernel_each(model, torch.device("cpu"), torch.float32)
    first = {id(module) for module in next(model.children()).modules()}
    for branch in [module for module in model.modules() if isinstance(module, Branch)]:
        _pool_later(branch)
    for module in [module for module in model.modules() if not isinstance(module, ConvRelu)]:
        for name, child in module.named_children():
            conv = child.conv if isinstance(child, ConvRelu) else child
            if isinstance(conv, nn.Conv2d) and padding_of(conv)[::2] == padding_of(conv)[1::2]:
                quick = HalfGradientConv(conv, isinstance(child, ConvRelu), rounded=id(child) not in first)
                module.register_module(name, quick)
            elif isinstance(child, nn.Linear | nn.Conv2d):
                child.register_forward_pre_hook(lambda _module, inputs: tuple(x.float() for x in inputs))
            elif isinstance(child, nn.AvgPool2d) and _keeps_the_size(child):
                module.register_module(name, SameAvgPool(child))
    return model


class HalfGradientConv(nn.Module):
    """A convolution (N, C, H, W) to (N, C', H', W') whose gradient for its input is computed in bfloat16.

    relu: whether the ReLU behind it belongs to it. rounded: whether it gives bfloat16 in passes that want a gradient.
    """

    def __init__(self, conv: nn.Conv2d, relu: bool, rounded: bool):
        super().__init__()
        self.relu, self.rounded = relu, rounded
        low = _rounded(conv)
        kernel = ConvRelu if relu else PackedConv
        self.exact = kernel(conv)
        self.quick = kernel(low) if rounded else self.exact
        self.back = _back(low)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return self.exact(x)
        x = x.to(torch.bfloat16 if self.rounded else torch.float32)
        return _HalfGradient.apply(x, self.quick, self.relu, self.back)


def _rounded(conv: nn.Conv2d) -> nn.Conv2d:
    """A copy in bfloat16, for which the weights are not copied in float32 first."""
    low = {id(one): nn.Parameter(one.detach().to(torch.bfloat16), False) for one in conv.parameters()}
    return copy.deepcopy(conv, low)


Back = Callable[[Tensor, torch.Size], Tensor]  # of a gradient for the output, and the shape of the input


def _back(conv: nn.Conv2d) -> Back:
    """What gives a convolution's gradient for its input, in the convolution's dtype.

    With stride 1 that is a convolution too, by the kernel turned round, and oneDNN computes it sooner than what PyTorch
    asks it for.
    """
    top, _bottom, left, _right = padding_of(conv)
    high, wide = conv.kernel_size
    around = (high - 1 - top, wide - 1 - left)
    if conv.stride == conv.dilation == (1, 1) and conv.groups == 1 and min(around) >= 0:
        turned = nn.Conv2d(conv.out_channels, conv.in_channels, (high, wide), padding=around, bias=False, device="meta")
        weight = conv.weight.detach() if (high, wide) == (1, 1) else conv.weight.detach().flip(2, 3)
        weight = weight.transpose(0, 1).contiguous(memory_format=torch.channels_last)
        turned.weight = nn.Parameter(weight, False)
        packed = PackedConv(turned)
        return lambda gradient, _shape: packed(gradient)
    rest = (list(conv.stride), [top, left], list(conv.dilation), False, [0, 0], conv.groups, [True, False, False])

    def back(gradient: Tensor, shape: torch.Size) -> Tensor:
        of_shape = gradient.new_empty(1).expand(shape)  # its values are needed for weights' gradients only
        found: Tensor = torch.ops.aten.convolution_backward(gradient, of_shape, conv.weight, None, *rest)[0]
        return found

    return back


class _HalfGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, run: Callable[[Tensor], Tensor], relu: bool, back: Back) -> Tensor:
        output = run(x)
        ctx.save_for_backward(output if relu else None)
        ctx.shape, ctx.dtype, ctx.back = x.shape, x.dtype, back
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (output,), (gradient,) = ctx.saved_tensors, gradients
        if output is not None:  # what the ReLU did not pass
            gradient = torch.ops.aten.threshold_backward(gradient, output, 0)
        gradient = gradient.to(torch.bfloat16, memory_format=torch.channels_last)
        return ctx.back(gradient, ctx.shape).to(ctx.dtype), None, None, None


def _pool_later(branch: Branch) -> None:
    """Lets a 1x1 convolution run before the average pool in front of it, of which it leaves few channels to pool.

    The pool mixes cells and the convolution mixes channels, so their order makes no difference. The bias comes last: a
    pool that counts zeros at the edges would take some of it away.
    """
    for (name, pool), (after, conv) in pairwise(list(branch.named_children())):
        pools = isinstance(pool, nn.AvgPool2d) and _keeps_the_size(pool)
        if pools and isinstance(conv, ConvRelu) and conv.conv.kernel_size == conv.conv.stride == (1, 1):
            bias, conv.conv.bias = conv.conv.bias, None
            assert bias is not None  # it took over that of the batch norm
            branch.register_module(name, conv.conv)
            branch.register_module(after, nn.Sequential(pool, BiasRelu(bias)))


class BiasRelu(nn.Module):
    """Adds a bias (C,) to (N, C, H, W) and cuts off at 0."""

    def __init__(self, bias: Tensor):
        super().__init__()
        self.bias = nn.Parameter(bias.detach()[:, None, None], False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu_(x + self.bias.to(x.dtype))


def _keeps_the_size(pool: nn.AvgPool2d) -> bool:
    size, padding = pool.kernel_size, pool.padding
    return isinstance(size, int) and isinstance(padding, int) and size == 2 * padding + 1 and pool.stride == 1


class SameAvgPool(nn.Module):
    """An average pool of stride 1 that keeps the size: (N, C, H, W) to (N, C, H, W).

    Its gradient is an average pool too, of the gradients in the same window, which is computed five times as fast as
    what PyTorch does. At the edges each is divided by the cells that its own window counts.
    """

    def __init__(self, pool: nn.AvgPool2d):
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        return _SameAvgPool.apply(x, self.pool) if torch.is_grad_enabled() else self.pool(x)


class _SameAvgPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, pool: nn.AvgPool2d) -> Tensor:
        ctx.pool = pool
        return pool(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), pool = gradients, ctx.pool
        size, padding = pool.kernel_size, pool.padding
        if not pool.count_include_pad:
            ones = torch.ones_like(gradient[:1, :1])
            gradient = gradient / functional.avg_pool2d(ones, size, 1, padding)  # by the share of a window that counts
        return functional.avg_pool2d(gradient, size, 1, padding), None
