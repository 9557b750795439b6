"""Every network variant of the package by name."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .errors import InputError
from .models.inception_resnet import INCEPTION_RESNET_V1, INCEPTION_RESNET_V2, InceptionResNet
from .models.inception_v3 import InceptionV3
from .models.inception_v4 import InceptionV4, StemV4
from .models.layers import ConvUnit
from .models.network import Network
from .models.without_data import WithoutData, WithoutRandom
from .weights.checkpoint import CheckpointError, classes_in, fitted, load_weights
from .weights.choice import AnyWeights, WeightsChoice, WeightsKind
from .weights.known import SUFFIXES, Weights, described, known_weights, locate, namesake, weights_folder
from .weights.names import naming_of, tidy
from .weights.preprocessing import FACENET, TIMM_V2, TIMM_V4, Preprocessing
from .weights.reading import MAX_BYTES, read_checkpoint
from .words import N_, _

if TYPE_CHECKING:
    from .weights.download import Download


@dataclass(frozen=True)
class Variant:
    """One network of the zoo: all that the rest of the package has to know of it beside its modules."""

    name: str  # by which it is asked for
    title: str  # for people; it and the next two are marked, and translated where they are shown
    build: Callable[..., Network]  # takes the overrides of `create_model`
    input_size: int  # pixels of a side of the pictures it was trained on
    source: str  # where the description comes from
    differs: str  # from the paper that describes it
    preprocessing: Preprocessing = TIMM_V4  # what its published weights want, for weights that do not say
    embeds: bool = False  # whether its output is an embedding instead of classes
    keras_gamma: bool = False  # whether Keras trains a batch norm's gamma; not in TF-Slim and Keras Applications
    side_by_side: bool = False  # whether the Atlas shows it beside the other networks of the paper
    other_version: str = ""  # the network with blocks of the same kinds that can be laid over its own

    @property
    def has_residuals(self) -> bool:
        """Whether it adds residuals, whose scale can then be overridden."""
        return "residual_scale" in inspect.signature(self.build).parameters


# Fig. 15 to 19: Inception-v4's stem, no Mixed_5b, no Conv2d_7b, a ReLU after every sum.
PAPER_V2 = replace(
    INCEPTION_RESNET_V2,
    stem=StemV4,
    mixed_5b=False,
    repeats=(5, 10, 5),
    plain_last_block=False,
    conv_7b=None,
    names={},
    names_of_cadene={},
    tensorflow=None,
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

FACEID_V2 = replace(INCEPTION_RESNET_V2, num_classes=0, embedding=1024, names={}, names_of_cadene={}, tensorflow=None)

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            name="inception_v4",
            title=N_("Inception-v4"),
            build=InceptionV4,
            input_size=299,
            source=N_("Szegedy et al. 2016, Fig. 3 to 9; TF-Slim inception_v4.py; timm inception_v4"),
            differs=N_("TF-Slim's order of 1x7 and 7x1; Fig. 3 and 5 draw some of them the other way round."),
            preprocessing=TIMM_V4,
            side_by_side=True,
        ),
        Variant(
            name="inception_resnet_v1",
            title=N_("Inception-ResNet-v1 (FaceNet)"),
            build=partial(InceptionResNet, INCEPTION_RESNET_V1),
            input_size=160,
            source=N_("Szegedy et al. 2016, Fig. 10 to 15; FaceNet's inception_resnet_v1.py; facenet-pytorch"),
            differs=N_(
                "A sixth C block without ReLU and scale. Instead of classes it gives an L2-normalised embedding of "
                "512 numbers."
            ),
            embeds=True,
            preprocessing=FACENET,
            side_by_side=True,
            other_version="inception_resnet_v2",
        ),
        Variant(
            name="inception_resnet_v2",
            title=N_("Inception-ResNet-v2 (released)"),
            build=partial(InceptionResNet, INCEPTION_RESNET_V2),
            input_size=299,
            source=N_("TF-Slim inception_resnet_v2.py; timm inception_resnet_v2"),
            differs=N_(
                "Inception-v3's stem and a block with branches (Mixed_5b) instead of the paper's stem; twice as many "
                "residual blocks, on 320, 1088 and 2080 channels; a last C block without ReLU and scale; one more 1x1 "
                "before the pool (Conv2d_7b)."
            ),
            preprocessing=TIMM_V2,
            side_by_side=True,
            other_version="inception_resnet_v1",
        ),
        Variant(
            name="inception_resnet_v2.paper",
            title=N_("Inception-ResNet-v2 (the paper's figures)"),
            build=partial(InceptionResNet, PAPER_V2),
            input_size=299,
            source=N_("Szegedy et al. 2016, Fig. 3, 15 to 19 and Table 1"),
            differs=N_(
                "1x7 before 7x1 in the stem; Fig. 3 has them the other way round. Fig. 17 and 19 end their branches on "
                "1154 and 2048 channels, which cannot be added to what comes in; here they end on as many as come in."
            ),
            preprocessing=TIMM_V2,
        ),
        Variant(
            name="inception_resnet_v2.keras_blog",
            title=N_("Inception-ResNet-v2 (a Keras tutorial)"),
            build=partial(InceptionResNet, KERAS_BLOG_V2),
            input_size=299,
            source=N_("A TensorFlow 2 tutorial that many copies follow"),
            differs=N_(
                "The paper's stem with twice the blocks; batch norm and ReLU after the 1x1 that should be linear; "
                "no residual scale; 1x7 and 7x1 in block C; convolution biases under batch norm."
            ),
            keras_gamma=True,
            preprocessing=TIMM_V2,
        ),
        Variant(
            name="inception_resnet_v2.faceid",
            title=N_("Inception-ResNet-v2 (face recognition)"),
            build=partial(InceptionResNet, FACEID_V2),
            input_size=160,
            source=N_("A layer table published with a face recognition network after FaceNet's code"),
            differs=N_(
                "The released network at 160 px. Instead of classes it gives FaceNet's embedding (bottleneck) of 1024 "
                "numbers."
            ),
            embeds=True,
            preprocessing=FACENET,
        ),
        Variant(
            name="inception_v3",
            title=N_("Inception-v3"),
            build=InceptionV3,
            input_size=299,
            source=N_(
                "Szegedy et al. 2015 (arXiv 1512.00567), Table 1, Fig. 5 to 8 and 10; TF-Slim inception_v3.py; "
                "timm and torchvision inception_v3"
            ),
            differs=N_(
                "The stem ends on a 1x1, a 3x3 and a max pool; Table 1 has three 3x3. There are four 17x17 blocks; "
                "Table 1 has five. Each 35x35 block has a 5x5; Fig. 5 has a 3x3. The 35x35 blocks get 192, 256 and "
                "288 channels; Table 1 has 288. Average pools count the zeros that are added, as in timm and "
                "torchvision but not in TF-Slim."
            ),
            preprocessing=TIMM_V4,
        ),
    )
}


class AbsentWeightsError(CheckpointError):
    """A known checkpoint that is not on this machine; the sentence says where it is and what fetches it."""

    def __init__(self, tag: str, option: str):
        self.tag = tag
        source = known_weights()[tag].source
        if file := namesake(tag):
            sentence = _(
                "{tag}: the file {file} here is not the published one (its SHA-256 differs); get it from {source}, or "
                "with {option}."
            ).format(tag=tag, file=file.name, source=source, option=option)
        else:
            sentence = _("{tag}: not on this machine; get it from {source}, or with {option}.")
            sentence = sentence.format(tag=tag, source=source, option=option)
        super().__init__(sentence)


def list_models() -> list[str]:
    """Names that `create_model` and `trace` take."""
    return list(VARIANTS)


def get_variant(name: str) -> Variant:
    """The variant of that name; raises ValueError with the known names otherwise."""
    if name not in VARIANTS:
        sentence = _("unknown model {name!r}; known: {models}")
        raise InputError(sentence.format(name=name, models=", ".join(VARIANTS)))
    return VARIANTS[name]


def create_model(
    name: str,
    weights: AnyWeights = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    download: bool = False,
    **overrides: Any,
) -> Network:
    """The network of that name in eval mode.

    Its attribute `variant` says which it is, and `remarks` what the owner of its weights should know of them.

    It takes pictures (N, in_chans, H, W). It gives logits (N, num_classes), or an embedding (N, D) of length 1 if the
    variant embeds.
    weights: tag of a known checkpoint, path of a checkpoint, or None for PyTorch's random initialisation.
    download: whether to fetch a known checkpoint that is not on this machine. The call then waits for it; later calls
    find it in the cache of timm or facenet-pytorch.
    overrides: `num_classes`, `in_chans`, `width` and `repeats`, and what else the network has, such as
    `residual_scale`. A known checkpoint, or one that this project trained, brings those it was trained with, and any
    other file its number of classes, which is 0 if it has no classifier.
    Raises InputError for an unknown name or override, CheckpointError for weights that are not here or do not fit,
    DownloadError when they cannot be fetched. All three are ValueErrors.
    """
    variant = get_variant(name)
    choice = WeightsChoice.of(weights)
    if known := choice.known:
        if known.variant != name:
            sentence = _("{tag}: these are weights of {network}, not of {name}.")
            raise CheckpointError(sentence.format(tag=known.tag, network=known.variant, name=name))
        overrides = {**known.network, **overrides}
    allowed = inspect.signature(variant.build).parameters.keys() - {"plan"}
    if unknown := sorted(overrides.keys() - allowed):
        sentence = _("{name} has no override {override!r}; it has {allowed}")
        raise InputError(sentence.format(name=name, override=unknown[0], allowed=", ".join(sorted(allowed))))
    if known and choice.kind is WeightsKind.PUBLISHED and locate(choice.name) is None:
        if not download:
            raise AbsentWeightsError(choice.name, "download=True")
        fetched(choice)
    if choice.file is not None and known is None and "num_classes" not in overrides:
        overrides = {**classes_override(name, choice.file), **overrides}
    device = torch.device(device)
    path = choice.path
    with WithoutData() if device.type == "meta" else WithoutRandom(device) if path else device:
        model = variant.build(**overrides)
    model.variant = variant  # type: ignore[assignment]  # modules take any attribute
    if path:
        model.remarks = load_weights(model, path)
    if dtype != torch.float32:  # `to` walks through all modules; that would make a plain call a tenth slower
        model.to(dtype)
    return model.eval()


def check_weights(variant: str, path: str | PathLike[str], **overrides: Any) -> None:
    """Raises CheckpointError unless the file fits the network `create_model(variant, **overrides)`.

    Without `num_classes` among the overrides, a classifier may have any number of classes.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(_("{name}: no such file.").format(name=path.name))
    if path.stat().st_size > MAX_BYTES:
        sentence = _("{name}: larger than {size:.1f} GB.")
        raise CheckpointError(sentence.format(name=path.name, size=MAX_BYTES / 1e9))
    if known := described(path):
        overrides = {**known.network, **overrides}
    overrides = {**classes_override(variant, path), **overrides}
    # Built on the meta device, because random weights would take time and change the random numbers of others.
    model = create_model(variant, device="meta", **overrides)
    if sum(tensor.nbytes for tensor in model.state_dict().values()) > MAX_BYTES:
        sentence = _("{name}: a network with {classes:,} classes is too large.")
        raise CheckpointError(sentence.format(name=path.name, classes=overrides["num_classes"]))
    load_weights(model.to_empty(device="cpu"), path)


