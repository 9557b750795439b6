"""Differences about the stem."""

from collections.abc import Sequence

from torch import nn

from ...graph.layer import Layer
from ...graph.op import Op
from ...graph.window import Pair
from ...models.inception_v4 import StemV4
from ...models.layers import ConvUnit, channel_scaler
from ...text import shape_text
from ...words import _
from .claim import Cost, Difference, Place, Said
from .measures import (
    PAPER_NAME,
    V1,
    V2,
    V4,
    figures_and_released,
    layer_at,
    macs_of,
    net,
    norm_channels,
    params_of,
    piece,
    some,
    stage,
    window_at,
)
from .sources import (
    FACENET,
    FACENET_TEXT,
    ISSUE_7041,
    KERAS,
    KERAS_TEXT,
    PAPER,
    PYTORCH_TEXT,
    SLIM_CONV2D,
    SLIM_TEXT,
    TF_SLIM,
    TIMM,
)


def about_stem() -> list[Difference]:
    return [
        v2_stem(),
        v2_stem_listing(),
        v1_stem_is_v3(),
        v1_stem_listing(),
        v1_stem_parallel(),
        stem_five_convolutions(),
        stem_last_stride(),
        stem_order_of_7x1(),
        stem_without_batch_norm(),
    ]


def v2_stem() -> Difference:
    v4 = net(V4)
    v2 = net(V2)
    v4_stem = stage(v4, "Stem")
    v2_stem = stage(v2, "Stem")
    return Difference(
        id="v2-stem",
        topic="stem",
        verdict="differs",
        claim=_("Inception-ResNet-v2 begins with Inception-v4's stem, not with Inception-v3's plain convolutions."),
        said_by=(
            Said(PAPER, _("Fig. 15 and 3")),
            Said(KERAS_TEXT, _("text and code")),
            Said(PYTORCH_TEXT, _("text")),
            Said(SLIM_TEXT, _("one stem for both")),
            Said(FACENET_TEXT, _("text")),
        ),
        truth=_(
            "The released network keeps exactly Inception-v3's row of layers, which ends on {narrow} channels; "
            "one Inception block, Mixed_5b, widens them to {wide}. The costs are of all layers before the first "
            "residual block."
        ).format(narrow=v2_stem[-1].out_shape[0], wide=stage(v2, "Inception-A")[-1].out_shape[0]),
        costs=some(v4_stem, stage(v2, "Stem", "Inception-A"), figures_and_released()),
        where=(Place(V2, "inception_a.Mixed_5b.concat"), Place(PAPER_NAME, "stem.Mixed_5a.concat")),
        references=(TF_SLIM, TIMM, KERAS),
    )


def v2_stem_listing() -> Difference:
    v4 = net(V4)
    v2 = net(V2)
    v4_stem = stage(v4, "Stem")
    v2_stem = stage(v2, "Stem")
    return Difference(
        id="v2-stem-listing",
        topic="stem",
        verdict="wrong",
        claim=_("A listing headed 'Inception-ResNet-v2 inception v4 Stem' shows Inception-v4's stem."),
        said_by=(Said(PYTORCH_TEXT, _("last listing")),),
        truth=_(
            "It shows the released network's, which shares only its first three layers with Inception-v4's. The "
            "same post's Block35 takes {block} channels: neither Inception-v4's {v4} nor the listing's {listed}, "
            "but those of Mixed_5b, which the post leaves out."
        ).format(
            block=stage(v2, "Inception-ResNet-A")[-1].out_shape[0],
            v4=v4_stem[-1].out_shape[0],
            listed=v2_stem[-1].out_shape[0],
        ),
        costs=some(v4_stem, v2_stem),
        where=(Place(V2, "stem.MaxPool_5a_3x3"), Place(V4, "stem.Mixed_5a.concat")),
        references=(TIMM,),
    )


