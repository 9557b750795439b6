"""What runs a network when only its answer counts: batch norm folded away, a CUDA graph, OpenVINO.

The eager `Predictor` is the one that can be looked into, and what the others are held against.
"""

import sys
from collections import OrderedDict
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from ..anatomy.symbolic import Tracer
from ..anatomy.window import padding_of, pair
from ..models.layers import Branch, Concat, ConvUnit, L2Normalize, ResidualSum
from .onednn import ConvRelu, one_kernel_each
from .predictor import DeviceError, PictureNetwork, Predictor, dtype_name, module_bytes

MAX_GRAPHS = 4  # of one network; each holds the activations of its batch
# What OpenVINO calls a dtype as a setting, and as something that a processor can do.
PRECISIONS = {torch.float32: ("f32", "FP32"), torch.bfloat16: ("bf16", "BF16"), torch.float16: ("f16", "FP16")}


class FoldedNetwork(PictureNetwork):
    """The network without its batch norms, in PyTorch: fewer walks through memory for the same answer."""

    engine = "folded"

    def _take(self, model: nn.Module) -> int:
        model = lean(fold_batch_norm(model)).to(self.device, self.dtype, memory_format=self.memory_format)  # type: ignore[call-overload]
        self._model = one_kernel_each(model, self.device, self.dtype)
        packed = sum(module_bytes(module) for module in self._model.modules() if isinstance(module, ConvRelu))
        return module_bytes(self._model) + packed

    def run(self, batch: Tensor) -> Tensor:
        return self._model(batch)


class GraphNetwork(FoldedNetwork):
    """The folded network, recorded once for each shape of its input and replayed as one CUDA graph.

    At batch 1 a GPU is done with a kernel before Python has started the next one, a thousand times in a row.
    """

    engine = "cuda graph"
    runs_on = ("cuda",)

    def _take(self, model: nn.Module) -> int:
        self._graphs: OrderedDict[torch.Size, tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = OrderedDict()
        return super()._take(model)

    def run(self, batch: Tensor) -> Tensor:
        with torch.cuda.device(self.device):
            if batch.shape not in self._graphs:
                if len(self._graphs) == MAX_GRAPHS:
                    self._graphs.popitem(last=False)
                self._graphs[batch.shape] = self._record(batch)
            self._graphs.move_to_end(batch.shape)
            graph, inputs, outputs = self._graphs[batch.shape]
            inputs.copy_(batch)
            graph.replay()
            return outputs.clone()

    def _record(self, batch: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        """The graph, and the tensors that it reads and writes."""
        inputs = batch.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # in the first runs libraries allocate, which a graph must not
            for _ in range(3):
                self._model(inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._model(inputs)
        return graph, inputs, outputs


class OpenVinoNetwork(PictureNetwork):
    """The network in OpenVINO, on the CPU. dtype: what it computes in; its inputs are float32 all the same."""

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
            "ENABLE_CPU_PINNING": False,  # others use the cores as well
            "PERFORMANCE_HINT": "LATENCY",
        }
        model = lean(fold_batch_norm(model))
        self._compiled = core.compile_model(openvino_model(model), "CPU", settings)
        weights = module_bytes(model)
        return weights + weights * self.dtype.itemsize // torch.float32.itemsize  # as they came, and as it wants them

    def run(self, batch: Tensor) -> Tensor:
        return torch.from_numpy(self._compiled(batch.numpy())[0])


ENGINES: dict[str, type[PictureNetwork]] = {
    network.engine: network for network in (Predictor, FoldedNetwork, GraphNetwork, OpenVinoNetwork)
}


def engines(device: str | torch.device = "cpu") -> list[str]:
    """The names of the engines that run networks on a device of this machine, the eager one first."""
    kind = torch.device(device).type
    absent = {"cuda graph": kind != "cuda", "openvino": kind != "cpu" or find_spec("openvino") is None}
    return [name for name in ENGINES if not absent.get(name)]


def load_network(
    engine: str,
    name: str,
    weights: str | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PictureNetwork:
    """The network of that name in an engine of `ENGINES`; the rest and the errors are those of `PictureNetwork`."""
    if engine not in ENGINES:
        raise DeviceError(f"The engine must be one of {', '.join(ENGINES)}, not {engine!r}.")
    return ENGINES[engine](name, weights, device, dtype)


# Folding


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """The eval-mode model itself, each batch norm put into the convolution or linear layer before it.

    A batch norm that does not learn any more is one factor and one summand for each channel (Ioffe and Szegedy 2015,
    section 3.1), so it can be multiplied into the weights. Paths stay; an `nn.Identity` takes its place.
    """
    for module in model.modules():
        if isinstance(module, ConvUnit):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.register_module("bn", nn.Identity())
        elif isinstance(module, Branch):
            for (name, layer), (after, norm) in pairwise(list(module.named_children())):
                if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                    module.register_module(name, fuse_linear_bn_eval(layer, norm))
                    module.register_module(after, nn.Identity())
    return model


def lean(model: nn.Module) -> nn.Module:
    """The model itself, each ReLU in place and each residual sum in one pass, which saves memory and its traffic.

    What a layer hands on is then overwritten by the next, so no one can look into the model any more.
    """
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
        for name, child in module.named_children():
            if isinstance(child, ResidualSum):
                module.register_module(name, OnePassSum(child.scale))
    return model


class OnePassSum(ResidualSum):
    """`ResidualSum` that does not write the scaled residual down in between."""

    def forward(self, shortcut: Tensor, residual: Tensor) -> Tensor:
        return torch.add(shortcut, residual, alpha=self.scale)


# OpenVINO


def import_openvino() -> Any:
    """The optional package; raises DeviceError where it is not installed."""
    # It reports every import to Google Analytics unless this part of it is missing.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return import_module("openvino")
    except ImportError as error:
        raise DeviceError("OpenVINO is not installed here: pip install -r requirements-openvino.txt.") from error


def openvino_model(model: nn.Module) -> Any:
    """A model of `lean(fold_batch_norm(...))` as an openvino.Model, (N, 3, H, W) float32 for any N, H and W.

    OpenVINO's own converter gives a graph that is as fast. It takes 7 seconds for Inception-ResNet-v2 instead of 0.1,
    and PyTorch's tracing, on which it builds, leaves 90 MB behind each time.
    """
    openvino, ops = import_openvino(), import_module("openvino.opset1")
    picture = ops.parameter([-1, 3, -1, -1], np.float32)
    values: dict[fx.Node, Any] = {}
    for node in Tracer().trace(model).nodes:
        if node.op == "placeholder":
            values[node] = picture
        else:
            inputs = [values[argument] for argument in node.all_input_nodes]
            output = node.op == "output"
            values[node] = inputs[0] if output else _operation(ops, model.get_submodule(str(node.target)), inputs)
    return openvino.Model([values[node]], [picture])


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