def classes_override(variant: str, path: Path) -> dict[str, int]:
    """The override `num_classes` that fits a checkpoint: 0 if it has no classifier.

    Empty for a variant that embeds, which leaves a classifier aside. Raises CheckpointError.
    """
    if get_variant(variant).embeds:
        return {}
    classes = classes_in(read_checkpoint(path, shapes_only=True).state, create_model(variant, device="meta"))
    return {"num_classes": classes or 0}


def available_weights(variant: str) -> list[WeightsChoice]:
    """The known checkpoints of a variant that are on this machine, then other files in our folder that fit it.

    Weights that name classes come before those that embed, and published ones before this project's own: someone
    fetched them on purpose.
    """
    places = {tag: path for tag in known_weights() if (path := locate(tag))}
    known = [tag for tag in places if known_weights()[tag].variant == variant]
    taken = set(places.values())
    files = sorted(path for path in weights_folder().glob("*") if path.suffix in SUFFIXES and path not in taken)
    others = [path for path in files if _may_fit(path, variant)]
    choices = [*map(WeightsChoice.of, known), *map(WeightsChoice.of, others)]
    return sorted(choices, key=lambda choice: not names_classes(variant, choice))


def names_classes(variant: str, choice: WeightsChoice) -> bool:
    """Whether a variant with these weights names classes instead of embedding pictures."""
    return not get_variant(variant).embeds or choice.num_classes > 0


