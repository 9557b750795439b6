"""Inception-v4 (Szegedy et al. 2016, arXiv 1602.07261, section 3.1, Fig. 3 to 9).

Names of blocks, branches and layers are TF-Slim's (`Mixed_6a`, `Branch_1`, `Conv2d_0b_1x7`). Grid sizes
in the comments are those of a 299x299 input. `w` turns the paper's channels into those of the chosen width.
"""

from collections.abc import Callable

from torch import nn

from .layers import (
    Branch,
    ConvUnit,
    Parallel,
    Repeats,
    Scaler,
    Stage,
    avg_pool,
    block_stage,
    channel_scaler,
    check_count,
    check_repeats,
    max_pool,
    mixed_names,
)
from .network import Network, TensorFlowNames

REPEATS: Repeats = (4, 7, 3)  # of Inception-A, -B and -C (Fig. 9)


class StemV4(Stage):
    """Stem: 299 px down to a 35x35 grid (Fig. 3).

    Twice a stride-2 convolution and a max pool run side by side and are concatenated, so that the grid is
    halved without squeezing everything through one narrow layer first. Branch_1 of Mixed_4a looks further than
    Branch_0, and a 1x7 and a 7x1 kernel are all it pays for that.
    """

    def __init__(self, in_chans: int, w: Scaler, conv: Callable[..., nn.Module] = ConvUnit):
        super().__init__(
            "Stem",
            Conv2d_1a_3x3=conv(in_chans, w(32), 3, stride=2, padding="valid"),  # 149x149
            Conv2d_2a_3x3=conv(w(32), w(32), 3, padding="valid"),  # 147x147
            Conv2d_2b_3x3=conv(w(32), w(64), 3),
            Mixed_3a=Parallel(  # 73x73
                Branch_0=Branch(MaxPool_0a_3x3=max_pool()),
                Branch_1=Branch(Conv2d_0a_3x3=conv(w(64), w(96), 3, stride=2, padding="valid")),
            ),
            Mixed_4a=Parallel(  # 71x71
                Branch_0=Branch(
                    Conv2d_0a_1x1=conv(w(64) + w(96), w(64), 1),
                    Conv2d_1a_3x3=conv(w(64), w(96), 3, padding="valid"),
                ),
                Branch_1=Branch(
                    Conv2d_0a_1x1=conv(w(64) + w(96), w(64), 1),
                    Conv2d_0b_1x7=conv(w(64), w(64), (1, 7)),
                    Conv2d_0c_7x1=conv(w(64), w(64), (7, 1)),
                    Conv2d_1a_3x3=conv(w(64), w(96), 3, padding="valid"),
                ),
            ),
            Mixed_5a=Parallel(  # 35x35
                Branch_0=Branch(Conv2d_1a_3x3=conv(2 * w(96), w(192), 3, stride=2, padding="valid")),
                Branch_1=Branch(MaxPool_1a_3x3=max_pool()),
            ),
        )
        self.out_channels = w(192) + 2 * w(96)  # 384


class InceptionA(Parallel):
    """Inception-A: the 35x35 block (Fig. 4).

    Four views of the same grid: each position alone, through one 3x3, through two 3x3 (as far as a 5x5 sees,
    for 18 instead of 25 weights) and as a 3x3 average. 1x1 convolutions thin the channels out first.
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(in_channels, w(96), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(64), 1),
                Conv2d_0b_3x3=ConvUnit(w(64), w(96), 3),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(64), 1),
                Conv2d_0b_3x3=ConvUnit(w(64), w(96), 3),
                Conv2d_0c_3x3=ConvUnit(w(96), w(96), 3),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(),
                Conv2d_0b_1x1=ConvUnit(in_channels, w(96), 1),
            ),
        )
        self.out_channels = 4 * w(96)  # 384


class ReductionA(Parallel):
    """Reduction-A: 35x35 to 17x17, with filters k, l, m, n of Table 1 (Fig. 7; all three networks).

    A strided 3x3, a deeper strided branch and a max pool halve the grid side by side. All three are VALID:
    35 = 2 * 17 + 1, so nothing is padded and no row is left out.
    """

    def __init__(
        self, in_channels: int, klmn: tuple[int, int, int, int], w: Scaler, conv: Callable[..., nn.Module] = ConvUnit
    ):
        k, l, m, n = map(w, klmn)  # noqa: E741 (the paper's letters)
        super().__init__(
            Branch_0=Branch(Conv2d_1a_3x3=conv(in_channels, n, 3, stride=2, padding="valid")),
            Branch_1=Branch(
                Conv2d_0a_1x1=conv(in_channels, k, 1),
                Conv2d_0b_3x3=conv(k, l, 3),
                Conv2d_1a_3x3=conv(l, m, 3, stride=2, padding="valid"),
            ),
            Branch_2=Branch(MaxPool_1a_3x3=max_pool()),
        )
        self.out_channels = n + m + in_channels


class InceptionB(Parallel):
    """Inception-B: the 17x17 block (Fig. 5).

    Here a cell looks at 7x7 positions. A square kernel of that size would be expensive, so each is a row of 1x7 and
    7x1. Branch_2 does it twice and sees 13x13 positions.
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(in_channels, w(384), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(192), 1),
                Conv2d_0b_1x7=ConvUnit(w(192), w(224), (1, 7)),
                Conv2d_0c_7x1=ConvUnit(w(224), w(256), (7, 1)),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(192), 1),
                Conv2d_0b_7x1=ConvUnit(w(192), w(192), (7, 1)),
                Conv2d_0c_1x7=ConvUnit(w(192), w(224), (1, 7)),
                Conv2d_0d_7x1=ConvUnit(w(224), w(224), (7, 1)),
                Conv2d_0e_1x7=ConvUnit(w(224), w(256), (1, 7)),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(),
                Conv2d_0b_1x1=ConvUnit(in_channels, w(128), 1),
            ),
        )
        self.out_channels = w(384) + 2 * w(256) + w(128)  # 1024