def v1_stem_is_v3() -> Difference:
    v2 = net(V2)
    v1 = net(V1, 299)
    v2_stem = stage(v2, "Stem")
    v1_stem = stage(v1, "Stem")
    return Difference(
        id="v1-stem-is-v3",
        topic="stem",
        verdict="wrong",
        claim=_("Inception-ResNet-v1 begins with Inception-v3's stem."),
        said_by=(Said(FACENET_TEXT, _("text")), Said(PYTORCH_TEXT, _("text"))),
        truth=_(
            "All but the last layer agree. Inception-v3, like the released v2, ends in a max pool on {v3} "
            "channels; v1 ends in a 3x3 convolution of stride 2 to {v1} (Fig. 14)."
        ).format(v3=v2_stem[-1].out_shape[0], v1=v1_stem[-1].out_shape[0]),
        costs=some(v2_stem, v1_stem),
        where=(Place(V1, "stem.Conv2d_4b_3x3"), Place(V2, "stem.MaxPool_5a_3x3")),
        references=(PAPER, TF_SLIM, FACENET),
    )


def v1_stem_listing() -> Difference:
    v1 = net(V1, 299)
    v1_stem = stage(v1, "Stem")
    listed = piece(
        lambda: nn.Sequential(
            ConvUnit(3, 32, 3, stride=2, padding="valid"),
            ConvUnit(32, 32, 3, padding="valid"),
            ConvUnit(32, 64, 3),
            ConvUnit(64, 80, 1),
            ConvUnit(80, 192, 3, padding="valid"),
        ),
        v1.input_shape,
    )
    return Difference(
        id="v1-stem-listing",
        topic="stem",
        verdict="wrong",
        claim=_("The stem of Inception-ResNet-v1 consists of five convolutions."),
        said_by=(Said(PYTORCH_TEXT, _("last listing")),),
        truth=_(
            "It has six and a max pool. The five alone would hand the blocks a grid of {listed} instead of {real}."
        ).format(listed=shape_text(listed.output_shape[1:]), real=shape_text(v1_stem[-1].out_shape[1:])),
        costs=some(listed.layers, v1_stem),
        where=(Place(V1, "stem.MaxPool_3a_3x3"), Place(V1, "stem.Conv2d_4b_3x3")),
        references=(PAPER, FACENET),
    )


def v1_stem_parallel() -> Difference:
    v4 = net(V4)
    v1 = net(V1, 299)
    v4_stem = stage(v4, "Stem")
    v1_stem = stage(v1, "Stem")

    def concats(layers: Sequence[Layer]) -> int:
        return sum(layer.op == Op.CONCAT for layer in layers)

    def uneven(layers: Sequence[Layer]) -> int:
        return sum(layer.window is not None and len(set(layer.window.kernel)) > 1 for layer in layers)

    return Difference(
        id="v1-stem-parallel",
        topic="stem",
        verdict="wrong",
        claim=_("The input part of Inception-ResNet-v1 has parallel branches and asymmetric kernels."),
        said_by=(Said(FACENET_TEXT, _("first paragraph")),),
        truth=_(
            "That is Inception-v4's stem. v1's is one row of layers with square kernels, as the same text shows "
            "further down."
        ),
        costs=(
            Cost(_("concatenations in the stem"), concats(v4_stem), concats(v1_stem)),
            Cost(_("kernels in the stem that are not square"), uneven(v4_stem), uneven(v1_stem)),
        ),
        where=(Place(V1, "stem.Conv2d_4b_3x3"), Place(V4, "stem.Mixed_4a.Branch_1.Conv2d_0b_1x7")),
        references=(PAPER, FACENET),
    )


def stem_five_convolutions() -> Difference:
    v4 = net(V4)
    v4_stem = stage(v4, "Stem")
    wide = layer_at(v4, "stem.Conv2d_2b_3x3").out_shape
    two_more = piece(lambda: nn.Sequential(ConvUnit(64, 32, 3), ConvUnit(32, 64, 3)), wide)
    return Difference(
        id="stem-five-convolutions",
        topic="stem",
        verdict="wrong",
        claim=_("Five 3x3 convolutions come before the first branching of Inception-v4's stem."),
        said_by=(Said(SLIM_TEXT, _("table in the docstring")),),
        truth=_("Three do (Fig. 3), also in the code below that table, which repeats two {grid} rows.").format(
            grid=shape_text(wide[1:])
        ),
        costs=(
            Cost(_("parameters"), params_of(v4_stem) + two_more.params, params_of(v4_stem)),
            Cost(_("MACs"), macs_of(v4_stem) + two_more.macs, macs_of(v4_stem)),
        ),
        where=(Place(V4, "stem.Conv2d_2b_3x3"),),
        references=(PAPER, TF_SLIM),
    )


