"""Inception-ResNet-v1 and -v2 (Szegedy et al. 2016, arXiv 1602.07261, section 3.2, Fig. 10 to 19).

One network class: v1, v2 and the variants in `zoo` are `Plan`s of it. Names of blocks, branches and layers
are TF-Slim's (`Block35_3`, `Branch_1`, `Conv2d_0b_3x3`). Grid sizes in the comments are those of a 299x299
input. `w` turns the paper's channels into those of the chosen width.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from ..errors import InputError
from ..words import _
from .inception_v3 import StemV3
from .inception_v4 import REDUCTION_A_NAMES, ReductionA
from .layers import (
    BATCH_NORM_EPS,
    MOST_REPEATS,
    Branch,
    ConvUnit,
    L2Normalize,
    Parallel,
    Repeats,
    ResidualSum,
    Scaler,
    Stage,
    avg_pool,
    channel_scaler,
    check_count,
    check_repeats,
    max_pool,
)
from .network import Network, TensorFlowNames

MakeConv = Callable[..., nn.Module]


class StemResNetV1(Stage):
    """Stem of Inception-ResNet-v1: 299 px down to a 35x35 grid (Fig. 14).

    A plain row of layers, as in Inception-v3. The last convolution has stride 2, so no pool is needed.
    """

    def __init__(self, in_chans: int, w: Scaler, conv: MakeConv = ConvUnit):
        super().__init__(
            "Stem",
            Conv2d_1a_3x3=conv(in_chans, w(32), 3, stride=2, padding="valid"),  # 149x149
            Conv2d_2a_3x3=conv(w(32), w(32), 3, padding="valid"),  # 147x147
            Conv2d_2b_3x3=conv(w(32), w(64), 3),
            MaxPool_3a_3x3=max_pool(),  # 73x73
            Conv2d_3b_1x1=conv(w(64), w(80), 1, padding="valid"),
            Conv2d_4a_3x3=conv(w(80), w(192), 3, padding="valid"),  # 71x71
            Conv2d_4b_3x3=conv(w(192), w(256), 3, stride=2, padding="valid"),  # 35x35
        )
        self.out_channels = w(256)


class StemResNetV2(StemV3):
    """Stem of the released Inception-ResNet-v2: 299 px down to a 35x35 grid (TF-Slim; not in the paper).

    The paper draws Inception-v4's stem here (Fig. 3). The released network keeps Inception-v3's plain row of
    layers, and Mixed_5b follows.
    """


class Mixed5b(Parallel):
    """Inception-A of the released Inception-ResNet-v2: once, before the residual blocks (TF-Slim; not in the paper).

    Inception-v3's first block, wider, and the only one of the three networks with a true 5x5 kernel. It takes the
    stem's 192 channels to the 320 on which the residual blocks work.
    """

    def __init__(self, in_channels: int, w: Scaler, conv: MakeConv = ConvUnit):
        super().__init__(
            Branch_0=Branch(Conv2d_1x1=conv(in_channels, w(96), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=conv(in_channels, w(48), 1),
                Conv2d_0b_5x5=conv(w(48), w(64), 5),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=conv(in_channels, w(64), 1),
                Conv2d_0b_3x3=conv(w(64), w(96), 3),
                Conv2d_0c_3x3=conv(w(96), w(96), 3),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(),
                Conv2d_0b_1x1=conv(in_channels, w(64), 1),
            ),
        )
        self.out_channels = 2 * w(96) + 2 * w(64)  # 320


def linear_1x1(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    """The 1x1 before the residual sum: without ReLU (section 3.2), with bias and without batch norm (TF-Slim)."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, padding="same")


class ResidualBlock(Parallel):
    """Branches, concatenation, a 1x1 back to the input's channels, scaled sum with the shortcut, ReLU.

    (N, C, H, W) to (N, C, H, W). ``relu=False`` leaves the sum as it is.
    """

    kind: ClassVar[Literal["A", "B", "C"]]
    """The letter of the block in the paper; `residual_scale` has one number for each."""

    def __init__(
        self,
        channels: int,
        mixed_channels: int,
        scale: float,
        relu: bool,
        linear: MakeConv,
        **branches: nn.Module,
    ):
        super().__init__(**branches)
        self.Conv2d_1x1 = linear(mixed_channels, channels, 1)
        self.residual_sum = ResidualSum(scale)
        self.relu = nn.ReLU() if relu else None
        self.out_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        residual = self.Conv2d_1x1(super().forward(x))
        x = self.residual_sum(x, residual)
        return x if self.relu is None else self.relu(x)


