"""Networks whose passes for the gradient of the input are quick: rounded to bfloat16 where that changes little.

What is rounded in the first stage switches ReLUs near the pixels, and with them the paths along which gradients flow:
the map becomes another one. After it the same rounding adds an error of its own small size, and so it does anywhere on
the way back, which is linear in the gradient (measured by `python -m bench attributions`).
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..graph.window import padding_of
from ..models.surgery import fold_batch_norm, lean
from .onednn import ConvRelu, one_kernel_each


def half_gradients(model: nn.Module) -> nn.Module:
    """The eval-mode float32 model itself, batch norms folded, each convolution as a `HalfGradientConv`.

    Passes without a gradient stay in float32; others are rounded after the first stage. Where oneDNN can, a convolution
    and the ReLU behind it run forwards as one kernel.
    """
    model = lean(fold_batch_norm(model)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model = one_kernel_each(model, torch.device("cpu"), torch.float32)
    first = {id(module) for module in next(model.children()).modules()}
    for module in [module for module in model.modules() if not isinstance(module, ConvRelu)]:
        for name, child in module.named_children():
            conv = child.conv if isinstance(child, ConvRelu) else child
            if isinstance(conv, nn.Conv2d) and padding_of(conv)[::2] == padding_of(conv)[1::2]:
                quick = HalfGradientConv(conv, isinstance(child, ConvRelu), rounded=id(child) not in first)
                module.register_module(name, quick)
            elif isinstance(child, nn.Linear | nn.Conv2d):
                child.register_forward_pre_hook(lambda _module, inputs: tuple(x.float() for x in inputs))
    return model


class HalfGradientConv(nn.Module):
    """A convolution (N, C, H, W) to (N, C', H', W') whose gradient for its input is computed in bfloat16.

    relu: whether the ReLU behind it belongs to it. rounded: whether it gives bfloat16 in passes that want a gradient.
    """

    def __init__(self, conv: nn.Conv2d, relu: bool, rounded: bool):
        super().__init__()
        self.conv, self.relu, self.rounded = conv, relu, rounded
        self.low = copy.deepcopy(conv).to(torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload]
        quick = self.low if rounded else conv
        self.quick = ConvRelu(quick) if relu else quick

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            exact = self.conv(x)
            return exact.relu_() if self.relu else exact
        conv, padding = self.conv, list(padding_of(self.conv)[::2])
        x = x.to(torch.bfloat16 if self.rounded else torch.float32)
        rest = (list(conv.stride), padding, list(conv.dilation), conv.groups)
        return _HalfGradient.apply(x, self.low.weight, self.quick, self.relu, *rest)


class _HalfGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, half: Tensor, run: Callable[[Tensor], Tensor], relu: bool, *rest: Any) -> Tensor:
        output = run(x)
        ctx.save_for_backward(half, output if relu else None)
        ctx.shape, ctx.dtype, ctx.rest = x.shape, x.dtype, rest
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        half, output = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.rest
        gradient = gradients[0]
        if output is not None:  # what the ReLU did not pass
            gradient = torch.ops.aten.threshold_backward(gradient, output, 0)
        gradient = gradient.to(torch.bfloat16, memory_format=torch.channels_last)
        shape_of_input = gradient.new_empty(1).expand(ctx.shape)  # its values are needed for weights' gradients only
        found, _, _ = torch.ops.aten.convolution_backward(
            gradient, shape_of_input, half, None, stride, padding, dilation, False, [0, 0], groups, [True, False, False]
        )
        return found.to(ctx.dtype), *[None] * 7
