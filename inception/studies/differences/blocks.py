"""Differences about blocks and residual sums."""

from dataclasses import replace

from torch import nn

from ...graph.op import Op
from ...models.layers import ConvUnit
from ...words import _
from ...zoo import KERAS_BLOG_V2
from ..factorize import FACTORISED, SEPARABLE, Setting, calculate
from .claim import Cost, Difference, Place, Said
from .measures import (
    BLOG_NAME,
    FACE_NAME,
    LAST_FIELD,
    PAPER_NAME,
    RELEASED_REPEATS,
    RELEASED_STEM,
    V1,
    V2,
    V4,
    block,
    block_counts,
    block_grids,
    block_scales,
    each,
    field_at,
    figures_and_released,
    last_conv,
    layer_at,
    macs_of,
    net,
    params_of,
    parts_of,
    piece,
    some,
    whole,
)
from .sources import (
    FACE_TABLE,
    FACENET,
    FACENET_PYTORCH,
    FACENET_TEXT,
    ISSUE_3313,
    ISSUE_7041,
    KERAS,
    KERAS_TEXT,
    PAPER,
    PAPER_V3,
    PYTORCH_TEXT,
    TF_SLIM,
    TIMM,
)


def about_blocks() -> list[Difference]:
    return [
        repeats(),
        claim_1x7_in_block_c(),
        inception_b_order(),
        bias_under_batch_norm(),
        separable(),
    ]


def repeats() -> Difference:
    blog = net(BLOG_NAME)
    few = net(RELEASED_STEM)
    many = net(RELEASED_REPEATS)
    return Difference(
        id="repeats",
        topic="blocks",
        verdict="differs",
        claim=_("Inception-ResNet-v2 has {blocks} residual blocks.").format(blocks=block_counts(few)),
        said_by=(Said(PAPER, _("Fig. 15")),),
        truth=_(
            "The released network has {released}. The Keras tutorial takes {tutorial} too, though with the "
            "paper's stem and channels. The costs are of the released network without Conv2d_7b."
        ).format(released=block_counts(many), tutorial=block_counts(blog)),
        costs=(
            Cost(_("blocks"), block_counts(few), block_counts(many), figures_and_released()),
            *whole(few, many, figures_and_released()),
        ),
        where=(
            Place(V2, "inception_resnet_a.Block35_10.residual_sum"),
            Place(PAPER_NAME, "inception_resnet_a.Block35_5.residual_sum"),
        ),
        references=(TF_SLIM, TIMM, KERAS, KERAS_TEXT),
    )