def stem_last_stride() -> Difference:
    v4 = net(V4)
    strided = layer_at(v4, "stem.Mixed_5a.Branch_0.Conv2d_1a_3x3")
    last_pool = layer_at(v4, "stem.Mixed_5a.Branch_1.MaxPool_1a_3x3")
    unstrided = piece(lambda: ConvUnit(192, 192, 3, padding="valid"), strided.in_shapes[0])
    return Difference(
        id="stem-last-stride",
        topic="stem",
        verdict="wrong",
        claim=_("The last 3x3 convolution of Inception-v4's stem has stride 1."),
        said_by=(Said(PAPER, _("Fig. 3: 3x3 Conv (192 V), no stride")),),
        truth=_(
            "It has stride 2. At stride 1 its grid would be {unstrided} beside the pool's {pool}, and the two "
            "could not be concatenated."
        ).format(unstrided=shape_text(unstrided.output_shape[1:]), pool=shape_text(last_pool.out_shape[1:])),
        costs=some(unstrided.layers, [strided]),
        where=(Place(V4, strided.path),),
        references=(TF_SLIM, TIMM, ISSUE_7041),
    )


def stem_order_of_7x1() -> Difference:
    v4 = net(V4)
    long_branch = [layer_at(v4, f"stem.Mixed_4a.Branch_1.{name}") for name in ("Conv2d_0b_1x7", "Conv2d_0c_7x1")]
    swapped = piece(
        lambda: nn.Sequential(ConvUnit(64, 64, (7, 1)), ConvUnit(64, 64, (1, 7))),
        long_branch[0].in_shapes[0],
    ).layers
    by_code = (_("as drawn"), _("in the code"))
    return Difference(
        id="stem-order-of-7x1",
        topic="stem",
        verdict="differs",
        claim=_("In the long branch of Inception-v4's stem, 7x1 comes before 1x7."),
        said_by=(Said(PAPER, _("Fig. 3")), Said(SLIM_TEXT, _("table and code"))),
        truth=_(
            "In TF-Slim, timm and the Keras tutorial 1x7 comes first. Both orders cost the same and see the same "
            "window, but the weights of one do not fit the other."
        ),
        costs=(
            Cost(_("first kernel"), window_at(swapped[0]).kernel, window_at(long_branch[0]).kernel, by_code),
            *some(swapped, long_branch, by_code),
        ),
        where=(Place(V4, long_branch[0].path),),
        references=(TF_SLIM, TIMM, KERAS_TEXT),
    )


def stem_without_batch_norm() -> Difference:
    w = channel_scaler(1.0)
    v4 = net(V4)
    v4_stem = stage(v4, "Stem")
    bare = piece(lambda: StemV4(3, w, conv=conv_as_slim_alone), v4.input_shape)
    return Difference(
        id="stem-without-batch-norm",
        topic="stem",
        verdict="wrong",
        claim=_("slim.conv2d with stride and padding is all that the stem's convolutions need."),
        said_by=(Said(SLIM_TEXT, _("code")),),
        truth=_(
            "slim.conv2d has a bias and no batch norm unless normalizer_fn says so, and the code's arg_scope sets "
            "stride and padding only. Unless the caller sets a normalizer_fn, no convolution of the stem is "
            "normalised."
        ),
        costs=(
            Cost(_("channels with batch norm"), norm_channels(bare.layers), norm_channels(v4_stem)),
            *some(bare.layers, v4_stem),
        ),
        where=(Place(V4, "stem.Conv2d_1a_3x3"),),
        references=(SLIM_CONV2D, TF_SLIM),
    )


def conv_as_slim_alone(
    in_channels: int, out_channels: int, kernel_size: int | Pair, stride: int = 1, padding: str = "same"
) -> nn.Module:
    """What slim.conv2d makes without a normalizer_fn: bias and ReLU, no batch norm."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding), nn.ReLU())