class InceptionResNetA(ResidualBlock):
    """Inception-ResNet-A: the 35x35 block, TF-Slim's block35 (Fig. 10 for v1, Fig. 16 for v2).

    Three branches see 1x1, 3x3 and 5x5 positions; they are thin, because the shortcut carries the input past
    them and they only have to add what is new.

    filters: the three convolutions of Branch_2, of which the first is also the width of the other branches.
    """

    kind = "A"

    def __init__(
        self,
        channels: int,
        filters: tuple[int, int, int],
        w: Scaler,
        scale: float,
        relu: bool = True,
        conv: MakeConv = ConvUnit,
        linear: MakeConv = linear_1x1,
    ):
        first, second, third = map(w, filters)
        super().__init__(
            channels,
            2 * first + third,
            scale,
            relu,
            linear,
            Branch_0=Branch(Conv2d_1x1=conv(channels, first, 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=conv(channels, first, 1),
                Conv2d_0b_3x3=conv(first, first, 3),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=conv(channels, first, 1),
                Conv2d_0b_3x3=conv(first, second, 3),
                Conv2d_0c_3x3=conv(second, third, 3),
            ),
        )


class InceptionResNetB(ResidualBlock):
    """Inception-ResNet-B: the 17x17 block, TF-Slim's block17 (Fig. 11 for v1, Fig. 17 for v2).

    One branch of 1x7 and 7x1 sees 7x7 positions for about two sevenths of a square kernel's weights.

    filters: the 1x1 of Branch_0, then the 1x1, 1x7 and 7x1 of Branch_1.
    """

    kind = "B"

    def __init__(
        self,
        channels: int,
        filters: tuple[int, int, int, int],
        w: Scaler,
        scale: float,
        relu: bool = True,
        conv: MakeConv = ConvUnit,
        linear: MakeConv = linear_1x1,
    ):
        alone, first, second, third = map(w, filters)
        super().__init__(
            channels,
            alone + third,
            scale,
            relu,
            linear,
            Branch_0=Branch(Conv2d_1x1=conv(channels, alone, 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=conv(channels, first, 1),
                Conv2d_0b_1x7=conv(first, second, (1, 7)),
                Conv2d_0c_7x1=conv(second, third, (7, 1)),
            ),
        )


class InceptionResNetC(ResidualBlock):
    """Inception-ResNet-C: the 8x8 block, TF-Slim's block8 (Fig. 13 for v1, Fig. 19 for v2).

    As Inception-ResNet-B with 1x3 and 3x1, because the grid is only 8x8. In TF-Slim the last one has no ReLU
    and no scale.

    filters: the 1x1 of Branch_0, then the three convolutions of Branch_1. kernel: the length of the
    one-dimensional kernels.
    """

    kind = "C"

    def __init__(
        self,
        channels: int,
        filters: tuple[int, int, int, int],
        w: Scaler,
        scale: float,
        relu: bool = True,
        conv: MakeConv = ConvUnit,
        linear: MakeConv = linear_1x1,
        kernel: int = 3,
    ):
        alone, first, second, third = map(w, filters)
        super().__init__(
            channels,
            alone + third,
            scale,
            relu,
            linear,
            Branch_0=Branch(Conv2d_1x1=conv(channels, alone, 1)),
            Branch_1=Branch(
                **{
                    "Conv2d_0a_1x1": conv(channels, first, 1),
                    f"Conv2d_0b_1x{kernel}": conv(first, second, (1, kernel)),
                    f"Conv2d_0c_{kernel}x1": conv(second, third, (kernel, 1)),
                }
            ),
        )


class ReductionBResNet(Parallel):
    """Reduction-B of the residual networks: 17x17 to 8x8 (Fig. 12 for v1, Fig. 18 for v2).

    Three strided branches of growing depth beside the max pool, each behind a 1x1 that thins the channels out.

    filters: the strided 3x3 of Branch_0, that of Branch_1, then the two 3x3 of Branch_2; every 1x1 has 256.
    """

    def __init__(self, in_channels: int, filters: tuple[int, int, int, int], w: Scaler, conv: MakeConv = ConvUnit):
        b0, b1, b2_first, b2 = map(w, filters)
        super().__init__(
            Branch_0=Branch(
                Conv2d_0a_1x1=conv(in_channels, w(256), 1),
                Conv2d_1a_3x3=conv(w(256), b0, 3, stride=2, padding="valid"),
            ),
            Branch_1=Branch(
                Conv2d_0a_1x1=conv(in_channels, w(256), 1),
                Conv2d_1a_3x3=conv(w(256), b1, 3, stride=2, padding="valid"),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=conv(in_channels, w(256), 1),
                Conv2d_0b_3x3=conv(w(256), b2_first, 3),
                Conv2d_1a_3x3=conv(b2_first, b2, 3, stride=2, padding="valid"),
            ),
            Branch_3=Branch(MaxPool_1a_3x3=max_pool()),
        )
        self.out_channels = b0 + b1 + b2 + in_channels


# The layers of a block in timm and facenet-pytorch, by our path inside the block.
_MIXED_5B = {
    "Branch_0.Conv2d_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_5x5": "branch1.1",
    "Branch_2.Conv2d_0a_1x1": "branch2.0",
    "Branch_2.Conv2d_0b_3x3": "branch2.1",
    "Branch_2.Conv2d_0c_3x3": "branch2.2",
    "Branch_3.Conv2d_0b_1x1": "branch3.1",
}
_BLOCK_A = {
    "Branch_0.Conv2d_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_3x3": "branch1.1",
    "Branch_2.Conv2d_0a_1x1": "branch2.0",
    "Branch_2.Conv2d_0b_3x3": "branch2.1",
    "Branch_2.Conv2d_0c_3x3": "branch2.2",
    "Conv2d_1x1": "conv2d",
}
_BLOCK_B = {
    "Branch_0.Conv2d_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_1x7": "branch1.1",
    "Branch_1.Conv2d_0c_7x1": "branch1.2",
    "Conv2d_1x1": "conv2d",
}
_REDUCTION_B = {
    "Branch_0.Conv2d_0a_1x1": "branch0.0",
    "Branch_0.Conv2d_1a_3x3": "branch0.1",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_1a_3x3": "branch1.1",
    "Branch_2.Conv2d_0a_1x1": "branch2.0",
    "Branch_2.Conv2d_0b_3x3": "branch2.1",
    "Branch_2.Conv2d_1a_3x3": "branch2.2",
}
_BLOCK_C = {
    "Branch_0.Conv2d_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_1x3": "branch1.1",
    "Branch_1.Conv2d_0c_3x1": "branch1.2",
    "Conv2d_1x1": "conv2d",
}


def names_of_others(repeat_a: str, repeat_b: str, repeat_c: str) -> dict[str, str]:
    """Paths of our modules from the stem to Block8, and of the same modules in timm and facenet-pytorch.

    The three arguments are their names of the stages of A, B and C blocks, whose blocks they number from 0. They keep
    the last C block outside its stage.
    """
    numbers = range(MOST_REPEATS)
    blocks: list[tuple[str, str, dict[str, str]]] = [
        ("inception_a.Mixed_5b", "mixed_5b", _MIXED_5B),
        *((f"inception_resnet_a.Block35_{i + 1}", f"{repeat_a}.{i}", _BLOCK_A) for i in numbers),
        ("reduction_a.Mixed_6a", "mixed_6a", REDUCTION_A_NAMES),
        *((f"inception_resnet_b.Block17_{i + 1}", f"{repeat_b}.{i}", _BLOCK_B) for i in numbers),
        ("reduction_b.Mixed_7a", "mixed_7a", _REDUCTION_B),
        *((f"inception_resnet_c.Block8_{i + 1}", f"{repeat_c}.{i}", _BLOCK_C) for i in numbers),
        ("inception_resnet_c.Block8", "block8", _BLOCK_C),
    ]
    stem = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "Conv2d_4b_3x3")
    return {
        **{f"stem.{layer}": layer.lower().rpartition("_")[0] for layer in stem},
        **{f"{ours}.{layer}": f"{theirs}.{name}" for ours, theirs, layers in blocks for layer, name in layers.items()},
    }


def slim_names_of(scope: str) -> dict[str, str]:
    """Paths of our modules whose TF-Slim scopes have other names, with these scopes: `slim.repeat` numbers its own."""
    numbers = range(1, MOST_REPEATS + 1)
    return {
        **{f"inception_resnet_a.Block35_{i}": f"{scope}/Repeat/block35_{i}" for i in numbers},
        **{f"inception_resnet_b.Block17_{i}": f"{scope}/Repeat_1/block17_{i}" for i in numbers},
        **{f"inception_resnet_c.Block8_{i}": f"{scope}/Repeat_2/block8_{i}" for i in numbers},
    }


# Those of facenet-pytorch's InceptionResnetV1.
FACENET_NAMES = {
    **names_of_others("repeat_1", "repeat_2", "repeat_3"),
    "head.Bottleneck.fully_connected": "last_linear",
    "head.Bottleneck.batch_norm": "last_bn",
    "head.Classifier": "logits",
}
# Those of timm's inception_resnet_v2.
TIMM_NAMES = {
    **names_of_others("repeat", "repeat_1", "repeat_2"),
    "head.Conv2d_7b_1x1": "conv2d_7b",
    "head.Logits.Logits": "classif",
}
# Those of Keras Applications' InceptionResNetV2 that are more than numbers.
KERAS_NAMES = {
    **{f"inception_resnet_a.Block35_{i}.Conv2d_1x1": f"block35_{i}_conv" for i in range(1, 11)},
    **{f"inception_resnet_b.Block17_{i}.Conv2d_1x1": f"block17_{i}_conv" for i in range(1, 21)},
    **{f"inception_resnet_c.Block8_{i}.Conv2d_1x1": f"block8_{i}_conv" for i in range(1, 10)},
    "inception_resnet_c.Block8.Conv2d_1x1": "block8_10_conv",
    "head.Conv2d_7b_1x1": "conv_7b",
    "head.Logits.Logits": "predictions",
}


@dataclass(frozen=True)
class Plan:
    """What tells one Inception-ResNet from another. Channel counts are those of the paper's figures."""

    stem: Callable[..., Stage]  # builds the stem from the channels of the picture, `w` and `conv`
    mixed_5b: bool  # whether Mixed_5b stands between the stem and the A blocks
    block_a: tuple[int, int, int]  # `filters` of the A blocks
    klmn: tuple[int, int, int, int]  # filters of Reduction-A (Table 1)
    block_b: tuple[int, int, int, int]  # `filters` of the B blocks
    reduction_b: tuple[int, int, int, int]  # `filters` of Reduction-B
    block_c: tuple[int, int, int, int]  # `filters` of the C blocks
    repeats: Repeats  # how many A, B and C blocks, the last C block included
    num_classes: int  # classes of the released network; 0 for an embedding
    dropout: float  # share of the pooled features that training sets to 0
    scales: tuple[float, float, float] = (0.17, 0.10, 0.20)  # residual scale of the A, B and C blocks
    plain_last_block: bool = True  # whether the last C block has neither ReLU nor scale (TF-Slim)
    conv_7b: int | None = None  # channels of a 1x1 after the last block, or None for no such layer
    embedding: int | None = None  # size of a bottleneck layer after the pool, or None for no such layer
    conv: MakeConv = ConvUnit  # builds every convolution but those before a residual sum
    linear: MakeConv = linear_1x1  # builds the 1x1 before a residual sum
    block_c_kernel: int = 3  # length of the one-dimensional kernels in the C blocks
    # As `Network.names`; empty for a network that no one else has published.
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    may_lack: tuple[str, ...] = ()  # as `Network.may_lack`
    names_of_cadene: Mapping[str, str] = field(default_factory=dict, hash=False)  # as of `Network`
    tensorflow: TensorFlowNames | None = None  # as of `Network`


# Table 1, Fig. 10 to 15; the last block is from FaceNet's code, 512-d bottleneck and dropout from facenet-pytorch.
INCEPTION_RESNET_V1 = Plan(
    stem=StemResNetV1,
    mixed_5b=False,
    block_a=(32, 32, 32),
    klmn=(192, 192, 256, 384),
    block_b=(128, 128, 128, 128),
    reduction_b=(384, 256, 256, 256),
    block_c=(192, 192, 192, 192),
    repeats=(5, 10, 6),
    num_classes=0,
    dropout=0.6,
    embedding=512,
    names=FACENET_NAMES,
    may_lack=("head.Classifier",),  # published files hold the classifier that the embedding was trained with
    tensorflow=TensorFlowNames(
        "InceptionResnetV1",
        {  # FaceNet's: it adds the bottleneck and, outside the scope of the network, the classifier
            **slim_names_of("InceptionResnetV1"),
            "head.Bottleneck.fully_connected": "InceptionResnetV1/Bottleneck",
            "head.Bottleneck.batch_norm": "InceptionResnetV1/Bottleneck",
            "head.Classifier": "Logits",
        },
    ),
)

# TF-Slim's released network: Fig. 16 to 19 on 320, 1088 and 2080 channels.
INCEPTION_RESNET_V2 = Plan(
    stem=StemResNetV2,
    mixed_5b=True,
    block_a=(32, 48, 64),
    klmn=(256, 256, 384, 384),
    block_b=(192, 128, 160, 192),
    reduction_b=(384, 288, 288, 320),
    block_c=(192, 192, 224, 256),
    repeats=(10, 20, 10),
    num_classes=1000,
    dropout=0.2,
    conv_7b=1536,
    names=TIMM_NAMES,
    names_of_cadene={"head.Logits.Logits": "last_linear"},
    tensorflow=TensorFlowNames("InceptionResnetV2", slim_names_of("InceptionResnetV2"), KERAS_NAMES),
)


class HeadResNet(Stage):
    """Head: from the 8x8 grid to classes or to an embedding (Fig. 15).

    The released v2 first mixes its channels down to 1536. One average over the whole grid forgets where something was;
    dropout and one linear layer name it. FaceNet's networks stop at a short vector instead: a bottleneck of 512
    numbers scaled to length 1, so that the distance between two pictures says how much two faces differ.
    """

    def __init__(self, channels: int, plan: Plan, num_classes: int, w: Scaler):
        blocks: dict[str, nn.Module] = {}
        if plan.conv_7b:
            blocks["Conv2d_7b_1x1"] = plan.conv(channels, w(plan.conv_7b), 1)
            channels = w(plan.conv_7b)
        logits = Branch(
            AvgPool_1a_8x8=nn.AdaptiveAvgPool2d(1),
            Flatten=nn.Flatten(),
            Dropout=nn.Dropout(plan.dropout),
        )
        blocks["Logits"] = logits
        if plan.embedding:
            embedding = w(plan.embedding)
            blocks["Bottleneck"] = Branch(
                fully_connected=nn.Linear(channels, embedding, bias=False),
                batch_norm=nn.BatchNorm1d(embedding, eps=BATCH_NORM_EPS),
            )
            if num_classes:
                blocks["Classifier"] = nn.Linear(embedding, num_classes)
            else:
                blocks["Normalize"] = L2Normalize()
        elif num_classes:
            logits.add_module("Logits", nn.Linear(channels, num_classes))
        super().__init__("Head", **blocks)


class InceptionResNet(Network):
    """Inception-ResNet after a `Plan`: (N, in_chans, H, W) to (N, num_classes), H and W at least 75 px.

    num_classes: None takes the plan's; 0 gives features: the L2-normalised embedding where the plan has a
    bottleneck, else the pooled channels.
    in_chans: channels of the picture.
    width: multiplies every channel count but the picture's and the classes'.
    repeats: how many Inception-ResNet-A, -B and -C blocks, the last C block included.
    residual_scale: one scale for every block, or three for the A, B and C blocks (a plain last block keeps 1).
    """

    def __init__(
        self,
        plan: Plan,
        num_classes: int | None = None,
        in_chans: int = 3,
        width: float = 1.0,
        repeats: Repeats | None = None,
        residual_scale: float | tuple[float, float, float] | None = None,
    ):
        super().__init__()
        num_classes = plan.num_classes if num_classes is None else num_classes
        check_count("num_classes", num_classes, 0)
        check_count("in_chans", in_chans, 1)
        self.in_chans, self.num_classes = in_chans, num_classes
        self.names, self.may_lack, self.names_of_cadene = plan.names, plan.may_lack, plan.names_of_cadene
        self.tensorflow = plan.tensorflow
        w = channel_scaler(width)
        a, b, c = check_repeats(plan.repeats if repeats is None else repeats)
        scale_a, scale_b, scale_c, scale_last = residual_scales(plan, residual_scale)
        convs: dict[str, Any] = {"w": w, "conv": plan.conv}
        residual = {**convs, "linear": plan.linear}

        self.stem = plan.stem(in_chans, **convs)
        channels = self.stem.out_channels
        if plan.mixed_5b:
            mixed_5b = Mixed5b(channels, **convs)
            self.inception_a = Stage("Inception-A", Mixed_5b=mixed_5b)
            channels = mixed_5b.out_channels

        block_a = partial(InceptionResNetA, channels, plan.block_a, scale=scale_a, **residual)
        self.inception_resnet_a = Stage("Inception-ResNet-A", **{f"Block35_{i + 1}": block_a() for i in range(a)})

        mixed_6a = ReductionA(channels, plan.klmn, **convs)
        self.reduction_a = Stage("Reduction-A", Mixed_6a=mixed_6a)
        channels = mixed_6a.out_channels

        block_b = partial(InceptionResNetB, channels, plan.block_b, scale=scale_b, **residual)
        self.inception_resnet_b = Stage("Inception-ResNet-B", **{f"Block17_{i + 1}": block_b() for i in range(b)})

        mixed_7a = ReductionBResNet(channels, plan.reduction_b, **convs)
        self.reduction_b = Stage("Reduction-B", Mixed_7a=mixed_7a)
        channels = mixed_7a.out_channels

        block_c = partial(InceptionResNetC, channels, plan.block_c, kernel=plan.block_c_kernel, **residual)
        blocks_c = {f"Block8_{i + 1}": block_c(scale=scale_c) for i in range(c - 1)}
        if plan.plain_last_block:
            blocks_c["Block8"] = block_c(scale=scale_last, relu=False)
        else:
            blocks_c[f"Block8_{c}"] = block_c(scale=scale_last)
        self.inception_resnet_c = Stage("Inception-ResNet-C", **blocks_c)

        self.num_features = w(plan.conv_7b) if plan.conv_7b else channels
        self.head_hidden_size = self.num_features
        if plan.embedding:
            self.head_hidden_size = w(plan.embedding)
            self.classifier_path = "head.Classifier"
        self.head = HeadResNet(channels, plan, num_classes, w)

    def reset_classifier(self, num_classes: int) -> None:
        """As `Network.reset_classifier`; an embedding without classes is scaled to length 1."""
        super().reset_classifier(num_classes)
        if self.classifier_path == "head.Classifier":
            if hasattr(self.head, "Normalize"):
                del self.head.Normalize
            if not num_classes:
                self.head.Normalize = L2Normalize().train(self.training)


def residual_scales(
    plan: Plan, residual_scale: float | tuple[float, float, float] | None
) -> tuple[float, float, float, float]:
    """Scales of the A, B and C blocks and of the last C block."""
    if residual_scale is None:
        residual_scale = plan.scales
    one = isinstance(residual_scale, int | float)
    scales = (residual_scale,) * 3 if isinstance(residual_scale, int | float) else tuple(residual_scale)
    if len(scales) != 3 or not all(isinstance(scale, int | float) and math.isfinite(scale) for scale in scales):
        sentence = _("residual_scale must be one number or three, not {value!r}")
        raise InputError(sentence.format(value=residual_scale))
    a, b, c = scales
    return a, b, c, 1.0 if plan.plain_last_block and not one else c
