"""`Predictor`: a network with weights that answers about pictures. Pages never touch a tensor."""

import csv
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..anatomy.graph import Layer
from ..models import create_model, get_variant
from ..models.checkpoint import classes_in, read_checkpoint
from ..models.weights import FACENET, KNOWN_WEIGHTS, TIMM_V4, checkpoint_file
from .preprocess import crop_and_resize, to_input

IMAGENET_CLASSES = Path(__file__).parents[2] / "assets" / "imagenet_classes.csv"
SEED = 0  # of untrained weights, so that everyone sees the same maps

# One forward pass at a time: PyTorch uses every core for one already, and several at once only slow each other down.
forward_lock = threading.Lock()


class Predictor:
    """One network with one set of weights.

    name: of the network. weights: None for random ones, the tag of a known checkpoint, or a file.
    Raises CheckpointError when the file is absent or does not fit.
    """

    def __init__(self, name: str, weights: str | None = None):
        variant = get_variant(name)
        known = KNOWN_WEIGHTS.get(weights or "")
        self.trained = weights is not None
        self.embeds = variant.embeds
        self.preprocessing = known.preprocessing if known else FACENET if variant.embeds else TIMM_V4
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            if weights is None or variant.embeds:
                self.model = create_model(name, weights)
            else:
                classes = classes_in(read_checkpoint(checkpoint_file(weights)))
                self.model = create_model(name, weights, num_classes=classes)

    def prepare(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        """What the network sees of an RGB picture: cut and scaled to `size` (height, width), values not normalised."""
        return crop_and_resize(image, size, self.preprocessing)

    def classify(self, prepared: Image.Image) -> pd.DataFrame:
        """Every class with its softmax probability, the most probable first: columns index, label, probability."""
        with forward_lock:
            logits = self._forward(prepared)[0]
        probability = torch.softmax(logits.double(), dim=0).numpy()
        table = pd.DataFrame({"label": class_labels(len(probability)), "probability": probability})
        table = table.rename_axis("index").reset_index()
        return table.sort_values("probability", ascending=False, ignore_index=True)

    def activations(self, prepared: Image.Image, layer: Layer) -> NDArray[np.float32]:
        """What a layer hands on for a prepared picture: (C, H, W), or (C,) behind the pool."""
        outputs: list[Tensor] = []
        module = self.model.get_submodule(layer.parts[-1].path)
        # The hook is on the shared model, so it must not see another session's picture.
        with forward_lock:
            hook = module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
            try:
                self._forward(prepared)
            finally:
                hook.remove()
        return outputs[0][0].float().numpy()

    def kernels(self, layer: Layer) -> NDArray[np.float32]:
        """The kernels (filters x inputs, height, width) of a convolution, one after the other."""
        weight = self.model.get_submodule(layer.parts[0].path).weight
        return weight.detach().float().flatten(0, 1).numpy()  # type: ignore[operator]

    def _forward(self, prepared: Image.Image) -> Tensor:
        with torch.inference_mode():
            return self.model(to_input(prepared, self.preprocessing)).float()


def class_labels(count: int) -> list[str]:
    """ImageNet-1k's names for 1000 classes; numbers otherwise."""
    with IMAGENET_CLASSES.open(encoding="utf-8", newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    return labels if count == len(labels) else [f"class {i}" for i in range(count)]
