"""Known checkpoints: what they are, how their pictures are prepared, and where this machine keeps them."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from ..paths import BUNDLED
from ..words import N_, Filled, _
from .checkpoint_error import CheckpointError
from .preprocessing import FACENET, IMAGENET, TIMM_V2, TIMM_V4, Preprocessing

SUFFIXES = (".safetensors", ".pt", ".pth", ".h5")
HUB_FILE = "model.safetensors"
MEASURED = N_("{accuracy} top-1 on CIFAR-10's {pictures} test pictures (measured)")  # of the networks trained here


@dataclass(frozen=True)
class Weights:
    """What is known of one checkpoint."""

    tag: str  # the name by which it is asked for
    variant: str  # the network of the zoo that it is for
    title: str  # what it was trained on, and by whom; in English, `words.gettext` translates it and the accuracy
    source: str  # the address of its publisher, or the file that describes it
    licence: str
    accuracy: str  # as published, with its source
    num_classes: int  # 0 for embeddings
    labels: str | tuple[str, ...] | None  # the names of its classes, or the file in assets/ that has them
    preprocessing: Preprocessing
    input_size: int  # pixels of a side of the pictures it was trained on
    megabytes: int  # of 10^6 bytes, as the source lists them
    repository: str = ""  # on the Hugging Face hub, or
    url: str = ""  # of a single file
    sha256: str = ""  # of the file; empty where only the server states it, and a file here cannot be checked
    # Overrides of `create_model`, where the network differs from its variant.
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)
    temperature: float = 1.0  # what logits are divided by before the softmax
    # A picture shows none of the classes if the log of the summed exponentials of these logits is below this.
    threshold: float = -math.inf
    # What else the file says about how it was made.
    training: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def published(self) -> bool:
        """Whether it can be downloaded; all others come with this project or are a reader's own."""
        return bool(self.repository or self.url)

    @property
    def unverifiable(self) -> bool:
        """Whether a file on this machine is taken for the published one by its name alone."""
        return self.published and not self.sha256

    @property
    def network(self) -> dict[str, Any]:
        """The overrides with which `create_model` builds the network that these weights fit."""
        return {"num_classes": self.num_classes, **self.overrides}

    @property
    def metadata(self) -> dict[str, str]:
        """The header of a .safetensors file, as text; `described` reads it back."""
        return {
            "format": "pt",
            "variant": self.variant,
            "title": self.title,
            "source": self.source,
            "licence": self.licence,
            "accuracy": self.accuracy,
            "classes": json.dumps(self.labels),
            "width": json.dumps(self.overrides.get("width", 1.0)),
            "repeats": json.dumps(self.overrides.get("repeats")),
            "input_size": json.dumps(self.input_size),
            "preprocessing": json.dumps(asdict(self.preprocessing)),
            "temperature": json.dumps(self.temperature),
            "threshold": json.dumps(self.threshold),
            **self.training,
        }


def described(path: Path) -> Weights | None:
    """What a .safetensors file that this project wrote says of itself; None for any other file.

    Raises CheckpointError when what it says cannot be.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError):
        return None  # loading it says what is wrong
    if "variant" not in metadata:
        return None
    try:
        return _read(path, metadata)
    except ValueError as error:  # pydantic's ValidationError is one
        raise CheckpointError(_("{file}: what it says of itself is damaged.").format(file=path.name)) from error


def _read(path: Path, metadata: dict[str, str]) -> Weights:
    from .header import Header  # pydantic takes a while to load, and `import inception` needs none of it

    header = Header.model_validate(metadata)
    weights = Weights(
        tag=path.stem,
        variant=header.variant,
        title=header.title,
        source=header.source,
        licence=header.licence,
        accuracy=known_accuracy(header.accuracy),
        num_classes=len(header.classes),
        labels=tuple(header.classes),
        preprocessing=header.preparation,
        input_size=int(header.input_size),
        megabytes=max(1, round(path.stat().st_size / 1e6)),
        overrides={"width": header.width} | ({"repeats": tuple(header.repeats)} if header.repeats else {}),
        temperature=header.temperature,
        threshold=header.threshold,
    )
    return replace(weights, training={key: text for key, text in metadata.items() if key not in weights.metadata})


def known_accuracy(text: str) -> str:
    """An accuracy as a header has it, so that it can be translated where it is a sentence of `MEASURED`."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(MEASURED))
    found = re.fullmatch(pattern, text)
    return Filled(MEASURED, **found.groupdict()) if found else text


_TIMM_S = N_("{top_1} top-1, {top_5} top-5 on ImageNet at 299 px (timm's results)")
_TIMM_S_OF = N_("{top_1} top-1, {top_5} top-5 on ImageNet at 299 px (timm's results of {date})")
_FACENET_S = N_("{share} on LFW (facenet-pytorch's README)")
_FACENET_RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"