def claim_1x7_in_block_c() -> Difference:
    blog = net(BLOG_NAME)
    released = net(V2)
    c_grids = [int(block_grids(graph).split("/")[-1]) for graph in (released, net(FACE_NAME))]

    def on_zeros(length: int, cells: int) -> float:
        """The share of a SAME window of `length` that lies outside a row of `cells`, over all its positions."""
        reached = [i + j - length // 2 for i in range(cells) for j in range(length)]
        return sum(not 0 <= cell < cells for cell in reached) / len(reached)

    return Difference(
        id="1x7-in-block-c",
        topic="blocks",
        verdict="wrong",
        claim=_("Inception-ResNet-C looks through 1x7 and 7x1."),
        said_by=(Said(KERAS_TEXT, _("code")),),
        truth=_(
            "Through 1x3 and 3x1 (Fig. 19). On so small a grid a long window looks past the edge: of 7 cells, "
            "{at_299:.0%} lie on zeros at 299 px and {at_160:.0%} at 160 px."
        ).format(at_299=on_zeros(7, c_grids[0]), at_160=on_zeros(7, c_grids[1])),
        costs=(
            *whole(blog, net(replace(KERAS_BLOG_V2, block_c_kernel=3))),
            each(_("share of the window on zeros, 299 px"), lambda length: on_zeros(length, c_grids[0]), (7, 3)),
            each(_("share of the window on zeros, 160 px"), lambda length: on_zeros(length, c_grids[1]), (7, 3)),
        ),
        where=(
            Place(BLOG_NAME, "inception_resnet_c.Block8_1.Branch_1.Conv2d_0b_1x7"),
            Place(V2, "inception_resnet_c.Block8_1.Branch_1.Conv2d_0b_1x3"),
        ),
        references=(PAPER, TF_SLIM),
    )


def inception_b_order() -> Difference:
    b = [layer_at(net(V4), f"inception_b.Mixed_6b.Branch_1.{name}") for name in ("Conv2d_0b_1x7", "Conv2d_0c_7x1")]
    widths = [b[0].in_shapes[0][0], *(layer.out_shape[0] for layer in b)]
    flat = piece(
        lambda: nn.Sequential(ConvUnit(widths[0], widths[1], (1, 7)), ConvUnit(widths[1], widths[2], (1, 7))),
        b[0].in_shapes[0],
    )
    crossed = piece(
        lambda: nn.Sequential(ConvUnit(widths[0], widths[1], (1, 7)), ConvUnit(widths[1], widths[2], (7, 1))),
        b[0].in_shapes[0],
    )
    return Difference(
        id="inception-b-order",
        topic="blocks",
        verdict="wrong",
        claim=_("The middle branch of Inception-B has 1x7 twice, the long one begins with 1x7."),
        said_by=(Said(PAPER, _("Fig. 5")),),
        truth=_(
            "The code has 1x7 and 7x1 in the middle branch, and 7x1 first in the long one. Two 1x7 in a row cost "
            "the same and never look up or down; the costs are of that pair, the window is in cells."
        ),
        costs=(
            each(_("window"), lambda graph: field_at(graph, graph.layers[-1]), (flat, crossed)),
            *some(flat.layers, crossed.layers),
        ),
        where=(Place(V4, b[1].path), Place(V4, "inception_b.Mixed_6b.Branch_2.Conv2d_0b_7x1")),
        references=(TF_SLIM, TIMM, ISSUE_3313, ISSUE_7041),
    )


def bias_under_batch_norm() -> Difference:
    blog = net(BLOG_NAME)
    biases = sum(part.params - part.weights for part in parts_of(blog.layers, Op.CONV))
    return Difference(
        id="bias-under-batch-norm",
        topic="blocks",
        verdict="wrong",
        claim=_("A convolution before a batch norm needs a bias."),
        said_by=(Said(KERAS_TEXT, _("code: Conv2D with its default use_bias")),),
        truth=_(
            "Batch norm subtracts the mean and with it any bias. TF-Slim, timm and Keras Applications leave it out."
        ),
        costs=(Cost(_("parameters"), blog.params, blog.params - biases), Cost(_("MACs"), blog.macs, blog.macs)),
        where=(Place(BLOG_NAME, "stem.Conv2d_1a_3x3"), Place(V2, "stem.Conv2d_1a_3x3")),
        references=(TF_SLIM, TIMM, KERAS),
    )


def separable() -> Difference:
    options = {option.name: option.graph for option in calculate(Setting())}
    return Difference(
        id="separable",
        topic="blocks",
        verdict="differs",
        claim=_("7x1 after 1x7 is a separable convolution."),
        said_by=(Said(KERAS_TEXT, _("text: spatial separable convolution")),),
        truth=_(
            "Each half has weights of its own between all channels, and in these networks batch norm and ReLU "
            "stand between the halves. So the pair is not a 7x7 kernel taken apart; Inception-v3's paper calls it "
            "factorised. What frameworks call separable first filters each channel on its own. The costs are on "
            "256 channels and a 64x64 grid, both with biases."
        ),
        costs=some(options[SEPARABLE].layers, options[FACTORISED].layers, (_(SEPARABLE), _(FACTORISED))),
        where=(
            Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0b_1x7"),
            Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0c_7x1"),
        ),
        references=(PAPER_V3,),
    )


def about_residual() -> list[Difference]:
    return [
        linear_1x1(),
        residual_scale(),
        last_block(),
    ]


def linear_1x1() -> Difference:
    blog = net(BLOG_NAME)
    normed = [layer for layer in blog.layers if layer.layer == "Conv2d_1x1" and not layer.branch]
    norms = sum(part.params for part in parts_of(normed, Op.BATCH_NORM))
    return Difference(
        id="linear-1x1",
        topic="residual",
        verdict="wrong",
        claim=_("Batch norm and ReLU follow the 1x1 before the residual sum."),
        said_by=(Said(KERAS_TEXT, _("code")),),
        truth=_(
            "The paper has it without activation (section 3.2), TF-Slim with a bias and neither batch norm nor "
            "ReLU. After a ReLU no residual is negative, and the sums can only grow from block to block."
        ),
        costs=(Cost(_("parameters"), blog.params, blog.params - norms), Cost(_("MACs"), blog.macs, blog.macs)),
        where=(
            Place(BLOG_NAME, "inception_resnet_a.Block35_1.Conv2d_1x1"),
            Place(V2, "inception_resnet_a.Block35_1.Conv2d_1x1"),
        ),
        references=(PAPER, TF_SLIM, PYTORCH_TEXT),
    )


def residual_scale() -> Difference:
    blog = net(BLOG_NAME)
    released = net(V2)
    blog_sum = layer_at(blog, "inception_resnet_a.Block35_1.residual_sum")
    return Difference(
        id="residual-scale",
        topic="residual",
        verdict="wrong",
        claim=_("The residual is added as it is."),
        said_by=(Said(KERAS_TEXT, _("code")), Said(PYTORCH_TEXT, _("scale=1.0 by default, and no call shown"))),
        truth=_(
            "The paper scales it by 0.1 to 0.3 (section 3.3), TF-Slim by {scales} in the A, B and C blocks. A "
            "factor costs no parameter and no MAC."
        ).format(scales=block_scales(released)),
        costs=(
            Cost(_("scale in A/B/C"), block_scales(blog), block_scales(released)),
            Cost(_("parameters of a sum"), None, blog_sum.params),
            Cost(_("MACs of a sum"), None, blog_sum.macs),
        ),
        where=(
            Place(BLOG_NAME, blog_sum.path),
            Place(V2, "inception_resnet_a.Block35_1.residual_sum"),
        ),
        references=(PAPER, TF_SLIM),
        unchecked=_("That very wide networks 'die' without the scale shows only in training."),
    )


def last_block() -> Difference:
    v1 = net(V1)
    extra = block(v1, "Block8")
    before = block(v1, "Block8_5")
    scales = [parts_of(layers, Op.RESIDUAL_SUM)[0].scale or 0.0 for layers in (before, extra)]
    five_and_six = (_("with five blocks"), _("with six"))
    return Difference(
        id="last-block",
        topic="residual",
        verdict="differs",
        claim=_("FaceNet adds one more Inception-ResNet-C, without ReLU."),
        said_by=(
            Said(FACENET_TEXT, _("text and code")),
            Said(FACE_TABLE, _("10 blocks, no activate at last")),
        ),
        truth=_(
            "So it does, and its scale is {last:g} instead of {before:g}, which the text does not say. The "
            "released v2 makes its tenth block the same way. In the paper a ReLU follows every sum and v1 has "
            "five blocks. The costs are FaceNet's, at 160 px."
        ).format(last=scales[1], before=scales[0]),
        costs=(
            Cost(_("scale of the last sum"), scales[0], scales[1], five_and_six),
            Cost(_("parameters"), v1.params - params_of(extra), v1.params, five_and_six),
            Cost(_("MACs"), v1.macs - macs_of(extra), v1.macs, five_and_six),
            each(_(LAST_FIELD), lambda layers: field_at(v1, last_conv(layers)), (before, extra), five_and_six),
        ),
        where=(
            Place(V1, "inception_resnet_c.Block8.residual_sum"),
            Place(V1, "inception_resnet_c.Block8_5.residual_sum"),
            Place(V2, "inception_resnet_c.Block8.residual_sum"),
        ),
        references=(FACENET, FACENET_PYTORCH, TF_SLIM, PAPER),
    )
