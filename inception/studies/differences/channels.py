"""Differences about channel counts."""

from collections.abc import Sequence

from ...graph.layer import Layer
from ...models.inception_resnet import INCEPTION_RESNET_V1, INCEPTION_RESNET_V2, linear_1x1
from ...models.inception_v4 import ReductionA
from ...models.layers import channel_scaler
from ...words import _
from .claim import Cost, Difference, Place, Said
from .measures import (
    FACE_NAME,
    PAPER_NAME,
    RELEASED_STEM,
    V1,
    V2,
    V4,
    block,
    block_channels,
    layer_at,
    net,
    piece,
    some,
    stage,
    whole,
)
from .sources import FACE_TABLE, FACENET, FACENET_TEXT, ISSUE_634, KERAS_TEXT, PAPER, PYTORCH_TEXT, TF_SLIM, TIMM


def about_channels() -> list[Difference]:
    return [
        channels_1154(),
        channels_2048(),
        channels_of_the_blocks(),
        channels_of_fig_15(),
        channels_1024(),
        block35_is_v2(),
        reduction_a_same(),
        reduction_a_klmn(),
        upsampling(),
    ]


def channels_1154() -> Difference:
    paper = net(PAPER_NAME)
    mixed_6a = layer_at(paper, "reduction_a.Mixed_6a.concat")
    up_b = layer_at(paper, "inception_resnet_b.Block17_1.Conv2d_1x1")

    return Difference(
        id="channels-1154",
        topic="channels",
        verdict="wrong",
        claim=_("The 1x1 before the sum of Inception-ResNet-B gives 1154 channels."),
        said_by=(Said(PAPER, _("Fig. 17: 1x1 Conv (1154 Linear)")),),
        truth=_(
            "It must give as many as it is added to, and Reduction-A concatenates {sum}. Parameters and MACs are "
            "those of one such 1x1."
        ).format(sum=sum_text(mixed_6a)),
        costs=(
            Cost(_("output"), (1154, *mixed_6a.out_shape[1:]), mixed_6a.out_shape),
            *some(widened(up_b, 1154), [up_b])[:2],
        ),
        where=(Place(PAPER_NAME, mixed_6a.path), Place(PAPER_NAME, up_b.path)),
        references=(KERAS_TEXT,),
    )


def channels_2048() -> Difference:
    paper = net(PAPER_NAME)
    mixed_7a = layer_at(paper, "reduction_b.Mixed_7a.concat")
    up_c = layer_at(paper, "inception_resnet_c.Block8_1.Conv2d_1x1")

    return Difference(
        id="channels-2048",
        topic="channels",
        verdict="wrong",
        claim=_("The 1x1 before the sum of Inception-ResNet-C gives 2048 channels."),
        said_by=(Said(PAPER, _("Fig. 19: 1x1 Conv (2048 Linear)")),),
        truth=_(
            "It must give as many as it is added to, and Reduction-B concatenates {sum}. Parameters and MACs are "
            "those of one such 1x1."
        ).format(sum=sum_text(mixed_7a)),
        costs=(
            Cost(_("output"), (2048, *mixed_7a.out_shape[1:]), mixed_7a.out_shape),
            *some(widened(up_c, 2048), [up_c])[:2],
        ),
        where=(Place(PAPER_NAME, mixed_7a.path), Place(PAPER_NAME, up_c.path)),
        references=(KERAS_TEXT,),
    )


