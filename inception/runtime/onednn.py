"""Runs a convolution and its ReLU as one kernel of oneDNN, on weights laid out in memory as the processor likes them.

torch.compile does the same, but it needs a C++ compiler, and minutes for networks as deep as these. The operators used
here are the ones it uses. They are not public, so where one is missing, the layers stay as they are.
"""

import copy

import torch
from torch import Tensor, nn

from ..graph.layer import Layer
from ..graph.window import padding_of
from ..models.layers import ConvUnit
from ..models.surgery import fold_batch_norm, lean

SUPPORTED = {  # the dtypes of oneDNN's kernels, each with the operator that says whether this processor can run them
    torch.float32: None,
    torch.bfloat16: "_is_mkldnn_bf16_supported",
    torch.float16: "_is_mkldnn_fp16_supported",
}


def one_kernel_each(model: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """The model itself, a result of `fold_batch_norm`; each `ConvUnit` becomes a `ConvRelu` if oneDNN can run it."""
    if device.type == "cpu" and _supports(dtype):
        for module in list(model.modules()):
            for name, child in module.named_children():
                if isinstance(child, ConvUnit):
                    module.register_module(name, ConvRelu(child.conv))
    return model


def quick_in_bfloat16(device: torch.device) -> bool:
    """Whether the device is a processor that multiplies bfloat16 faster than float32."""
    has = torch.cpu.get_capabilities()
    return device.type == "cpu" and _supports(torch.bfloat16) and bool(has.get("avx512_bf16") or has.get("amx_bf16"))


def bfloat16_model(model: nn.Module) -> nn.Module:
    """The float32 model itself on the CPU, made for speed: batch norms folded, in bfloat16, one kernel each.

    Linear layers stay in float32: they cost little, and what they give is not rounded to the three digits of bfloat16.
    """
    model = lean(fold_batch_norm(model))
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    exact = [copy.deepcopy(module.state_dict()) for module in linear]
    model = model.to(torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module, state in zip(linear, exact, strict=True):
        module.float().load_state_dict(state)
        module.register_forward_pre_hook(lambda _module, inputs: tuple(x.float() for x in inputs))
    return one_kernel_each(model, torch.device("cpu"), torch.bfloat16)


def hands_on(model: nn.Module, layer: Layer) -> nn.Module:
    """The module of a network, also of one that `one_kernel_each` has changed, whose output a layer hands on."""
    path = layer.parts[-1].path
    unit = model.get_submodule(path.rpartition(".")[0])
    return unit if isinstance(unit, ConvRelu) else model.get_submodule(path)


def _supports(dtype: torch.dtype) -> bool:
    operators, asked = torch.ops.mkldnn, SUPPORTED.get(dtype, "")
    if not torch.backends.mkldnn.is_available() or not hasattr(operators, "_convolution_pointwise"):
        return False
    return asked is None or (hasattr(operators, asked) and getattr(operators, asked)())


class PackedConv(nn.Module):
    """A convolution as one kernel of oneDNN: (N, C, H, W) to (N, C', H', W')."""

    after = "none"  # what the kernel does with each value that it computes

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
            # The best layout depends on the input's shape. With the layout of another shape a pass takes much longer.
            self._packed_for, shape = x.shape, list(x.shape)
            self._packed = operators._reorder_convolution_weight(
                conv.weight, self.padding, stride, dilation, conv.groups, shape
            )
        return operators._convolution_pointwise(
            x, self._packed, conv.bias, self.padding, stride, dilation, conv.groups, self.after, [], ""
        )


class ConvRelu(PackedConv):
    """A convolution with bias, and the ReLU behind it: (N, C, H, W) to (N, C', H', W')."""

    after = "relu"
