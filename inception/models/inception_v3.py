"""Inception-v3 (Szegedy et al. 2015, arXiv 1512.00567, section 6, Table 1, Fig. 5 to 8 and 10), as it was released.

Figures, tables and sections in this file are those of that paper. Names of blocks, branches and layers are TF-Slim's
(`Mixed_6a`, `Branch_1`, `Conv2d_0b_1x7`). Grid sizes in the comments are those of a 299x299 input. `w` turns the
paper's channels into those of the chosen width. The average pools inside the blocks count their zeros in the mean, as
timm's and torchvision's do; TF-Slim's do not.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from ..errors import InputError
from ..words import N_, _
from .layers import (
    MOST_REPEATS,
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

REPEATS: Repeats = (3, 4, 2)  # of Inception-A, -B and -C (TF-Slim; Table 1 has 3, 5 and 2)


class StemV3(Stage):
    """Stem: 299 px down to a 35x35 grid (TF-Slim; Table 1 ends it differently).

    A plain row of layers. Three 3x3 stand where GoogLeNet had one 7x7, and the first of them halves the grid at once,
    because layers on a large grid are expensive. Table 1 shrinks the second time by a strided 3x3, the released
    network by a max pool.
    """

    def __init__(self, in_chans: int, w: Scaler, conv: Callable[..., nn.Module] = ConvUnit):
        super().__init__(
            "Stem",
            Conv2d_1a_3x3=conv(in_chans, w(32), 3, stride=2, padding="valid"),  # 149x149
            Conv2d_2a_3x3=conv(w(32), w(32), 3, padding="valid"),  # 147x147
            Conv2d_2b_3x3=conv(w(32), w(64), 3),
            MaxPool_3a_3x3=max_pool(),  # 73x73
            Conv2d_3b_1x1=conv(w(64), w(80), 1, padding="valid"),
            Conv2d_4a_3x3=conv(w(80), w(192), 3, padding="valid"),  # 71x71
            MaxPool_5a_3x3=max_pool(),  # 35x35
        )
        self.out_channels = w(192)


class InceptionV3A(Parallel):
    """Inception-A: the 35x35 block (Fig. 5; one 5x5 as in Fig. 4).

    Four views of the same grid: each position alone, through one 5x5, through two 3x3 (as far as a 5x5 sees, for 18
    instead of 25 weights) and as a 3x3 average. 1x1 convolutions thin the channels out first. Fig. 5 has a 3x3 in
    the place of the 5x5 of Branch_1; the released network kept that one.

    pool_channels: those of Branch_3, 32 in the first block and 64 in the others.
    """

    def __init__(self, in_channels: int, pool_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(in_channels, w(64), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(48), 1),
                Conv2d_0b_5x5=ConvUnit(w(48), w(64), 5),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(64), 1),
                Conv2d_0b_3x3=ConvUnit(w(64), w(96), 3),
                Conv2d_0c_3x3=ConvUnit(w(96), w(96), 3),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(count_zeros=True),
                Conv2d_0b_1x1=ConvUnit(in_channels, w(pool_channels), 1),
            ),
        )
        self.out_channels = 2 * w(64) + w(96) + w(pool_channels)  # 256, then 288


class ReductionV3A(Parallel):
    """Reduction-A: 35x35 to 17x17 (after Fig. 10).

    A strided 3x3, a deeper strided branch and a max pool halve the grid side by side. To pool first would squeeze
    everything through few channels; to widen first would compute on the large grid (section 5).
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(Conv2d_1a_3x3=ConvUnit(in_channels, w(384), 3, stride=2, padding="valid")),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(64), 1),
                Conv2d_0b_3x3=ConvUnit(w(64), w(96), 3),
                Conv2d_1a_3x3=ConvUnit(w(96), w(96), 3, stride=2, padding="valid"),
            ),
            Branch_2=Branch(MaxPool_1a_3x3=max_pool()),
        )
        self.out_channels = w(384) + w(96) + in_channels  # 768


