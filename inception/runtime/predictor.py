"""`Predictor`: a network with weights that answers about pictures. Pages never touch a tensor."""

import math
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ..errors import InputError
from ..graph.layer import Layer
from ..models.network import Network
from ..text import and_list
from ..weights.choice import AnyWeights, WeightsChoice
from ..weights.known import Weights
from ..weights.labels import class_labels
from ..words import N_, _
from ..zoo import create_model, get_variant
from . import explainer
from .crop import Crop
from .devices import DEVICES, DTYPES, DeviceError, check_device
from .preprocess import WHOLE_CENTRE, crop_and_resize, to_input
from .turns import OutOfMemory, enough_memory, forward_lock

__all__ = ["DTYPES", "DeviceError", "OutOfMemory", "PictureNetwork", "Predictor", "class_labels", "forward_lock"]
SEED = 0  # of untrained weights, so that everyone sees the same maps
KEPT_PASSES = 15  # of each shape, whose median is the time of a pass
KEPT_SHAPES = 32
NO_ROOM_TO_LOAD = N_("There is too little memory on {device} to load {network}.")
NO_ROOM_TO_RUN = N_("There is too little memory on {device} to run {network}.")


class PictureNetwork(ABC):
    """A network with weights that answers about pictures, whatever runs it.

    name: of the network in the zoo. weights: None or "untrained" for random ones, the tag of a known checkpoint, the
    path of a file, or a `WeightsChoice`. device: cpu, cuda or mps. dtype: float32, bfloat16 or float16.
    Raises CheckpointError when the file is absent or does not fit, DeviceError, OutOfMemory.
    """

    # What each engine says of itself.
    engine: str
    runs_on: tuple[str, ...] = DEVICES
    channels_last = True
    input_dtype: torch.dtype | None = None  # of its input, where that is not the network's

    # What is known of each network.
    trained: bool  # whether it has weights of a file
    description: Weights | None  # what is known of these weights
    input_size: int  # pixels of a side at which the weights, or else the published network, were trained
    embeds: bool  # whether it gives an embedding instead of classes
    labels: list[str]  # names of the classes, which their owner may replace; none where it embeds
    remarks: tuple[str, ...]  # sentences on its weights that their owner should know
    temperature: float  # as of `Weights`
    threshold: float  # as of `Weights`
    nbytes: int  # of its weights in memory
    device_name: str  # of what computes, for readers; empty where it is not known
    _heavy: tuple[str, ...]  # the attributes that hold its weights
    peak_bytes: int | None  # the most that the last pass had allocated, with the weights; None where no one counts

    def __init__(
        self,
        name: str,
        weights: AnyWeights = None,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        self._describe(name, weights)
        self.device, self.dtype = check_device(device, dtype), dtype
        if self.device.type not in self.runs_on:
            sentence = _("The engine {engine} runs on {devices}, not on {device}.")
            runs_on = and_list(self.runs_on)
            raise DeviceError(sentence.format(engine=self.engine, devices=runs_on, device=self.device))
        self.device_name = str(self.device)
        # MPS has been wrong on channels_last tensors more than once.
        channels_last = self.channels_last and self.device.type != "mps"
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        with self._turn(NO_ROOM_TO_LOAD):  # alone, because random weights come from PyTorch's one generator
            model = self._build()
        with self._enough_memory(NO_ROOM_TO_LOAD):
            self._name_outputs(model.num_classes)
            self.remarks = model.remarks
            light = set(vars(self))
            self.nbytes = self._take(model)
            self._heavy = tuple(vars(self).keys() - light)

    def _describe(self, name: str, weights: AnyWeights) -> None:
        """Takes what is known of the weights before they are loaded."""
        self.name, self.weights = name, WeightsChoice.of(weights)
        self.trained = self.weights.trained
        self.description = known = self.weights.known
        self.input_size = known.input_size if known else get_variant(name).input_size
        self.preprocessing = known.preprocessing if known else get_variant(name).preprocessing
        self.temperature = known.temperature if known else 1.0
        self.threshold = known.threshold if known else -math.inf
        self.peak_bytes = None
        self._heavy = ()
        self._again: Callable[[], PictureNetwork] | None = None  # gives the same network, once this one has let go
        self._users, self._users_lock = 0, threading.Lock()
        self._passes: OrderedDict[tuple[int, ...], deque[float]] = OrderedDict()

    def _name_outputs(self, classes: int) -> None:
        """Takes the names of that many classes; 0 where the network embeds."""
        known = self.description
        self.embeds = not classes
        self.labels = [] if self.embeds else class_labels(classes, known.labels if known else None)

    @abstractmethod
    def _take(self, model: nn.Module) -> int:
        """Takes the float32 network on the CPU and makes of it what `run` runs; returns the bytes of its weights."""

    @abstractmethod
    def run(self, batch: Tensor) -> Tensor:
        """From (N, 3, H, W) input to (N, classes) logits or (N, D) embeddings; the caller must have the turn."""

    def prepare(self, image: Image.Image, size: tuple[int, int], crop: Crop = WHOLE_CENTRE) -> Image.Image:
        """What the network sees of an RGB picture: cut and scaled to `size` (height, width), values not normalised.

        Raises CropError for a box that does not lie inside the picture.
        """
        return crop_and_resize(image, size, self.preprocessing, crop)

    def to_input(self, prepared: Image.Image) -> Tensor:
        """(1, 3, H, W) of a prepared picture, normalised, on the network's device, in its dtype and memory format."""
        dtype = self.input_dtype or self.dtype
        return to_input(prepared, self.preprocessing).to(self.device, dtype, memory_format=self.memory_format)

    def outputs(self, prepared: Sequence[Image.Image]) -> NDArray[np.float32]:
        """(N, classes) logits or (N, D) embeddings of prepared pictures of one size, in one pass.

        Raises OutOfMemory.
        """
        with self._whole(), self._turn(NO_ROOM_TO_RUN), torch.inference_mode():
            batch = torch.cat([self.to_input(image) for image in prepared])
            with self._timed(tuple(batch.shape)):
                return self.run(batch).float().cpu().numpy()

    def milliseconds(self, shape: tuple[int, ...]) -> list[float]:
        """How long the last passes of inputs (N, 3, H, W) of that shape took, from input to answer.

        The very first one, which takes longer, is left out.
        """
        return list(self._passes.get(shape, ()))

    @property
    def computing(self) -> "PictureNetwork":
        """What computed the last answer; a network that an engine elsewhere runs can have left it to another."""
        return self

    def classify(self, prepared: Image.Image) -> pd.DataFrame:
        """Every class, the most probable first: columns index, label, probability (softmax) and logit.

        Logits are divided by the temperature, so that the probabilities are calibrated where it was fitted.
        Raises ValueError for a network that embeds, OutOfMemory.
        """
        if self.embeds:
            raise InputError(_("{network} gives an embedding, not classes.").format(network=self.name))
        return self.table_of(self.outputs([prepared])[0])

    def table_of(self, output: NDArray[np.float32]) -> pd.DataFrame:
        """What `classify` gives, of logits (classes,) that a pass has given."""
        logits = torch.from_numpy(output).double() / self.temperature
        probabilities = F.softmax(logits, dim=0)
        order = torch.argsort(probabilities, descending=True, stable=True).numpy()
        return pd.DataFrame(
            {
                "index": order,
                "label": [self.labels[index] for index in order],
                "probability": probabilities.numpy()[order],
                "logit": logits.numpy()[order],
            }
        )

    def is_none(self, classes: pd.DataFrame) -> bool:
        """Whether a picture seems to show none of the classes, by what `classify` gave for it.

        It does where the network's `certainty` is below the threshold that came with the weights.
        """
        return certainty(classes) < self.threshold

    def embed(self, prepared: Image.Image) -> NDArray[np.float32]:
        """The embedding (D,) of a prepared picture; raises ValueError for a network of classes, OutOfMemory."""
        if not self.embeds:
            raise InputError(_("{network} gives classes, not an embedding.").format(network=self.name))
        return self.outputs([prepared])[0]

    def _build(self) -> Network:
        """The float32 network on the CPU, with as many classes as its weights have."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return create_model(self.name, self.weights)

    @contextmanager
    def _timed(self, shape: tuple[int, ...]) -> Iterator[None]:
        known = shape in self._passes
        cuda = self.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        torch.get_device_module(self.device).synchronize()
        start = perf_counter()
        yield
        passes = self._passes.setdefault(shape, deque(maxlen=KEPT_PASSES))
        if known:  # the first one of a shape takes longer
            passes.append(1e3 * (perf_counter() - start))
        self._passes.move_to_end(shape)
        if len(self._passes) > KEPT_SHAPES:
            self._passes.popitem(last=False)
        if cuda:
            self.peak_bytes = torch.cuda.max_memory_allocated(self.device)

    def let_go(self, again: Callable[[], "PictureNetwork"]) -> None:
        """Frees the weights as soon as nobody runs them, whoever else still holds on to this network.

        again: gives the same network with its weights, for those who run it later; it may raise what a load raises.
        """
        with self._users_lock:
            self._again = again
            self._drop_unused()

    @property
    def loaded(self) -> bool:
        """Whether it holds its weights."""
        return all(name in vars(self) for name in self._heavy)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Round what runs it: its weights are here, and stay until the block ends. Not to be entered with the turn."""
        with self._users_lock:
            self._users += 1
        try:
            if not self.loaded:
                assert self._again is not None
                other = self._again()
                with other._whole():
                    vars(self).update({name: vars(other)[name] for name in self._heavy})
            yield
        finally:
            with self._users_lock:
                self._users -= 1
                self._drop_unused()

    def _drop_unused(self) -> None:
        if self._again is not None and not self._users:
            for name in self._heavy:
                vars(self).pop(name, None)

    def __getattr__(self, name: str) -> Any:
        # Asked for only where there is none: what reads weights without running them.
        state = vars(self)
        if name in state.get("_heavy", ()) and state.get("_again") is not None:
            return getattr(state["_again"](), name)
        raise AttributeError(name)

    @contextmanager
    def _turn(self, too_little: str) -> Iterator[None]:
        with forward_lock, self._enough_memory(too_little):
            yield

    def _enough_memory(self, too_little: str) -> AbstractContextManager[None]:
        return enough_memory(self.device, _(too_little).format(device=self.device, network=self.name))


class TorchNetwork(PictureNetwork):
    """A network whose layers PyTorch runs one by one, so that one can look at what each hands on."""

    model: nn.Module  # in eval mode

    def run(self, batch: Tensor) -> Tensor:
        return self.model(batch)

    @contextmanager
    def turn(self) -> Iterator[nn.Module]:
        """Waits until no one else runs a network and yields the module; raises OutOfMemory if memory runs out in it."""
        with self._whole(), self._turn(NO_ROOM_TO_RUN):
            yield self.model


class Predictor(TorchNetwork):
    """The network as it is written down, with all its numbers."""

    engine = "eager"

    def _take(self, model: nn.Module) -> int:
        self.model = model.to(self.device, self.dtype, memory_format=self.memory_format)  # type: ignore[call-overload]
        return module_bytes(self.model)

    def activations(self, prepared: Image.Image, layer: Layer) -> NDArray[np.float32]:
        """The output of a layer for a prepared picture: (C, H, W), or (C,) after the last pool; raises OutOfMemory."""
        outputs: list[Tensor] = []
        # The hook is on a model that all sessions share. Only whoever has the turn runs it, so the hook sees no other
        # session's picture.
        with self.turn() as model, torch.inference_mode():
            module = model.get_submodule(layer.parts[-1].path)
            hook = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
            try:
                model(self.to_input(prepared))
            finally:
                hook.remove()
            return np.ascontiguousarray(outputs[0][0].float().cpu().numpy())

    def features(self, prepared: Image.Image) -> NDArray[np.float32]:
        """What the network's classifier reads of a prepared picture: (D,), before any classes; raises OutOfMemory."""
        with self.turn() as model, torch.inference_mode():
            assert isinstance(model, Network)
            grid = model.forward_features(self.to_input(prepared))
            return model.forward_head(grid, pre_logits=True)[0].float().cpu().numpy()

    def explain_cell(
        self, prepared: Image.Image, layer: Layer | int | str, channel: int, row: int = 0, column: int = 0
    ) -> Any:
        """The sum of products behind one number of a layer: a `CellArithmetic` of `inception.vision.cell_arithmetic`.

        layer: what `LayerGraph.find_layer` takes: a layer, its index, its path or TF-Slim's name.
        channel, row, column: from 0; row and column are 0 behind a flatten.
        Raises CellError where there is no such cell, InputError where there is no such layer, OutOfMemory.
        """
        return explainer.explain(self, prepared, layer, channel, row, column)

    @property
    def frozen_parameters(self) -> int:
        """How many numbers training could change before the classifier, which `features` leaves out."""
        assert isinstance(self.model, Network)
        head = {id(parameter) for parameter in self.model.get_classifier().parameters()}
        return sum(parameter.numel() for parameter in self.model.parameters() if id(parameter) not in head)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of all weights before the classifier: equal where `features` are, whatever file they are from."""
        assert isinstance(self.model, Network)
        digest = sha256()
        for key, tensor in self.model.state_dict().items():
            if not key.startswith(f"{self.model.classifier_path}.") and not key.endswith("num_batches_tracked"):
                digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def kernel(self, layer: Layer, output: int, channel: int) -> NDArray[np.float32]:
        """What a convolution's filter for one output channel does to one input channel: weights of (height, width).

        Both channels count from 0.
        """
        weight = self.model.get_submodule(layer.parts[0].path).weight
        return weight[output, channel].detach().float().cpu().numpy()  # type: ignore[index]


def certainty(classes: pd.DataFrame) -> float:
    """How sure a network is that a picture shows one of its classes, by what `classify` gave: low for other things.

    The log of the summed exponentials of the logits; Liu et al. (2020, *Energy-based Out-of-distribution Detection*)
    call it the negative energy.
    """
    return float(np.logaddexp.reduce(classes["logit"]))


def module_bytes(module: nn.Module) -> int:
    """Of all parameters and buffers."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))


def outputs_of(model: nn.Module) -> int:
    """How many numbers it gives: classes, the length of an embedding, or the pooled features where nothing follows."""
    linear = [module.out_features for module in model.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear else int(model.num_features)  # type: ignore[arg-type]
