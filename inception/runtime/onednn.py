"""Convolution and ReLU as one kernel of oneDNN, with the weights in the order in memory that suits its processor.

PyTorch does this too, in torch.compile, which wants a C++ compiler and minutes for networks as deep as these. The
operators are the same; they have no public name, so where one is missing the layers stay as they are.
"""

import torch
from torch import Tensor, nn

from ..graph.window import padding_of
from ..models.layers import ConvUnit

SUPPORTED = {  # the dtypes that oneDNN has kernels for, and what says whether this processor has them
    torch.float32: None,
    torch.bfloat16: "_is_mkldnn_bf16_supported",
    torch.float16: "_is_mkldnn_fp16_supported",
}


def one_kernel_each(model: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """The model itself, of `fold_batch_norm`, with each `ConvUnit` as a `ConvRelu` where oneDNN can do that."""
    if device.type == "cpu" and _supports(dtype):
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, ConvUnit):
                    module.register_module(name, ConvRelu(child.conv))
    return model


def _supports(dtype: torch.dtype) -> bool:
    operators, asked = torch.ops.mkldnn, SUPPORTED.get(dtype, "")
    if not torch.backends.mkldnn.is_available() or not hasattr(operators, "_convolution_pointwise"):
        return False
    return asked is None or (hasattr(operators, asked) and getattr(operators, asked)())


class ConvRelu(nn.Module):
    """A convolution with bias, and the ReLU behind it: (N, C, H, W) to (N, C', H', W')."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = conv
        top, bottom, left, right = padding_of(conv)
        assert (top, left) == (bottom, right), "oneDNN takes one number for both ends"
        self.padding = [top, left]
        self._packed: Tensor | None = None
        self._packed_for: torch.Size | None = None

    def forward(self, x: Tensor) -> Tensor:
        conv, operators = self.conv, torch.ops.mkldnn
        stride, dilation = list(conv.stride), list(conv.dilation)
        if self._packed is None or x.shape != self._packed_for:
            # The best order depends on the shape of the input; one made for another takes several times as long.
            self._packed_for, shape = x.shape, list(x.shape)
            self._packed = operators._reorder_convolution_weight(
                conv.weight, self.padding, stride, dilation, conv.groups, shape
            )
        return operators._convolution_pointwise(
            x, self._packed, conv.bias, self.padding, stride, dilation, conv.groups, "relu", [], ""
        )