class InceptionV3B(Parallel):
    """Inception-B: the 17x17 block (Fig. 6 with n = 7).

    Here a cell looks at 7x7 positions. A square kernel of that size would be expensive, so each is a row of 1x7 and
    7x1. Branch_2 does it twice and sees 13x13 positions. The paper found that such pairs do not work well on early
    layers, but very well on grids of 12 to 20 cells (section 3.2).

    channels_7x7: those before and between the one-dimensional kernels, 128 to 192.
    """

    def __init__(self, in_channels: int, channels_7x7: int, w: Scaler):
        c7 = w(channels_7x7)
        super().__init__(
            Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(in_channels, w(192), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, c7, 1),
                Conv2d_0b_1x7=ConvUnit(c7, c7, (1, 7)),
                Conv2d_0c_7x1=ConvUnit(c7, w(192), (7, 1)),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, c7, 1),
                Conv2d_0b_7x1=ConvUnit(c7, c7, (7, 1)),
                Conv2d_0c_1x7=ConvUnit(c7, c7, (1, 7)),
                Conv2d_0d_7x1=ConvUnit(c7, c7, (7, 1)),
                Conv2d_0e_1x7=ConvUnit(c7, w(192), (1, 7)),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(count_zeros=True),
                Conv2d_0b_1x1=ConvUnit(in_channels, w(192), 1),
            ),
        )
        self.out_channels = 4 * w(192)  # 768


