"""A network that an engine elsewhere runs: the predictor's interface over HTTP.

What the engine cannot do, or while it is gone, the same network does in this process: it is built when it is first
needed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import quote

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ..graph.layer import Layer
from ..version import __version__
from ..weights.choice import AnyWeights, WeightsChoice
from ..weights.known import sha256_of
from ..zoo import names_classes
from .devices import DTYPES
from .engine_client import EngineClient, EngineGoneError, Metadata, NotServedError
from .open_inference import Message, Tensors
from .predictor import Predictor
from .preprocess import to_input

PIXELS = "pixels"  # (H, W, 3) bytes of a prepared picture, in requests to our own routes
Here = Callable[[], Predictor]
Heard = Callable[[str, Message | tuple[int, int] | None], None]


def model_id(name: str, weights: WeightsChoice) -> str:
    """What a network with weights is called in addresses: the tag of known weights, else its name and the file's."""
    if weights.file is not None:
        return f"{name}--{weights.file.name}"
    return weights.name if weights.trained else name


class RemoteNetwork(Predictor):
    """The network in an engine elsewhere; the same answers, and the same errors beside `EngineError`.

    here: gives the same network in this process, on `device`.
    Raises NotServedError where the engine does not have it, EngineError.
    """

    def __init__(
        self, client: EngineClient, name: str, weights: AnyWeights, here: Here, device: str | torch.device = "cpu"
    ):
        # Not the constructor of its base, which would load the network into this process.
        self._describe(name, weights)
        self._client, self._here, self._left_to_here = client, here, False
        self.engine = client.place  # what computes, as readers see it
        self.id = model_id(name, self.weights)
        self._about = about = client.metadata(self.id)
        self._check_weights(about)
        said = about.parameters
        embeds = bool(said.get("embeds", not names_classes(name, self.weights)))
        if not embeds and about.outputs < 1:
            raise NotServedError(self.id)  # how many classes there are is not known
        self._name_outputs(0 if embeds else about.outputs)
        self.remarks = tuple(map(str, said.get("remarks", ())))
        self.device, self.device_name = torch.device(device), str(said.get("device", ""))
        self.dtype = DTYPES.get(str(said.get("dtype")), torch.float32)
        self.memory_format = torch.contiguous_format
        self.nbytes = int(said.get("nbytes", 0))

    @property
    def computing(self) -> Predictor:
        """What computed the last answer: this, or the network in this process."""
        return self.here if self._left_to_here else self

    @property
    def here(self) -> Predictor:
        """The same network in this process, for what the engine does not do."""
        return self._here()

    @property
    def model(self) -> nn.Module:  # type: ignore[override]
        """The module in this process; asking for it loads it."""
        return self.here.model

    @contextmanager
    def turn(self) -> Iterator[nn.Module]:
        with self.here.turn() as model:
            yield model

    def to_input(self, prepared: Image.Image) -> Tensor:
        return self.here.to_input(prepared)

    def run(self, batch: Tensor) -> Tensor:
        return self.here.run(batch)

    def outputs(self, prepared: Sequence[Image.Image]) -> NDArray[np.float32]:
        """As in this process, computed by the engine; raises EngineError, EngineBusyError."""
        batch = torch.cat([to_input(image, self.preprocessing) for image in prepared]).numpy()
        try:
            with self._timed(batch.shape):
                answer = self._client.ask(f"v2/models/{quote(self.id, safe='')}/infer", {self._about.input: batch})
        except (EngineGoneError, NotServedError):  # now, or since it was described
            self._left_to_here = True
            return self.here.outputs(prepared)
        self._left_to_here = False
        return np.array(answer.tensors[self._about.output], dtype=np.float32)

    def activations(self, prepared: Image.Image, layer: Layer) -> NDArray[np.float32]:
        answer = self.ask_view("activations", prepared, {"layer": layer.path})
        return self.here.activations(prepared, layer) if answer is None else answer.tensors["activations"]

    def features(self, prepared: Image.Image) -> NDArray[np.float32]:
        answer = self.ask_view("embeddings", prepared)
        return self.here.features(prepared) if answer is None else answer.tensors["embeddings"]

    def ask_view(
        self,
        view: str,
        prepared: Image.Image,
        parameters: Mapping[str, object] | None = None,
        tensors: Tensors | None = None,
        heard: Heard | None = None,
    ) -> Message | None:
        """What one of our engine's own routes answers about a prepared picture; None where this process must do it.

        heard: what to call while long work goes on, as `frame` of `EngineClient.follow`. Raises EngineError.
        """
        route = f"v2/models/{quote(self.id, safe='')}/{view}"
        given = {PIXELS: np.asarray(prepared), **(tensors or {})}
        try:
            if not self._client.is_ours(__version__):
                return None
            if heard is None:
                return self._client.ask(route, given, parameters)
            return self._client.follow(route, given, parameters or {}, heard)
        except (EngineGoneError, NotServedError):
            return None

    def _check_weights(self, about: Metadata) -> None:
        """Raises NotServedError where a file of that name has another content in the engine."""
        file, theirs = self.weights.file, about.parameters.get("sha256")
        if file is not None and theirs is not None and sha256_of(file) != theirs:
            raise NotServedError(self.id)