def channels_of_the_blocks() -> Difference:
    paper = net(PAPER_NAME)
    released = net(V2)
    stems = (_("with the paper's stem"), _("with the released stem"))
    return Difference(
        id="channels-of-the-blocks",
        topic="channels",
        verdict="differs",
        claim=_("The residual blocks work on {channels} channels.").format(channels=block_channels(paper)),
        said_by=(Said(PAPER, _("Fig. 3, 7, 16 and 18, as far as they add up")), Said(KERAS_TEXT, _("code"))),
        truth=_(
            "In the released network on {channels}: its stem and Mixed_5b hand over {handed_over}, and both "
            "reductions carry that on through their max pools. The costs are of the paper's network with the "
            "released stem and nothing else changed."
        ).format(channels=block_channels(released), handed_over=stage(released, "Inception-A")[-1].out_shape[0]),
        costs=(
            Cost(_("channels"), block_channels(paper), block_channels(net(RELEASED_STEM)), stems),
            *whole(paper, net(RELEASED_STEM), stems),
        ),
        where=(Place(V2, "reduction_a.Mixed_6a.concat"), Place(PAPER_NAME, "reduction_a.Mixed_6a.concat")),
        references=(TF_SLIM, TIMM),
    )


def channels_of_fig_15() -> Difference:
    paper = net(PAPER_NAME)
    v1 = net(V1, 299)
    return Difference(
        id="channels-of-fig-15",
        topic="channels",
        verdict="differs",
        claim=_("The output sizes printed beside the schema are those of both Inception-ResNets."),
        said_by=(Said(PAPER, _("Fig. 15")),),
        truth=_("They are v1's, as the caption says."),
        costs=tuple(
            Cost(
                _("output of {stage}").format(stage=of_v1[0].stage),
                of_v1[-1].out_shape,
                of_v2[-1].out_shape,
                (_("in v1"), _("in v2")),
            )
            for of_v1, of_v2 in (
                (stage(v1, title), stage(paper, title)) for title in ("Stem", "Reduction-A", "Reduction-B")
            )
        ),
        where=(Place(V1, "reduction_b.Mixed_7a.concat"), Place(PAPER_NAME, "reduction_b.Mixed_7a.concat")),
    )


def channels_1024() -> Difference:
    released = net(V2)

    return Difference(
        id="channels-1024",
        topic="channels",
        verdict="wrong",
        claim=_("Reduction-A of Inception-ResNet-v2 ends on 1024 channels."),
        said_by=(Said(TF_SLIM, _("comment in the code until it was corrected")), Said(FACENET, _("same comment"))),
        truth=_("The code gives {sum}; {v4:,} is Inception-v4's number.").format(
            sum=sum_text(layer_at(released, "reduction_a.Mixed_6a.concat")),
            v4=layer_at(net(V4), "reduction_a.Mixed_6a.concat").out_shape[0],
        ),
        costs=(Cost(_("channels of Mixed_6a"), 1024, layer_at(released, "reduction_a.Mixed_6a.concat").out_shape[0]),),
        where=(Place(V2, "reduction_a.Mixed_6a.concat"), Place(V4, "reduction_a.Mixed_6a.concat")),
        references=(ISSUE_634,),
    )


def block35_is_v2() -> Difference:
    released = net(V2)
    v1 = net(V1, 299)
    return Difference(
        id="block35-is-v2",
        topic="channels",
        verdict="wrong",
        claim=_("The listings of Block35, Block17 and Block8 are the blocks of Inception-ResNet-v1."),
        said_by=(Said(PYTORCH_TEXT, _("text above the listings")),),
        truth=_(
            "They are the released v2's, on {v2} channels; v1's work on {v1} and are thinner. The costs are of "
            "one Block35."
        ).format(v2=block_channels(released), v1=block_channels(v1)),
        costs=some(block(released, "Block35_1"), block(v1, "Block35_1"), (_("as listed"), _("in v1"))),
        where=(
            Place(V2, "inception_resnet_a.Block35_1.Conv2d_1x1"),
            Place(V1, "inception_resnet_a.Block35_1.Conv2d_1x1"),
        ),
        references=(TIMM, FACENET),
    )


