"""Known checkpoints: what they are, how their pictures are prepared, and where this machine keeps them."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import try_to_load_from_cache

from .checkpoint import CheckpointError

SUFFIXES = (".safetensors", ".pt", ".pth")


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB picture to the network's input.

    The short side is scaled to size / crop, the centre size x size is cut out, and values from 0 to 255 become
    (value - mean) / std.
    """

    mean: float
    std: float
    crop: float
    interpolation: str

    @property
    def text(self) -> str:
        """In words: (value - 127.5) / 127.5, centre 87.5 %, bicubic."""
        return f"(value - {self.mean:g}) / {self.std:g}, centre {100 * self.crop:g} %, {self.interpolation}"


@dataclass(frozen=True)
class Weights:
    """One published checkpoint of a variant. labels: file in assets/ with the names of its classes, or None.

    repository: on the Hugging Face hub; url: for single files. accuracy: as published, with its source.
    """

    tag: str
    variant: str
    title: str
    source: str
    licence: str
    accuracy: str
    num_classes: int
    labels: str | None
    preprocessing: Preprocessing
    repository: str = ""
    url: str = ""


TIMM_V4 = Preprocessing(mean=127.5, std=127.5, crop=0.875, interpolation="bicubic")
TIMM_V2 = Preprocessing(mean=127.5, std=127.5, crop=0.8975, interpolation="bicubic")
FACENET = Preprocessing(mean=127.5, std=128.0, crop=1.0, interpolation="bilinear")

_FACENET_RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"

KNOWN_WEIGHTS = {
    weights.tag: weights
    for weights in (
        Weights(
            tag="inception_v4.tf_in1k",
            variant="inception_v4",
            title="ImageNet-1k (TF-Slim, by way of timm)",
            source="https://huggingface.co/timm/inception_v4.tf_in1k",
            licence="Apache-2.0",
            accuracy="80.144 % top-1, 94.982 % top-5 on ImageNet at 299 px (timm's results)",
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=TIMM_V4,
            repository="timm/inception_v4.tf_in1k",
        ),
        Weights(
            tag="inception_resnet_v2.tf_in1k",
            variant="inception_resnet_v2",
            title="ImageNet-1k (TF-Slim, by way of timm)",
            source="https://huggingface.co/timm/inception_resnet_v2.tf_in1k",
            licence="Apache-2.0",
            accuracy="80.434 % top-1, 95.312 % top-5 on ImageNet at 299 px (timm's results)",
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=TIMM_V2,
            repository="timm/inception_resnet_v2.tf_in1k",
        ),
        Weights(
            tag="inception_resnet_v2.tf_ens_adv_in1k",
            variant="inception_resnet_v2",
            title="ImageNet-1k, ensemble adversarial training (TF-Slim, by way of timm)",
            source="https://huggingface.co/timm/inception_resnet_v2.tf_ens_adv_in1k",
            licence="Apache-2.0",
            accuracy="",
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=TIMM_V2,
            repository="timm/inception_resnet_v2.tf_ens_adv_in1k",
        ),
        Weights(
            tag="20180402-114759-vggface2",
            variant="inception_resnet_v1",
            title="VGGFace2 faces (facenet-pytorch)",
            source="https://github.com/timesler/facenet-pytorch",
            licence="MIT",
            accuracy="0.9965 on LFW (facenet-pytorch's README)",
            num_classes=0,
            labels=None,
            preprocessing=FACENET,
            url=f"{_FACENET_RELEASE}/20180402-114759-vggface2.pt",
        ),
        Weights(
            tag="20180408-102900-casia-webface",
            variant="inception_resnet_v1",
            title="CASIA-WebFace faces (facenet-pytorch)",
            source="https://github.com/timesler/facenet-pytorch",
            licence="MIT",
            accuracy="0.9905 on LFW (facenet-pytorch's README)",
            num_classes=0,
            labels=None,
            preprocessing=FACENET,
            url=f"{_FACENET_RELEASE}/20180408-102900-casia-webface.pt",
        ),
    )
}


def weights_folder() -> Path:
    """Where readers put checkpoint files: $INCEPTION_WEIGHTS, or weights/ in the working directory."""
    return Path(os.environ.get("INCEPTION_WEIGHTS", "weights"))


def locate(tag: str) -> Path | None:
    """The file of a known checkpoint in our folder or in the cache of timm or facenet-pytorch; None if absent."""
    weights = KNOWN_WEIGHTS[tag]
    for suffix in SUFFIXES:
        if (path := weights_folder() / f"{tag}{suffix}").is_file():
            return path
    if weights.repository:
        cached = try_to_load_from_cache(weights.repository, "model.safetensors")
        return Path(cached) if isinstance(cached, str) else None
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    return path if path.is_file() else None


def available_weights(variant: str) -> list[str]:
    """Tags of the known checkpoints of a variant that are on this machine, then other files in our folder."""
    known = [tag for tag, weights in KNOWN_WEIGHTS.items() if weights.variant == variant and locate(tag)]
    files = sorted(path for path in weights_folder().glob("*") if path.suffix in SUFFIXES)
    return known + [str(path) for path in files if path.stem not in KNOWN_WEIGHTS]


def checkpoint_file(weights: str) -> Path:
    """The file of a known checkpoint's tag, or of a path; raises CheckpointError for a tag without a file here."""
    if weights not in KNOWN_WEIGHTS:
        return Path(weights)
    path = locate(weights)
    if path is None:
        raise CheckpointError(f"{weights}: not on this machine; get it from {KNOWN_WEIGHTS[weights].source}.")
    return path
