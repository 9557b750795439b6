"""Engines: what runs a network. As it is written down, with folded batch norms, as a CUDA graph, or in OpenVINO.

The eager `Predictor` has all its numbers, and the answers of the others are compared with its. The folded network lets
one look at what its layers hand on, too, and gets there sooner.
"""

from collections import OrderedDict
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from ..models.surgery import fold_batch_norm, lean
from ..weights.choice import AnyWeights
from ..words import _
from .devices import DeviceError
from .onednn import ConvRelu, one_kernel_each
from .openvino import OpenVinoNetwork
from .predictor import PictureNetwork, Predictor, TorchNetwork, module_bytes

MAX_GRAPHS = 4  # of one network; each holds the activations of its batch


class FoldedNetwork(TorchNetwork):
    """The network in PyTorch with its batch norms folded into the convolutions: the same answer, sooner."""

    engine = "folded"

    def _take(self, model: nn.Module) -> int:
        model = lean(fold_batch_norm(model)).to(self.device, self.dtype, memory_format=self.memory_format)  # type: ignore[call-overload]
        self.model = one_kernel_each(model, self.device, self.dtype)
        packed = sum(module_bytes(module) for module in self.model.modules() if isinstance(module, ConvRelu))
        return module_bytes(self.model) + packed


class GraphNetwork(FoldedNetwork):
    """The folded network, recorded once for each shape of its input and replayed as one CUDA graph.

    With one picture at a time a GPU finishes each kernel before Python has started the next, so it mostly waits. A
    graph starts all of its kernels at once.
    """

    engine = "cuda graph"
    runs_on = ("cuda",)

    def _take(self, model: nn.Module) -> int:
        self._graphs: OrderedDict[torch.Size, tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = OrderedDict()
        return super()._take(model)

    def run(self, batch: Tensor) -> Tensor:
        with torch.cuda.device(self.device):
            if batch.shape not in self._graphs:
                if len(self._graphs) == MAX_GRAPHS:  # before recording, so that there are never more in memory
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
        # In the first runs libraries allocate memory, which must not happen while a graph is recorded.
        with torch.cuda.stream(side):
            for _pass in range(3):
                self.model(inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self.model(inputs)
        return graph, inputs, outputs


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
    weights: AnyWeights = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> PictureNetwork:
    """The network of that name in an engine of `ENGINES`; the rest and the errors are those of `PictureNetwork`."""
    if engine not in ENGINES:
        sentence = _("The engine must be one of {engines}, not {engine!r}.")
        raise DeviceError(sentence.format(engines=_(", ").join(ENGINES), engine=engine))
    return ENGINES[engine](name, weights, device, dtype)
