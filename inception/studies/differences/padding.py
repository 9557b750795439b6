"""Differences about padding."""

from torch import nn

from ...graph.trace import trace
from ...graph.window import Pair
from ...models.inception_v4 import StemV4
from ...models.layers import ConvUnit, channel_scaler
from ...text import shape_text
from ...words import _
from .claim import Cost, Difference, Place, Said
from .measures import FACE_NAME, V1, V2, V4, block_grids, droppers, each, layer_at, net, piece, refusal, some, stage
from .sources import FACE_TABLE, FACENET, FACENET_PYTORCH, FACENET_TEXT, KERAS, PAPER, SLIM_TEXT, TF_SLIM


def about_padding() -> list[Difference]:
    return [
        same_for_valid(),
        claim_229_for_299(),
        odd_loses_nothing(),
        smallest_input(),
        facenet_grids(),
        output_stride_comment(),
    ]


def same_for_valid() -> Difference:
    v4 = net(V4)
    same = piece(stem_with_same, (3, 299, 299))
    return Difference(
        id="same-for-valid",
        topic="padding",
        verdict="wrong",
        claim=_("The first convolution and the stem's other strided windows are SAME."),
        said_by=(Said(SLIM_TEXT, _("code")),),
        truth=_(
            "They are VALID, as the text's own table needs: SAME gives {same} where it says {valid}, and every "
            "grid after it is off."
        ).format(same=shape_text(same.layers[0].out_shape[1:]), valid=shape_text(v4.layers[0].out_shape[1:])),
        costs=(
            Cost(_("output of the first convolution"), same.layers[0].out_shape, v4.layers[0].out_shape),
            *some(same.layers, stage(v4, "Stem")),
        ),
        where=(Place(V4, "stem.Conv2d_1a_3x3"), Place(V4, "stem.Mixed_5a.concat")),
        references=(PAPER, TF_SLIM),
    )


def claim_229_for_299() -> Difference:
    v4 = net(V4)
    v4_229 = net(V4, 229)
    same_229 = piece(stem_with_same, (3, 229, 229))
    sizes = (v4_229, v4)
    by_size = (_("at 229 px"), _("at 299 px"))
    pool = "head.Logits.AvgPool_1a"
    return Difference(
        id="229-for-299",
        topic="padding",
        verdict="wrong",
        claim=_("The input is 229 x 229 pixels, and the first convolution makes 149 x 149 of it."),
        said_by=(Said(SLIM_TEXT, _("default_image_size and table")),),
        truth=_(
            "It is 299. From 229 the first convolution makes {first} (the post's SAME: {first_same}) and the stem "
            "{stem}. At 229 px {losing} layers lose a row and a column, at 299 px {losing_at_299}."
        ).format(
            first=shape_text(v4_229.layers[0].out_shape[1:]),
            first_same=shape_text(same_229.layers[0].out_shape[1:]),
            stem=shape_text(stage(v4_229, "Stem")[-1].out_shape[1:]),
            losing=len(droppers(v4_229)),
            losing_at_299=len(droppers(v4)),
        ),
        costs=(
            Cost(_("output of the first convolution at 229 px"), (32, 149, 149), v4_229.layers[0].out_shape),
            each(_("grid before the last pool"), lambda graph: layer_at(graph, pool).in_shapes[0], sizes, by_size),
            each(_("MACs"), lambda graph: graph.macs, sizes, by_size),
            each(_("layers that lose pixels"), lambda graph: len(droppers(graph)), sizes, by_size),
        ),
        where=(Place(V4, "stem.Conv2d_1a_3x3"),),
        references=(PAPER, TF_SLIM),
    )


def odd_loses_nothing() -> Difference:
    face = net(FACE_NAME)
    return Difference(
        id="odd-loses-nothing",
        topic="padding",
        verdict="right",
        claim=_("At 160 px six layers lose a row and a column; those on a 17x17 grid lose nothing, 17 being odd."),
        said_by=(Said(FACE_TABLE, _("last column")),),
        truth=_(
            "A VALID 3x3 of stride 2 loses what (n - 3) mod 2 leaves, so odd grids lose nothing and even ones a "
            "row and a column. 299 px are chosen well: no layer loses anything."
        ),
        costs=(
            Cost(_("layers that lose pixels at 160 px"), 6, len(droppers(face))),
            Cost(_("layers that lose pixels at 299 px"), None, len(droppers(net(V2)))),
        ),
        where=(
            Place(FACE_NAME, "stem.Conv2d_1a_3x3"),
            Place(FACE_NAME, "reduction_a.Mixed_6a.Branch_0.Conv2d_1a_3x3"),
            Place(FACE_NAME, "reduction_b.Mixed_7a.Branch_0.Conv2d_1a_3x3"),
        ),
    )