# Preprocessing is that of timm's default_cfgs and of facenet-pytorch's fixed_image_standardization, accuracies that of
# timm's results/results-imagenet.csv and of facenet-pytorch's README, checksums those that the hub shows for its files
# and that projects which pin facenet-pytorch's files agree on.
_PUBLISHED = {
    weights.tag: weights
    for weights in (
        Weights(
            tag="inception_v3.tf_in1k",
            variant="inception_v3",
            title=N_("ImageNet-1k (TF-Slim, by way of timm)"),
            source="https://huggingface.co/timm/inception_v3.tf_in1k",
            licence="Apache-2.0",
            accuracy=Filled(_TIMM_S, top_1="77.866 %", top_5="93.644 %"),
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=TIMM_V4,
            input_size=299,
            megabytes=95,
            repository="timm/inception_v3.tf_in1k",
        ),
        Weights(
            tag="inception_v3.tv_in1k",
            variant="inception_v3",
            title=N_("ImageNet-1k (torchvision, by way of timm)"),
            source="https://huggingface.co/timm/inception_v3.tv_in1k",
            licence="Apache-2.0",
            accuracy=Filled(_TIMM_S, top_1="77.472 %", top_5="93.468 %"),
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=TIMM_V4,
            input_size=299,
            megabytes=95,  # the hub's file is without the auxiliary head, which torchvision's own has
            repository="timm/inception_v3.tv_in1k",
            sha256="9c452c63a67fd03a38a78c401ba12d4be0e926df63c93403de3a29f6df20fefb",
        ),
        Weights(
            tag="inception_v3.gluon_in1k",
            variant="inception_v3",
            title=N_("ImageNet-1k (GluonCV, by way of timm)"),
            source="https://huggingface.co/timm/inception_v3.gluon_in1k",
            licence="Apache-2.0",
            accuracy=Filled(_TIMM_S, top_1="78.806 %", top_5="94.372 %"),
            num_classes=1000,
            labels="imagenet_classes.csv",
            preprocessing=IMAGENET,
            input_size=299,
            megabytes=95,
            repository="timm/inception_v3.gluon_in1k",
        ),
        Weights(
            tag="inception_v4.tf_in1k",
            variant="inception_v4",
            title=N_("ImageNet-1k (TF-Slim, by way of timm)"),
            source="https://huggingface.co/timm/inception_v4.tf_in1k",
            licence="Apache-2.0",
            accuracy=Filled(_TIMM_S, top_1="80.144 %", top_5="94.982 %"),
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
            title=N_("ImageNet-1k (TF-Slim, by way of timm)"),
            source="https://huggingface.co/timm/inception_resnet_v2.tf_in1k",
            licence="Apache-2.0",
            accuracy=Filled(_TIMM_S, top_1="80.434 %", top_5="95.312 %"),
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
            title=N_("ImageNet-1k, ensemble adversarial training (TF-Slim, by way of timm)"),
            source="https://huggingface.co/timm/inception_resnet_v2.tf_ens_adv_in1k",
            licence="Apache-2.0",
            accuracy=Filled(_TIMM_S_OF, top_1="79.998 %", top_5="94.940 %", date="2025-10-30"),
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
            title=N_("VGGFace2 faces (facenet-pytorch)"),
            source="https://github.com/timesler/facenet-pytorch",
            licence="MIT",
            accuracy=Filled(_FACENET_S, share="0.9965"),
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
            title=N_("CASIA-WebFace faces (facenet-pytorch)"),
            source="https://github.com/timesler/facenet-pytorch",
            licence="MIT",
            accuracy=Filled(_FACENET_S, share="0.9905"),
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


@cache
def known_weights() -> dict[str, Weights]:
    """Every known checkpoint by its tag: the published ones, then those that come with this project.

    A function, so that `import inception` reads no files.
    """
    own = (described(path) for path in sorted(BUNDLED.glob("*.safetensors")))
    return _PUBLISHED | {weights.tag: weights for weights in own if weights}


def weights_folder() -> Path:
    """Where readers put checkpoint files: the setting `weights`. Raises SettingsError."""
    from ..settings import settings  # here, because pydantic takes a tenth of a second to load

    return settings().weights


def locate(tag: str) -> Path | None:
    """The file of a known checkpoint: this project's own, or in our folder or the cache of timm or facenet-pytorch.

    None if absent. A file that only has the name of a published one is not it; see `is_published`.
    """
    weights = known_weights()[tag]
    if not weights.published:
        return BUNDLED / f"{tag}.safetensors"
    return next((path for path in _places(weights) if path.is_file() and is_published(weights, path)), None)


def _places(weights: Weights) -> Iterator[Path]:
    """Where the file of a published checkpoint may lie."""
    folder = weights_folder()
    yield from (folder / f"{weights.tag}{suffix}" for suffix in SUFFIXES)
    if weights.repository:
        from huggingface_hub import try_to_load_from_cache  # not above: `import inception` would load it

        cached = try_to_load_from_cache(weights.repository, HUB_FILE)
        if isinstance(cached, str):
            yield Path(cached)
    else:
        yield from (release_file(weights), Path(torch.hub.get_dir()) / "checkpoints" / release_file(weights).name)


def namesake(tag: str) -> Path | None:
    """A file on this machine that has the name of a published checkpoint without being it."""
    weights = known_weights()[tag]
    return next((path for path in _places(weights) if path.is_file() and not is_published(weights, path)), None)


def is_published(weights: Weights, path: Path) -> bool:
    """Whether a file is the published checkpoint, by its SHA-256; True where nobody has told us the published one."""
    return not weights.sha256 or sha256_of(path) == weights.sha256


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, empty if it cannot be read.

    The hub's cache names its files by it. That of any other file is remembered for as long as the file stays the same.
    """
    try:
        real = path.resolve()
        if real.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", real.name):
            return real.name
        status = real.stat()
        return _digest(real, status.st_mtime_ns, status.st_size)
    except OSError:
        return ""


@lru_cache(maxsize=100)
def _digest(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def release_file(weights: Weights) -> Path:
    """Where facenet-pytorch keeps the file of a release: in checkpoints/ beside torch.hub's folder, not inside it."""
    return Path(torch.hub.get_dir()).parent / "checkpoints" / weights.url.rpartition("/")[2]