class ReductionV3B(Parallel):
    """Reduction-B: 17x17 to 8x8 (after Fig. 10).

    As Reduction-A, but the channels are thinned out before the stride, and the deep branch looks through 1x7 and
    7x1 first.
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(192), 1),
                Conv2d_1a_3x3=ConvUnit(w(192), w(320), 3, stride=2, padding="valid"),
            ),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(192), 1),
                Conv2d_0b_1x7=ConvUnit(w(192), w(192), (1, 7)),
                Conv2d_0c_7x1=ConvUnit(w(192), w(192), (7, 1)),
                Conv2d_1a_3x3=ConvUnit(w(192), w(192), 3, stride=2, padding="valid"),
            ),
            Branch_2=Branch(MaxPool_1a_3x3=max_pool()),
        )
        self.out_channels = w(320) + w(192) + in_channels  # 1280


class InceptionV3C(Parallel):
    """Inception-C: the 8x8 block (Fig. 7).

    On the coarsest grid the block gets wide: two branches end in a fork, a 1x3 and a 3x1 side by side on the same
    input, whose outputs are concatenated inside the branch. Many channels say most where few positions are left
    (principle 2 of section 2).
    """

    def __init__(self, in_channels: int, w: Scaler):
        super().__init__(
            Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(in_channels, w(320), 1)),
            Branch_1=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(384), 1),
                fork=Parallel(
                    Conv2d_0b_1x3=ConvUnit(w(384), w(384), (1, 3)),
                    Conv2d_0c_3x1=ConvUnit(w(384), w(384), (3, 1)),
                ),
            ),
            Branch_2=Branch(
                Conv2d_0a_1x1=ConvUnit(in_channels, w(448), 1),
                Conv2d_0b_3x3=ConvUnit(w(448), w(384), 3),
                fork=Parallel(
                    Conv2d_0c_1x3=ConvUnit(w(384), w(384), (1, 3)),
                    Conv2d_0d_3x1=ConvUnit(w(384), w(384), (3, 1)),
                ),
            ),
            Branch_3=Branch(
                AvgPool_0a_3x3=avg_pool(count_zeros=True),
                Conv2d_0b_1x1=ConvUnit(in_channels, w(192), 1),
            ),
        )
        self.out_channels = w(320) + 4 * w(384) + w(192)  # 2048


class HeadV3(Stage):
    """Head: from the 8x8 grid to classes (Table 1; dropout from TF-Slim).

    One average over the whole grid forgets where something was; dropout and one linear layer name it.
    """

    def __init__(self, channels: int, num_classes: int):
        logits = Branch(
            AvgPool_1a_8x8=nn.AdaptiveAvgPool2d(1),
            Dropout_1b=nn.Dropout(0.2),
            Flatten=nn.Flatten(),
        )
        if num_classes:
            logits.add_module("Logits", nn.Linear(channels, num_classes))
        super().__init__("Head", Logits=logits)


class AuxiliaryHeadV3(Stage):
    """Auxiliary head: from the last 17x17 grid to classes, in training only (section 4, Fig. 8).

    A second answer, halfway up. Its loss is added to that of the head and helps late in training; the paper takes it
    for a regulariser, because it works better with batch norm. The 5x5 covers all that the pool leaves of a 17x17
    grid: it is a fully connected layer, and its batch norm is what Table 3 calls BN-auxiliary.
    """

    def __init__(self, channels: int, num_classes: int, w: Scaler):
        logits = Branch(
            AvgPool_1a_5x5=nn.AvgPool2d(kernel_size=5, stride=3),  # 5x5
            Conv2d_1b_1x1=ConvUnit(channels, w(128), 1),
            Conv2d_2a_5x5=ConvUnit(w(128), w(768), 5, padding="valid"),  # 1x1
            AvgPool_2b=nn.AdaptiveAvgPool2d(1),  # larger pictures leave more than one cell
            Flatten=nn.Flatten(),
        )
        if num_classes:
            logits.add_module("Logits", nn.Linear(w(768), num_classes))
        super().__init__("Auxiliary head (training only)", AuxLogits=logits)


def widths_a(count: int) -> list[int]:
    """`pool_channels` of that many Inception-A blocks: 32 in the first, 64 in the others."""
    return [32] + [64] * (count - 1)


def widths_b(count: int) -> list[int]:
    """`channels_7x7` of that many Inception-B blocks: 128 in the first, 192 in the last, 160 in those between.

    The released four have 128, 160, 160 and 192. A single block is the last one.
    """
    return [192] if count == 1 else [128] + [160] * (count - 2) + [192]


def widening_stage(
    title: str,
    grid: int,
    make_block: Callable[[int, int, Scaler], Parallel],
    widths: Sequence[int],
    in_channels: int,
    w: Scaler,
) -> Stage:
    """A stage of blocks of one kind that differ in one width. `make_block` gets input channels, width and `w`."""
    remaining = iter(widths)
    names = mixed_names(grid, len(widths))
    return block_stage(title, names, lambda channels: make_block(channels, next(remaining), w), in_channels)


# What timm and torchvision call the layers of a block, by stage: its blocks, then our layer -> theirs.
_BLOCKS = {
    "inception_a": (
        mixed_names(5, MOST_REPEATS),
        {
            "Branch_0.Conv2d_0a_1x1": "branch1x1",
            "Branch_1.Conv2d_0a_1x1": "branch5x5_1",
            "Branch_1.Conv2d_0b_5x5": "branch5x5_2",
            "Branch_2.Conv2d_0a_1x1": "branch3x3dbl_1",
            "Branch_2.Conv2d_0b_3x3": "branch3x3dbl_2",
            "Branch_2.Conv2d_0c_3x3": "branch3x3dbl_3",
            "Branch_3.Conv2d_0b_1x1": "branch_pool",
        },
    ),
    "reduction_a": (
        ["Mixed_6a"],
        {
            "Branch_0.Conv2d_1a_3x3": "branch3x3",
            "Branch_1.Conv2d_0a_1x1": "branch3x3dbl_1",
            "Branch_1.Conv2d_0b_3x3": "branch3x3dbl_2",
            "Branch_1.Conv2d_1a_3x3": "branch3x3dbl_3",
        },
    ),
    "inception_b": (
        mixed_names(6, MOST_REPEATS),
        {
            "Branch_0.Conv2d_0a_1x1": "branch1x1",
            "Branch_1.Conv2d_0a_1x1": "branch7x7_1",
            "Branch_1.Conv2d_0b_1x7": "branch7x7_2",
            "Branch_1.Conv2d_0c_7x1": "branch7x7_3",
            "Branch_2.Conv2d_0a_1x1": "branch7x7dbl_1",
            "Branch_2.Conv2d_0b_7x1": "branch7x7dbl_2",
            "Branch_2.Conv2d_0c_1x7": "branch7x7dbl_3",
            "Branch_2.Conv2d_0d_7x1": "branch7x7dbl_4",
            "Branch_2.Conv2d_0e_1x7": "branch7x7dbl_5",
            "Branch_3.Conv2d_0b_1x1": "branch_pool",
        },
    ),
    "reduction_b": (
        ["Mixed_7a"],
        {
            "Branch_0.Conv2d_0a_1x1": "branch3x3_1",
            "Branch_0.Conv2d_1a_3x3": "branch3x3_2",
            "Branch_1.Conv2d_0a_1x1": "branch7x7x3_1",
            "Branch_1.Conv2d_0b_1x7": "branch7x7x3_2",
            "Branch_1.Conv2d_0c_7x1": "branch7x7x3_3",
            "Branch_1.Conv2d_1a_3x3": "branch7x7x3_4",
        },
    ),
    "inception_c": (
        mixed_names(7, MOST_REPEATS),
        {
            "Branch_0.Conv2d_0a_1x1": "branch1x1",
            "Branch_1.Conv2d_0a_1x1": "branch3x3_1",
            "Branch_1.fork.Conv2d_0b_1x3": "branch3x3_2a",
            "Branch_1.fork.Conv2d_0c_3x1": "branch3x3_2b",
            "Branch_2.Conv2d_0a_1x1": "branch3x3dbl_1",
            "Branch_2.Conv2d_0b_3x3": "branch3x3dbl_2",
            "Branch_2.fork.Conv2d_0c_1x3": "branch3x3dbl_3a",
            "Branch_2.fork.Conv2d_0d_3x1": "branch3x3dbl_3b",
            "Branch_3.Conv2d_0b_1x1": "branch_pool",
        },
    ),
}
_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")

# Paths of our modules with weights, and of the same modules in timm's and torchvision's inception_v3.
NAMES: dict[str, str] = {
    **{f"stem.{layer}": layer for layer in _STEM},
    **{
        f"{stage}.{block}.{ours}": f"{block}.{theirs}"
        for stage, (blocks, layers) in _BLOCKS.items()
        for block in blocks
        for ours, theirs in layers.items()
    },
    "head.Logits.Logits": "fc",
    "auxiliary_head.AuxLogits.Conv2d_1b_1x1": "AuxLogits.conv0",
    "auxiliary_head.AuxLogits.Conv2d_2a_5x5": "AuxLogits.conv1",
    "auxiliary_head.AuxLogits.Logits": "AuxLogits.fc",
}

NAMES_OF_CADENE = {"head.Logits.Logits": "last_linear"}

TENSORFLOW_NAMES = TensorFlowNames(
    scope="InceptionV3",
    slim={  # slips and exceptions that stand in the published checkpoint
        "inception_a.Mixed_5c.Branch_1.Conv2d_0a_1x1": "InceptionV3/Mixed_5c/Branch_1/Conv2d_0b_1x1",
        "inception_a.Mixed_5c.Branch_1.Conv2d_0b_5x5": "InceptionV3/Mixed_5c/Branch_1/Conv_1_0c_5x5",
        "reduction_a.Mixed_6a.Branch_0.Conv2d_1a_3x3": "InceptionV3/Mixed_6a/Branch_0/Conv2d_1a_1x1",
        "reduction_a.Mixed_6a.Branch_1.Conv2d_1a_3x3": "InceptionV3/Mixed_6a/Branch_1/Conv2d_1a_1x1",
        "inception_c.Mixed_7b.Branch_1.fork.Conv2d_0c_3x1": "InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1",
        "head.Logits.Logits": "InceptionV3/Logits/Conv2d_1c_1x1",
        "auxiliary_head.AuxLogits.Logits": "InceptionV3/AuxLogits/Conv2d_2b_1x1",
    },
    keras={"head.Logits.Logits": "predictions"},
    differs=N_(
        "TensorFlow leaves the zeros at the border out of the mean of its average pools, and this network counts "
        "them, as timm and torchvision do, so answers differ slightly from TensorFlow's."
    ),
)


class InceptionV3(Network):
    """Inception-v3 (Table 1, as released): (N, in_chans, H, W) to logits (N, num_classes), H and W at least 75 px.

    num_classes: 0 gives the pooled features (N, 2048).
    in_chans: channels of the picture.
    width: multiplies every channel count but the picture's and the classes'.
    repeats: how many Inception-A, -B and -C blocks; None takes the released network's.
    aux_logits: adds the auxiliary head. In training the answer is then a pair, the logits and the auxiliary head's,
    both (N, num_classes), and H and W are at least 299 px; in eval mode nothing changes. Without classes the second
    is what that head pools, (N, 768).
    """

    names = NAMES
    may_lack = ("auxiliary_head",)  # published files may hold the head that only training needs
    names_of_cadene = NAMES_OF_CADENE
    tensorflow = TENSORFLOW_NAMES

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        width: float = 1.0,
        repeats: Repeats | None = None,
        aux_logits: bool = False,
    ):
        super().__init__()
        check_count("num_classes", num_classes, 0)
        check_count("in_chans", in_chans, 1)
        if not isinstance(aux_logits, bool):
            raise InputError(_("aux_logits must be True or False, not {value!r}").format(value=aux_logits))
        self.in_chans, self.num_classes = in_chans, num_classes
        w = channel_scaler(width)
        a, b, c = check_repeats(REPEATS if repeats is None else repeats)

        self.stem = StemV3(in_chans, w)
        self.inception_a = widening_stage("Inception-A", 5, InceptionV3A, widths_a(a), self.stem.out_channels, w)
        self.reduction_a = block_stage(
            "Reduction-A", ["Mixed_6a"], lambda channels: ReductionV3A(channels, w), self.inception_a.out_channels
        )
        self.inception_b = widening_stage("Inception-B", 6, InceptionV3B, widths_b(b), self.reduction_a.out_channels, w)
        self.reduction_b = block_stage(
            "Reduction-B", ["Mixed_7a"], lambda channels: ReductionV3B(channels, w), self.inception_b.out_channels
        )
        self.inception_c = block_stage(
            "Inception-C", mixed_names(7, c), lambda channels: InceptionV3C(channels, w), self.reduction_b.out_channels
        )
        self.num_features = self.head_hidden_size = self.inception_c.out_channels
        self.head = HeadV3(self.num_features, num_classes)
        self.auxiliary_head = AuxiliaryHeadV3(self.inception_b.out_channels, num_classes, w) if aux_logits else None
        self.auxiliary_features = w(768)  # what the classifier of the auxiliary head reads

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        if self.auxiliary_head is None or not self.training:
            logits: Tensor = self.head(self.forward_features(x))
            return logits
        grids = self.features(x, ["inception_b", "inception_c"])
        return self.head(grids["inception_c"]), self.auxiliary_head(grids["inception_b"])

    def reset_classifier(self, num_classes: int) -> None:
        """As `Network.reset_classifier`; the auxiliary head gets a new classifier, too."""
        super().reset_classifier(num_classes)
        if self.auxiliary_head is not None:
            self.set_classifier("auxiliary_head.AuxLogits.Logits", self.auxiliary_features, num_classes)
