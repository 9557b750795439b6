"""Networks whose forward pass is exact and whose backward pass, to the input alone, is rounded to bfloat16.

Rounding a forward pass switches some ReLUs, and with them the paths along which gradients flow. The backward pass is
linear in the gradient, so rounding there only adds an error of its own small size.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ..graph.window import padding_of
from ..models.surgery import fold_batch_norm, lean


def half_gradients(model: nn.Module) -> nn.Module:
    """The eval-mode float32 model itself, batch norms folded, each convolution as a `HalfGradientConv`."""
    model = lean(fold_batch_norm(model)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and padding_of(child)[::2] == padding_of(child)[1::2]:
                module.register_module(name, HalfGradientConv(child))
    return model


class HalfGradientConv(nn.Module):
    """A convolution (N, C, H, W) to (N, C', H', W') in float32 whose gradient for its input is computed in bfloat16."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = conv
        self.padding = list(padding_of(conv)[::2])
        self.rounded = conv.weight.detach().to(torch.bfloat16, memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        rest = (list(conv.stride), self.padding, list(conv.dilation), conv.groups)
        return _HalfGradient.apply(x, conv.weight, self.rounded, conv.bias, *rest)


class _HalfGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, half: Tensor, bias: Tensor | None, *rest: Any) -> Tensor:
        ctx.save_for_backward(half)
        ctx.shape, ctx.rest = x.shape, rest
        stride, padding, dilation, groups = rest
        return torch.convolution(x, weight, bias, stride, padding, dilation, False, [0, 0], groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (half,) = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.rest
        gradient = gradients[0].to(torch.bfloat16, memory_format=torch.channels_last)
        shape_of_input = gradient.new_empty(1).expand(ctx.shape)  # its values are needed for weights' gradients only
        found, _, _ = torch.ops.aten.convolution_backward(
            gradient, shape_of_input, half, None, stride, padding, dilation, False, [0, 0], groups, [True, False, False]
        )
        return found.float(), *[None] * 7