def _may_fit(path: Path, variant: str) -> bool:
    try:
        status = path.stat()
    except OSError:
        return True  # loading it says what is wrong
    return _fits_by_shapes(path, variant, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1000)
def _fits_by_shapes(path: Path, variant: str, _modified: int, _size: int) -> bool:
    """Whether the names and shapes in a file are those of a variant; True where the file cannot be read.

    Remembered for as long as the file stays as it is, because pages ask each time they are drawn.
    """
    try:
        if known := described(path):
            return known.variant == variant
        state, _ = tidy(read_checkpoint(path, shapes_only=True).state)
    except CheckpointError:
        return True  # loading it says what is wrong
    overrides: dict[str, Any] = classes_override(variant, path)
    model = create_model(variant, device="meta", **overrides)
    try:
        fitted(state, model.state_dict(), naming_of(state, model), path.name)
    except CheckpointError:
        return False
    return True


def fetch_weights(tag: str) -> "Download":
    """Downloads a known checkpoint, or joins the download that runs; the file is checked against its network."""
    from .weights.download import start_download  # it loads an HTTP client, which nobody else here needs

    return start_download(tag, _fits)


def fetched(choice: WeightsChoice) -> WeightsChoice:
    """The weights themselves, once a known checkpoint that is not on this machine has been downloaded.

    Raises DownloadError when it cannot be had.
    """
    if choice.kind is WeightsKind.PUBLISHED and locate(choice.name) is None:
        from .weights.download import DownloadError

        download = fetch_weights(choice.name)
        download.wait()
        if download.state != "done":
            raise DownloadError(download.error or _("{tag}: the download was stopped.").format(tag=choice.name))
    return choice


def _fits(weights: Weights, path: Path) -> None:
    check_weights(weights.variant, path, **weights.network)