def smallest_input() -> Difference:
    smallest = layer_at(trace(V2, 75, repeats=(1, 1, 1)), "head.Logits.AvgPool_1a_8x8")
    return Difference(
        id="smallest-input",
        topic="padding",
        verdict="right",
        claim=_("The picture of Inception-ResNet-v2 needs at least 75 x 75 pixels."),
        said_by=(Said(KERAS, _("documentation of input_shape")),),
        truth=_("At 75 px the last pool has a grid of {grid}. At 74 px the trace says: {refusal}").format(
            grid=shape_text(smallest.in_shapes[0][1:]), refusal=refusal(V2, 74)
        ),
        costs=(Cost(_("grid before the last pool at 75 px"), None, smallest.in_shapes[0][1:]),),
        where=(Place(V2, "reduction_b.Mixed_7a.Branch_0.Conv2d_1a_3x3"), Place(V2, smallest.path)),
    )


def facenet_grids() -> Difference:
    v1 = net(V1, 299)
    small_v1 = net(V1)
    by_face = (_("at 299 px"), _("at 160 px"))
    return Difference(
        id="facenet-grids",
        topic="padding",
        verdict="differs",
        claim=_("FaceNet's blocks work on grids of {grids}.").format(grids=block_grids(v1)),
        said_by=(Said(FACENET_TEXT, _("comments")), Said(FACENET, _("comments"))),
        truth=_("The comments are the paper's, for 299 px. FaceNet's faces have 160 px, which gives {grids}.").format(
            grids=block_grids(small_v1)
        ),
        costs=(
            Cost(_("grids"), block_grids(v1), block_grids(small_v1), by_face),
            Cost(_("MACs"), v1.macs, small_v1.macs, by_face),
        ),
        where=(Place(V1, "stem.Conv2d_4b_3x3"), Place(V1, "reduction_b.Mixed_7a.concat")),
        references=(PAPER, FACENET_PYTORCH),
    )


def output_stride_comment() -> Difference:
    mixed_6a = layer_at(net(V2), "reduction_a.Mixed_6a.Branch_0.Conv2d_1a_3x3")
    unstrided = piece(
        lambda: ConvUnit(mixed_6a.in_shapes[0][0], mixed_6a.out_shape[0], 3, padding="valid"), mixed_6a.in_shapes[0]
    )
    return Difference(
        id="output-stride-comment",
        topic="padding",
        verdict="wrong",
        claim=_("Mixed_6a of the released v2 gives 17x17 at output_stride 8 and 33x33 at 16."),
        said_by=(Said(TF_SLIM, _("comment in inception_resnet_v2.py")),),
        truth=_("The other way round: output_stride 8 replaces its stride 2 by 1 and so keeps the finer grid."),
        costs=(
            Cost(_("grid at output_stride 8"), (17, 17), unstrided.output_shape[1:]),
            Cost(_("grid at output_stride 16"), (33, 33), mixed_6a.out_shape[1:]),
        ),
        where=(Place(V2, mixed_6a.path),),
    )


def stem_with_same() -> nn.Module:
    """Inception-v4's stem with its strided windows SAME: on these grids, TensorFlow's sizes are those of padding 1."""

    def conv(
        in_channels: int, out_channels: int, kernel_size: int | Pair, stride: int = 1, padding: str = "same"
    ) -> nn.Module:
        unit = ConvUnit(in_channels, out_channels, kernel_size, stride, padding)
        if stride == 2:
            unit.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=1, bias=False)
        return unit

    stem = StemV4(3, channel_scaler(1.0), conv=conv)
    for module in stem.modules():
        if isinstance(module, nn.MaxPool2d):
            module.padding = 1
    return stem