class ReductionB(Parallel):
    """Reduction-B of Inception-v4: 17x17 to 8x8 (Fig. 8).

    As Reduction-A, but the channels are thinned out before the stride, and the deep branch looks through
    1x7 and 7x1 first.
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(192), 1),
                Conv2d_1a_3x3=ConvUnit(w(192), w(192), 3, stride=2, padding="valid"),
            ),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(256), 1),
                Conv2d_0b_1x7=ConvUnit(w(256), w(256), (1, 7)),
                Conv2d_0c_7x1=ConvUnit(w(256), w(320), (7, 1)),
                Conv2d_1a_3x3=ConvUnit(w(320), w(320), 3, stride=2, padding="valid"),
            ),
            Branch_2=Branch(MaxPool_1a_3x3=max_pool()),
        )
        self.out_channels = w(192) + w(320) + in_channels  # 1536


class InceptionC(Parallel):
    """Inception-C: the 8x8 block (Fig. 6).

    On the coarsest grid the block gets wide: two branches end in a fork, a 1x3 and a 3x1 side by side on the same
    input, whose outputs are concatenated inside the branch.
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(in_channels, w(256), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(384), 1),
                fork=Parallel(
                    Conv2d_0b_1x3=ConvUnit(w(384), w(256), (1, 3)),
                    Conv2d_0c_3x1=ConvUnit(w(384), w(256), (3, 1)),
                ),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(384), 1),
                Conv2d_0b_3x1=ConvUnit(w(384), w(448), (3, 1)),
                Conv2d_0c_1x3=ConvUnit(w(448), w(512), (1, 3)),
                fork=Parallel(
                    Conv2d_0d_1x3=ConvUnit(w(512), w(256), (1, 3)),
                    Conv2d_0e_3x1=ConvUnit(w(512), w(256), (3, 1)),
                ),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(),
                Conv2d_0b_1x1=ConvUnit(in_channels, w(256), 1),
            ),
        )
        self.out_channels = 6 * w(256)  # 1536


class HeadV4(Stage):
    """Head: from the 8x8 grid to classes (Fig. 9).

    One average over the whole grid forgets where something was; dropout and one linear layer name it.
    """

    def __init__(self, channels: int, num_classes: int):
        logits = Branch(
            AvgPool_1a=nn.AdaptiveAvgPool2d(1),
            Dropout_1b=nn.Dropout(0.2),
            PreLogitsFlatten=nn.Flatten(),
        )
        if num_classes:
            logits.add_module("Logits", nn.Linear(channels, num_classes))
        super().__init__("Head", Logits=logits)


