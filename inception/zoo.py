"""Every network variant of the package by name."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .errors import InputError
from .models.inception_resnet import INCEPTION_RESNET_V1, INCEPTION_RESNET_V2, InceptionResNet
from .models.inception_v4 import InceptionV4, StemV4
from .models.layers import ConvUnit
from .weights.checkpoint import MAX_BYTES, CheckpointError, classes_in, load_weights, read_checkpoint
from .weights.choice import AnyWeights, WeightsChoice
from .weights.known import Weights, described

if TYPE_CHECKING:
    from .weights.download import Download


@dataclass(frozen=True)
class Variant:
    """One network of the zoo.

    input_size: pixels of a side, as trained. source: where the description comes from. differs: from the paper.
    embeds: whether its output is an embedding instead of classes.
    keras_gamma: whether the Keras version trains a batch norm's gamma (TF-Slim and Keras Applications do not).
    """

    name: str
    title: str
    build: Callable[..., nn.Module]
    input_size: int
    source: str
    differs: str
    embeds: bool = False
    keras_gamma: bool = False


# Fig. 15 to 19: Inception-v4's stem, no Mixed_5b, no Conv2d_7b, a ReLU after every sum.
PAPER_V2 = replace(
    INCEPTION_RESNET_V2,
    stem=StemV4,
    mixed_5b=False,
    repeats=(5, 10, 5),
    plain_last_block=False,
    conv_7b=None,
)

_conv_with_bias = partial(ConvUnit, bias=True)

KERAS_BLOG_V2 = replace(
    PAPER_V2,
    repeats=(10, 20, 10),
    scales=(1.0, 1.0, 1.0),
    conv=_conv_with_bias,
    linear=_conv_with_bias,
    block_c_kernel=7,
)

FACEID_V2 = replace(INCEPTION_RESNET_V2, num_classes=0, embedding=1024)

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            name="inception_v4",
            title="Inception-v4",
            build=InceptionV4,
            input_size=299,
            source="Szegedy et al. 2016, Fig. 3 to 9; TF-Slim inception_v4.py; timm inception_v4",
            differs="TF-Slim's order of 1x7 and 7x1, which Fig. 3 and 5 draw differently in places.",
        ),
        Variant(
            name="inception_resnet_v1",
            title="Inception-ResNet-v1 (FaceNet)",
            build=partial(InceptionResNet, INCEPTION_RESNET_V1),
            input_size=160,
            source="Szegedy et al. 2016, Fig. 10 to 15; FaceNet's inception_resnet_v1.py; facenet-pytorch",
            differs="A sixth C block without ReLU and scale, and a 512-d L2-normalised embedding instead of classes.",
            embeds=True,
        ),
        Variant(
            name="inception_resnet_v2",
            title="Inception-ResNet-v2 (released)",
            build=partial(InceptionResNet, INCEPTION_RESNET_V2),
            input_size=299,
            source="TF-Slim inception_resnet_v2.py; timm inception_resnet_v2",
            differs="Inception-v3's stem and Mixed_5b instead of the paper's stem; twice as many residual blocks, "
            "on 320, 1088 and 2080 channels; a last C block without ReLU and scale; Conv2d_7b before the pool.",
        ),
        Variant(
            name="inception_resnet_v2.paper",
            title="Inception-ResNet-v2 (the paper's figures)",
            build=partial(InceptionResNet, PAPER_V2),
            input_size=299,
            source="Szegedy et al. 2016, Fig. 3, 15 to 19 and Table 1",
            differs="1x7 before 7x1 in the stem, where Fig. 3 has them the other way round. Channels before each "
            "residual sum are those that the concatenations give, because the 1154 and 2048 of Fig. 17 and 19 do not "
            "add up.",
        ),
        Variant(
            name="inception_resnet_v2.keras_blog",
            title="Inception-ResNet-v2 (a Keras tutorial)",
            build=partial(InceptionResNet, KERAS_BLOG_V2),
            input_size=299,
            source="A TensorFlow 2 tutorial that many copies follow",
            differs="The paper's stem with twice the blocks; batch norm and ReLU after the 1x1 that should be linear; "
            "no residual scale; 1x7 and 7x1 in block C; convolution biases under batch norm.",
            keras_gamma=True,
        ),
        Variant(
            name="inception_resnet_v2.faceid",
            title="Inception-ResNet-v2 (face recognition)",
            build=partial(InceptionResNet, FACEID_V2),
            input_size=160,
            source="A layer table published with a face recognition network after FaceNet's code",
            differs="The released network at 160 px with FaceNet's bottleneck, 1024-d, instead of classes.",
            embeds=True,
        ),
    )
}


def list_models() -> list[str]:
    """Names that `create_model` and `trace` take."""
    return list(VARIANTS)


def get_variant(name: str) -> Variant:
    """The variant of that name; raises ValueError with the known names otherwise."""
    if name not in VARIANTS:
        raise InputError(f"unknown model {name!r}; known: {', '.join(VARIANTS)}")
    return VARIANTS[name]


def create_model(
    name: str,
    weights: AnyWeights = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    **overrides: Any,
) -> nn.Module:
    """The network of that name in eval mode; its `variant` attribute says which it is.

    weights: tag of a known checkpoint that is on this machine, path of a checkpoint, or None for PyTorch's random
    initialisation.
    overrides: `num_classes`, `in_chans`, `width`, `repeats`, and `residual_scale` where the network has one; a known
    checkpoint, or one that this project trained, brings those it was trained with.
    Raises ValueError for an unknown name or override value, `CheckpointError` for weights that do not fit.
    """
    variant = get_variant(name)
    choice = WeightsChoice.of(weights)
    if known := choice.known:
        if known.variant != name:
            raise CheckpointError(f"{known.tag}: weights of {known.variant}, not of {name}.")
        overrides = {**known.network, **overrides}
    allowed = inspect.signature(variant.build).parameters.keys() - {"plan"}
    if unknown := sorted(overrides.keys() - allowed):
        raise InputError(f"{name} has no override {unknown[0]!r}; it has {', '.join(sorted(allowed))}")
    with torch.device(device):
        model = variant.build(**overrides)
    model.variant = variant  # type: ignore[assignment]  # modules take any attribute
    if path := choice.path:
        load_weights(model, path)
    if dtype != torch.float32:  # what it is built in: to visit every tensor takes a tenth of the building
        model.to(dtype)
    return model.eval()


def check_weights(variant: str, path: str | PathLike[str], **overrides: Any) -> None:
    """Raises CheckpointError unless the file fits the network `create_model(variant, **overrides)`.

    Without `num_classes` among the overrides, a classifier may have any number of classes.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path.name}: no such file.")
    if path.stat().st_size > MAX_BYTES:
        raise CheckpointError(f"{path.name}: larger than {MAX_BYTES / 1e9:.1f} GB.")
    state = read_checkpoint(path)
    if known := described(path):
        overrides = {**known.network, **overrides}
    overrides = {**classes_override(variant, state), **overrides}
    del state
    # By way of the meta device: initial weights would only cost time and disturb the random numbers of others.
    model = create_model(variant, device="meta", **overrides)
    if sum(tensor.nbytes for tensor in model.state_dict().values()) > MAX_BYTES:
        raise CheckpointError(f"{path.name}: a network with {overrides['num_classes']:,} classes is too large.")
    load_weights(model.to_empty(device="cpu"), path)


def classes_override(variant: str, state: Mapping[str, Tensor]) -> dict[str, int]:
    """`num_classes` as the checkpoint of a classifier has them; nothing for embeddings and for names we do not know."""
    classes = None if get_variant(variant).embeds else classes_in(state)
    return {} if classes is None else {"num_classes": classes}


def fetch_weights(tag: str) -> "Download":
    """Downloads a known checkpoint, or joins the download that runs; the file is checked against its network."""
    from .weights.download import start_download  # it loads an HTTP client, which nobody else here needs

    return start_download(tag, _fits)


def _fits(weights: Weights, path: Path) -> None:
    check_weights(weights.variant, path, **weights.network)
