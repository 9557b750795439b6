"""A network in OpenVINO, Intel's inference engine, which is an optional requirement."""

import sys
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..graph.trace import trace
from ..graph.window import padding_of, pair
from ..models.layers import Concat, L2Normalize, ResidualSum
from ..models.surgery import fold_batch_norm, lean
from .devices import DeviceError, dtype_name
from .predictor import PictureNetwork, module_bytes

# OpenVINO's two names of a dtype: the one it takes as a setting, and the one it lists among a processor's abilities.
PRECISIONS = {torch.float32: ("f32", "FP32"), torch.bfloat16: ("bf16", "BF16"), torch.float16: ("f16", "FP16")}


class OpenVinoNetwork(PictureNetwork):
    """The network in OpenVINO, on the CPU. It computes in `dtype`, and its inputs are always float32."""

    engine = "openvino"
    runs_on = ("cpu",)
    input_dtype = torch.float32
    channels_last = False

    def _take(self, model: nn.Module) -> int:
        openvino = import_openvino()
        core = openvino.Core()
        precision, capability = PRECISIONS[self.dtype]
        if capability not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise DeviceError(f"OpenVINO cannot compute in {dtype_name(self.dtype)} on this processor.")
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "ENABLE_CPU_PINNING": False,  # because other programs use the cores, too
            "PERFORMANCE_HINT": "LATENCY",
        }
        model = lean(fold_batch_norm(model))
        self._compiled = core.compile_model(openvino_model(model), "CPU", settings)
        weights = module_bytes(model)
        # OpenVINO keeps the weights twice: as they came, and converted to what it computes in.
        return weights + weights * self.dtype.itemsize // torch.float32.itemsize

    def run(self, batch: Tensor) -> Tensor:
        return torch.from_numpy(self._compiled(batch.numpy())[0])


# OpenVINO
def import_openvino() -> Any:
    """The optional package; raises DeviceError where it is not installed."""
    # OpenVINO reports each import to Google Analytics. It does not if its part for that cannot be imported.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return import_module("openvino")
    except ImportError as error:
        raise DeviceError("OpenVINO is not installed here: pip install -r requirements-openvino.txt.") from error


def openvino_model(model: nn.Module) -> Any:
    """A model of `lean(fold_batch_norm(...))` as an openvino.Model, (N, 3, H, W) float32 for any N, H and W.

    OpenVINO's own converter gives a graph of the same speed. For Inception-ResNet-v2 it takes 7 seconds, this function
    0.1. It builds on PyTorch's tracing, which leaves 90 MB behind each time.
    """
    openvino, ops = import_openvino(), import_module("openvino.opset1")
    picture = ops.parameter([-1, 3, -1, -1], np.float32)
    graph = trace(model)
    values = [picture]
    for layer in graph.layers:
        inputs = [values[index] for index in layer.inputs]
        for part in layer.parts:
            inputs = [_operation(ops, model.get_submodule(part.path), inputs)]
        values.append(inputs[0])
    return openvino.Model([values[graph.outputs[0]]], [picture])


def _operation(ops: Any, module: nn.Module, inputs: list[Any]) -> Any:
    x = inputs[0]
    match module:
        case nn.Conv2d():
            top, bottom, left, right = padding_of(module)
            out = ops.convolution(
                x, _constant(module.weight), module.stride, [top, left], [bottom, right], module.dilation
            )
            return _plus_bias(ops, out, module.bias, (1, -1, 1, 1))
        case nn.Linear():
            out = ops.matmul(x, _constant(module.weight), False, True)
            return _plus_bias(ops, out, module.bias, (1, -1))
        case nn.ReLU():
            return ops.relu(x)
        case nn.MaxPool2d():
            pad = pair(module.padding)
            return ops.max_pool(x, pair(module.stride), pad, pad, pair(module.kernel_size))
        case nn.AvgPool2d():
            pad = pair(module.padding)
            uncounted = not module.count_include_pad
            return ops.avg_pool(x, pair(module.stride), pad, pad, pair(module.kernel_size), uncounted)
        case nn.AdaptiveAvgPool2d(output_size=1):
            return ops.reduce_mean(x, [2, 3], keep_dims=True)
        case nn.Flatten():
            return ops.reshape(x, [0, -1], special_zero=True)
        case nn.Identity() | nn.Dropout():
            return x
        case Concat():
            return ops.concat(inputs, 1)
        case ResidualSum():
            return ops.add(x, ops.multiply(inputs[1], np.float32(module.scale)))
        case L2Normalize():
            return ops.normalize_l2(x, [1], 1e-12, "max")
    raise TypeError(f"no OpenVINO operation for {type(module).__name__}")


def _constant(weight: Tensor) -> Any:
    return import_openvino().op.Constant(weight.detach().numpy(), shared_memory=True)


def _plus_bias(ops: Any, out: Any, bias: Tensor | None, shape: tuple[int, ...]) -> Any:
    return out if bias is None else ops.add(out, _constant(bias.reshape(shape)))