def reduction_a_same() -> Difference:
    w = channel_scaler(1.0)
    v1 = net(V1, 299)
    v1_6a = {layer.layer if layer.branch != "Branch_0" else "n": layer for layer in block(v1, "Mixed_6a")}
    a_of_v1, a_of_v2 = (
        piece(lambda plan=plan: ReductionA(256, plan.klmn, w), v1_6a["n"].in_shapes[0])  # type: ignore[misc]
        for plan in (INCEPTION_RESNET_V1, INCEPTION_RESNET_V2)
    )
    return Difference(
        id="reduction-a-same",
        topic="channels",
        verdict="wrong",
        claim=_("Reduction-A is the same in Inception-ResNet-v1 and -v2."),
        said_by=(Said(FACENET_TEXT, _("text")),),
        truth=_(
            "The drawing is (Fig. 7), the filters are not: k, l, m, n are {v1} in v1 and {v2} in v2 (Table 1). "
            "The costs are on v1's input."
        ).format(v1=", ".join(map(str, INCEPTION_RESNET_V1.klmn)), v2=", ".join(map(str, INCEPTION_RESNET_V2.klmn))),
        costs=some(a_of_v1.layers, a_of_v2.layers, (_("with v1's filters"), _("with v2's"))),
        where=(Place(V1, "reduction_a.Mixed_6a.concat"), Place(V2, "reduction_a.Mixed_6a.concat")),
        references=(PAPER,),
    )


def reduction_a_klmn() -> Difference:
    v1 = net(V1, 299)
    v1_6a = {layer.layer if layer.branch != "Branch_0" else "n": layer for layer in block(v1, "Mixed_6a")}
    klmn = [v1_6a[name].out_shape[0] for name in ("Conv2d_0a_1x1", "Conv2d_0b_3x3", "Conv2d_1a_3x3", "n")]

    return Difference(
        id="reduction-a-klmn",
        topic="channels",
        verdict="right",
        claim=_("With k, l, m, n = 192, 192, 256, 384, Reduction-A of v1 turns 256 into 896 channels."),
        said_by=(Said(FACENET_TEXT, _("text and code")),),
        truth=_(
            "k, l and m are the long branch in order of execution; n, though last, is the single convolution "
            "beside it: {sum}."
        ).format(sum=sum_text(layer_at(v1, "reduction_a.Mixed_6a.concat"))),
        costs=(
            Cost("k, l, m, n", "192, 192, 256, 384", ", ".join(map(str, klmn))),
            Cost(_("output"), (896, 17, 17), layer_at(v1, "reduction_a.Mixed_6a.concat").out_shape),
        ),
        where=(Place(V1, v1_6a["n"].path), Place(V1, "reduction_a.Mixed_6a.concat")),
    )


def upsampling() -> Difference:
    conv_3b = layer_at(net(FACE_NAME), "stem.Conv2d_3b_1x1")
    return Difference(
        id="upsampling",
        topic="channels",
        verdict="wrong",
        claim=_("Conv2d_3b_1x1 is an upsampling."),
        said_by=(Said(FACE_TABLE, _("last column")),),
        truth=_("A 1x1 convolution of stride 1 keeps the grid; what grows is the number of channels."),
        costs=(
            Cost(_("rows x columns before"), None, conv_3b.in_shapes[0][1:]),
            Cost(_("rows x columns after"), None, conv_3b.out_shape[1:]),
            Cost(_("channels before"), None, conv_3b.in_shapes[0][0]),
            Cost(_("channels after"), 80, conv_3b.out_shape[0]),
        ),
        where=(Place(FACE_NAME, conv_3b.path),),
    )


def widened(layer: Layer, channels: int) -> Sequence[Layer]:
    """A linear 1x1 on the input of `layer`, with another number of output channels."""
    shape = layer.in_shapes[0]
    return piece(lambda: linear_1x1(shape[0], channels, 1), shape).layers


def sum_text(layer: Layer) -> str:
    """384 + 384 + 384 = 1,152."""
    return f"{' + '.join(str(shape[0]) for shape in layer.in_shapes)} = {layer.out_shape[0]:,}"
