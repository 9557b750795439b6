"""Known checkpoints: what they are, how their pictures are prepared, and where this machine keeps them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache

from .checkpoint import CheckpointError

SUFFIXES = (".safetensors", ".pt", ".pth")
HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB picture to the network's input.

    The short side is scaled to size / crop, the centre size x size is cut out, and values from 0 to 255 become
    (value - mean) / std. detail: pixels to which the short side is reduced on the way, where the network learnt from
    pictures that small.
    """

    mean: float
    std: float
    crop: float
    interpolation: str
    detail: int | None = None

    @property
    def text(self) -> str:
        """In words: (value - 127.5) / 127.5, centre 87.5 %, bicubic."""
        detail = f", by way of {self.detail} px" if self.detail else ""
        return f"(value - {self.mean:g}) / {self.std:g}, centre {100 * self.crop:g} %, {self.interpolation}{detail}"


@dataclass(frozen=True)
class Weights:
    """One published checkpoint of a variant. labels: file in assets/ with the names of its classes, or None.

    accuracy: as published, with its source. input_size: pixels of a side, as trained. megabytes: of 10^6 bytes, as the
    source lists them. repository: on the Hugging Face hub, or url: of a single file. sha256: of the file; empty where
    only the server states it. overrides: of `create_model`, where the network differs from its variant.
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
    input_size: int
    megabytes: int
    repository: str = ""
    url: str = ""
    sha256: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def network(self) -> dict[str, Any]:
        """The overrides with which `create_model` builds the network that these weights fit."""
        return {"num_classes": self.num_classes, **self.overrides}


TIMM_V4 = Preprocessing(mean=127.5, std=127.5, crop=0.875, interpolation="bicubic")
TIMM_V2 = Preprocessing(mean=127.5, std=127.5, crop=0.8975, interpolation="bicubic")
FACENET = Preprocessing(mean=127.5, std=128.0, crop=1.0, interpolation="bilinear")

_FACENET_RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"

# Preprocessing is that of timm's default_cfgs and of facenet-pytorch's fixed_image_standardization, accuracies that of
# timm's results/results-imagenet.csv and of facenet-pytorch's README, checksums those that the hub shows for its files
# and that projects which pin facenet-pytorch's files agree on.
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
            input_size=299,
            megabytes=171,
            repository="timm/inception_v4.tf_in1k",
            sha256="a756a086851c8d5a8de135ec15c76b90ea56cb5aef450e3299107e659e725bb1",
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
            input_size=299,
            megabytes=224,
            repository="timm/inception_resnet_v2.tf_in1k",
            sha256="dbea26b13a5fc8351919fed6a94222c0577ce324b2765fd081a798f837ca9d72",
        ),
        Weights(
            tag="inception_resnet_v2.tf_ens_adv_in1k",
            variant="inception_resnet_v2",
            title="ImageNet-1k, ensemble adversarial training (TF-Slim, by way of timm)",
            source="https://huggingface.co/timm/inception_resnet_v2.tf_ens_adv_in1k",
            licence="Apache-2.0",
            accuracy="79.992 % top-1, 94.956 % top-5 on ImageNet at 299 px (timm's results)",
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=TIMM_V2,
            input_size=299,
            megabytes=224,
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
            input_size=160,
            megabytes=112,
            url=f"{_FACENET_RELEASE}/20180402-114759-vggface2.pt",
            sha256="281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b",
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
            input_size=160,
            megabytes=116,
            url=f"{_FACENET_RELEASE}/20180408-102900-casia-webface.pt",
            sha256="7a67afdbbc995fce5e10128675e318799a70698c2f433ba75dd7eb9a2f096e7d",
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
        cached = try_to_load_from_cache(weights.repository, HUB_FILE)
        return Path(cached) if isinstance(cached, str) else None
    kept_by_torch_hub = Path(torch.hub.get_dir()) / "checkpoints" / release_file(weights).name
    return next((path for path in (release_file(weights), kept_by_torch_hub) if path.is_file()), None)


def release_file(weights: Weights) -> Path:
    """Where facenet-pytorch keeps the file of a release: in checkpoints/ beside torch.hub's folder, not inside it."""
    return Path(torch.hub.get_dir()).parent / "checkpoints" / weights.url.rpartition("/")[2]


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