# timm's names of the layers of a block, by our path inside the block.
REDUCTION_A_NAMES = {
    "Branch_0.Conv2d_1a_3x3": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_3x3": "branch1.1",
    "Branch_1.Conv2d_1a_3x3": "branch1.2",
}
_MIXED_3A = {"Branch_1.Conv2d_0a_3x3": "conv"}
_MIXED_4A = {
    "Branch_0.Conv2d_0a_1x1": "branch0.0",
    "Branch_0.Conv2d_1a_3x3": "branch0.1",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_1x7": "branch1.1",
    "Branch_1.Conv2d_0c_7x1": "branch1.2",
    "Branch_1.Conv2d_1a_3x3": "branch1.3",
}
_MIXED_5A = {"Branch_0.Conv2d_1a_3x3": "conv"}
_BLOCK_A = {
    "Branch_0.Conv2d_0a_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_3x3": "branch1.1",
    "Branch_2.Conv2d_0a_1x1": "branch2.0",
    "Branch_2.Conv2d_0b_3x3": "branch2.1",
    "Branch_2.Conv2d_0c_3x3": "branch2.2",
    "Branch_3.Conv2d_0b_1x1": "branch3.1",
}
_BLOCK_B = {
    "Branch_0.Conv2d_0a_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_1x7": "branch1.1",
    "Branch_1.Conv2d_0c_7x1": "branch1.2",
    "Branch_2.Conv2d_0a_1x1": "branch2.0",
    "Branch_2.Conv2d_0b_7x1": "branch2.1",
    "Branch_2.Conv2d_0c_1x7": "branch2.2",
    "Branch_2.Conv2d_0d_7x1": "branch2.3",
    "Branch_2.Conv2d_0e_1x7": "branch2.4",
    "Branch_3.Conv2d_0b_1x1": "branch3.1",
}
_REDUCTION_B = {
    "Branch_0.Conv2d_0a_1x1": "branch0.0",
    "Branch_0.Conv2d_1a_3x3": "branch0.1",
    "Branch_1.Conv2d_0a_1x1": "branch1.0",
    "Branch_1.Conv2d_0b_1x7": "branch1.1",
    "Branch_1.Conv2d_0c_7x1": "branch1.2",
    "Branch_1.Conv2d_1a_3x3": "branch1.3",
}
_BLOCK_C = {
    "Branch_0.Conv2d_0a_1x1": "branch0",
    "Branch_1.Conv2d_0a_1x1": "branch1_0",
    "Branch_1.fork.Conv2d_0b_1x3": "branch1_1a",
    "Branch_1.fork.Conv2d_0c_3x1": "branch1_1b",
    "Branch_2.Conv2d_0a_1x1": "branch2_0",
    "Branch_2.Conv2d_0b_3x1": "branch2_1",
    "Branch_2.Conv2d_0c_1x3": "branch2_2",
    "Branch_2.fork.Conv2d_0d_1x3": "branch2_3a",
    "Branch_2.fork.Conv2d_0e_3x1": "branch2_3b",
    "Branch_3.Conv2d_0b_1x1": "branch3.1",
}


def timm_names(repeats: Repeats) -> dict[str, str]:
    """Paths of our modules with weights, and of the same modules in timm's inception_v4.

    timm numbers the blocks from the picture to the head, so the names depend on how many there are.
    """
    a, b, c = repeats
    blocks: list[tuple[str, dict[str, str]]] = [
        ("stem.Conv2d_1a_3x3", {}),
        ("stem.Conv2d_2a_3x3", {}),
        ("stem.Conv2d_2b_3x3", {}),
        ("stem.Mixed_3a", _MIXED_3A),
        ("stem.Mixed_4a", _MIXED_4A),
        ("stem.Mixed_5a", _MIXED_5A),
        *((f"inception_a.{name}", _BLOCK_A) for name in mixed_names(5, a)),
        ("reduction_a.Mixed_6a", REDUCTION_A_NAMES),
        *((f"inception_b.{name}", _BLOCK_B) for name in mixed_names(6, b)),
        ("reduction_b.Mixed_7a", _REDUCTION_B),
        *((f"inception_c.{name}", _BLOCK_C) for name in mixed_names(7, c)),
    ]
    names = {"head.Logits.Logits": "last_linear"}
    for n, (block, layers) in enumerate(blocks):
        names[block] = f"features.{n}"
        names |= {f"{block}.{ours}": f"features.{n}.{theirs}" for ours, theirs in layers.items()}
    return names


class InceptionV4(Network):
    """Inception-v4 (Fig. 9): (N, in_chans, H, W) to logits (N, num_classes), H and W at least 75 px.

    num_classes: 0 gives the pooled features (N, 1536).
    in_chans: channels of the picture.
    width: multiplies every channel count but the picture's and the classes'.
    repeats: how many Inception-A, -B and -C blocks; None takes the paper's.
    """

    tensorflow = TensorFlowNames("InceptionV4")

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, width: float = 1.0, repeats: Repeats | None = None):
        super().__init__()
        check_count("num_classes", num_classes, 0)
        check_count("in_chans", in_chans, 1)
        self.in_chans, self.num_classes = in_chans, num_classes
        w = channel_scaler(width)
        a, b, c = check_repeats(REPEATS if repeats is None else repeats)
        self.names = timm_names((a, b, c))

        self.stem = StemV4(in_chans, w)
        self.inception_a = block_stage(
            "Inception-A", mixed_names(5, a), lambda channels: InceptionA(channels, w), self.stem.out_channels
        )
        self.reduction_a = block_stage(
            "Reduction-A",
            ["Mixed_6a"],
            lambda channels: ReductionA(channels, (192, 224, 256, 384), w),
            self.inception_a.out_channels,
        )
        self.inception_b = block_stage(
            "Inception-B", mixed_names(6, b), lambda channels: InceptionB(channels, w), self.reduction_a.out_channels
        )
        self.reduction_b = block_stage(
            "Reduction-B", ["Mixed_7a"], lambda channels: ReductionB(channels, w), self.inception_b.out_channels
        )
        self.inception_c = block_stage(
            "Inception-C", mixed_names(7, c), lambda channels: InceptionC(channels, w), self.reduction_b.out_channels
        )
        self.num_features = self.head_hidden_size = self.inception_c.out_channels
        self.head = HeadV4(self.num_features, num_classes)
