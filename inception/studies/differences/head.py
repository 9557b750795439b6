"""Differences about the head."""

from torch import nn

from ...graph.trace import trace
from ...text import shape_text
from ...words import _
from .claim import Cost, Difference, Place, Said
from .measures import (
    BLOG_NAME,
    FACE_NAME,
    PAPER_NAME,
    RELEASED_REPEATS,
    V1,
    V2,
    V4,
    aux_head,
    block,
    dropout_of,
    layer_at,
    net,
    piece,
    whole,
    window_at,
)
from .sources import (
    FACE_TABLE,
    FACENET,
    FACENET_PYTORCH,
    FACENET_TEXT,
    KERAS,
    KERAS_TEXT,
    PAPER,
    PYTORCH_TEXT,
    TF_SLIM,
    TIMM,
)


def about_head() -> list[Difference]:
    return [
        conv_7b(),
        pool_kernel_1x1(),
        pool_output(),
        pool_8x8_fixed(),
        dropout_v4(),
        dropout_v1(),
        bottleneck(),
        classes_1001(),
        aux_logits(),
    ]


def conv_7b() -> Difference:
    released = net(V2)
    pool = "head.Logits.AvgPool_1a_8x8"
    return Difference(
        id="conv-7b",
        topic="head",
        verdict="differs",
        claim=_("The average pool follows the last Inception-ResNet-C directly."),
        said_by=(Said(PAPER, _("Fig. 15")), Said(KERAS_TEXT, _("code"))),
        truth=_(
            "In the released v2 a 1x1 convolution, Conv2d_7b_1x1, narrows {wide:,} to {narrow:,} channels first, "
            "which also makes the classifier smaller."
        ).format(
            wide=block(released, "Conv2d_7b_1x1")[0].in_shapes[0][0],
            narrow=block(released, "Conv2d_7b_1x1")[0].out_shape[0],
        ),
        costs=whole(net(RELEASED_REPEATS), released, (_("without it"), _("with it"))),
        where=(Place(V2, "head.Conv2d_7b_1x1"), Place(PAPER_NAME, pool)),
        references=(TF_SLIM, TIMM, KERAS, FACE_TABLE),
    )


def pool_kernel_1x1() -> Difference:
    released = net(V2)
    face = net(FACE_NAME)
    pool = "head.Logits.AvgPool_1a_8x8"
    face_pool = layer_at(face, pool)
    return Difference(
        id="pool-kernel-1x1",
        topic="head",
        verdict="wrong",
        claim=_("The last average pool has a 1x1 kernel."),
        said_by=(Said(FACE_TABLE, _("row AvgPool_1a_8x8")),),
        truth=_(
            "It covers the whole grid: {at_160} at 160 px, {at_299} at 299 px, hence its name. A 1x1 pool changes "
            "nothing."
        ).format(
            at_160=shape_text(window_at(face_pool).kernel),
            at_299=shape_text(window_at(layer_at(released, pool)).kernel),
        ),
        costs=(
            Cost(_("kernel"), (1, 1), window_at(face_pool).kernel),
            Cost(_("output"), piece(lambda: nn.AvgPool2d(1), face_pool.in_shapes[0]).output_shape, face_pool.out_shape),
        ),
        where=(Place(FACE_NAME, pool),),
        references=(FACENET,),
    )


def pool_output() -> Difference:
    v1 = net(V1, 299)
    pool = "head.Logits.AvgPool_1a_8x8"
    return Difference(
        id="pool-output",
        topic="head",
        verdict="wrong",
        claim=_("The average pool of v1 gives 8x8 with 1792 channels."),
        said_by=(Said(FACENET_TEXT, _("comment in the code")),),
        truth=_("That is its input at 299 px; its output is one cell."),
        costs=(Cost(_("output"), (1792, 8, 8), layer_at(v1, pool).out_shape),),
        where=(Place(V1, pool),),
        references=(FACENET,),
    )


def pool_8x8_fixed() -> Difference:
    pool = "head.Logits.AvgPool_1a_8x8"
    grids = {size: layer_at(trace(BLOG_NAME, size, repeats=(1, 1, 1)), pool).in_shapes[0] for size in (160, 331)}
    fixed = piece(lambda: nn.AvgPool2d(8), grids[331])
    window_and_grid = (_("as said"), _("the grid that arrives"))
    return Difference(
        id="pool-8x8-fixed",
        topic="head",
        verdict="differs",
        claim=_("The last average pool is 8x8."),
        said_by=(Said(PAPER, _("Fig. 15, at 299 px")), Said(KERAS_TEXT, _("code"))),
        truth=_(
            "TF-Slim and timm pool whatever grid arrives. A fixed 8x8 stops working below 299 px (160 px leave "
            "{at_160}) and cuts off an edge above it (331 px leave {at_331}, of which {unread} rows x columns are "
            "never read)."
        ).format(
            at_160=shape_text(grids[160][1:]),
            at_331=shape_text(grids[331][1:]),
            unread=shape_text(window_at(fixed.layers[0]).dropped),
        ),
        costs=(
            *(
                Cost(_("window at {size} px").format(size=size), (8, 8), grid[1:], window_and_grid)
                for size, grid in grids.items()
            ),
        ),
        where=(Place(BLOG_NAME, pool), Place(V2, pool)),
        references=(TF_SLIM, TIMM),
    )


def dropout_v4() -> Difference:
    return Difference(
        id="dropout-v4",
        topic="head",
        verdict="differs",
        claim=_("There is no dropout before the classifier."),
        said_by=(
            Said(PYTORCH_TEXT, _("listing of Inception-v4")),
            Said(TIMM, _("drop_rate=0 unless it is set")),
            Said(KERAS, _("its Inception-ResNet-v2")),
        ),
        truth=_(
            "The paper keeps 0.8 of the features in training (Fig. 9 and 15), and TF-Slim drops {share:g}. "
            "Dropout has no weights and does nothing in a prediction, so a port that only loads weights can leave "
            "it out."
        ).format(share=dropout_of(V4)),
        costs=(
            Cost(_("share dropped in training"), 0.0, dropout_of(V4)),
            Cost(_("parameters of the dropout"), None, layer_at(net(V4), "head.Logits.Dropout_1b").params),
        ),
        where=(Place(V4, "head.Logits.Dropout_1b"), Place(V2, "head.Logits.Dropout")),
        references=(PAPER, TF_SLIM),
        unchecked=_("What it does to accuracy shows only in training."),
    )


def dropout_v1() -> Difference:
    return Difference(
        id="dropout-v1",
        topic="head",
        verdict="differs",
        claim=_("v1 keeps 0.8 of the features in training."),
        said_by=(Said(PAPER, _("Fig. 15")), Said(FACENET_TEXT, _("text")), Said(FACENET, _("default"))),
        truth=_("facenet-pytorch, whose weights are in use, drops {share:g} by default.").format(share=dropout_of(V1)),
        costs=(Cost(_("share dropped in training"), 0.2, dropout_of(V1)),),
        where=(Place(V1, "head.Logits.Dropout"),),
        references=(FACENET_PYTORCH,),
        unchecked=_("What it does to accuracy shows only in training."),
    )


def bottleneck() -> Difference:
    face = net(FACE_NAME)
    bottleneck = layer_at(net(V1), "head.Bottleneck")
    features = bottleneck.in_shapes[0][0]
    thin = piece(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(features, 128, bias=False), nn.BatchNorm1d(128)),
        (features, 1, 1),
    )
    return Difference(
        id="bottleneck",
        topic="head",
        verdict="differs",
        claim=_("FaceNet's embedding has 128 numbers."),
        said_by=(Said(FACENET_TEXT, _("comment in the code")),),
        truth=_(
            "The size is a setting. facenet-pytorch's weights have {weights}, the face-recognition layer table "
            "{table:,}."
        ).format(weights=net(V1).output_shape[0], table=face.output_shape[0]),
        costs=(
            Cost(_("embedding"), 128, net(V1).output_shape[0]),
            Cost(_("parameters of the bottleneck"), thin.params, bottleneck.params),
            Cost(_("MACs of the bottleneck"), thin.macs, bottleneck.macs),
        ),
        where=(Place(V1, "head.Bottleneck"), Place(FACE_NAME, "head.Bottleneck")),
        references=(FACENET_PYTORCH, FACE_TABLE),
    )


def classes_1001() -> Difference:
    released = net(V2)
    classes = layer_at(released, "head.Logits.Logits")
    one_more = (_("in timm and Keras"), _("in TF-Slim"))
    return Difference(
        id="classes-1001",
        topic="head",
        verdict="differs",
        claim=_("ImageNet networks have 1000 outputs."),
        said_by=(Said(TIMM, "num_classes"), Said(KERAS, "classes"), Said(KERAS_TEXT, _("code"))),
        truth=_(
            "TF-Slim's have one more, for the background, as class 0, so that every label is shifted by one; timm "
            "cuts that row off when it loads the weights."
        ),
        costs=(
            Cost(_("outputs"), classes.out_shape[0], 1001, one_more),
            Cost(_("parameters"), released.params, released.params + classes.params // classes.out_shape[0], one_more),
        ),
        where=(Place(V2, "head.Logits.Logits"),),
        references=(TF_SLIM,),
    )


def aux_logits() -> Difference:
    released = net(V2)
    seventeen = layer_at(released, "inception_resnet_b.Block17_20.residual_sum")
    aux = piece(lambda: aux_head(seventeen.out_shape[0]), seventeen.out_shape)
    in_training = (_("with one"), _("with two, in training"))
    return Difference(
        id="aux-logits",
        topic="head",
        verdict="differs",
        claim=_("Inception-ResNet-v2 has one classifier."),
        said_by=(Said(PAPER, _("Fig. 15")), Said(TIMM, _("model")), Said(KERAS, _("model"))),
        truth=_(
            "While training, TF-Slim hangs a second one on the last 17x17 block, with a loss of its own. It is "
            "left out of predictions, and so of timm, Keras and the zoo."
        ),
        costs=(
            Cost(_("parameters"), released.params, released.params + aux.params, in_training),
            Cost(_("MACs, forward"), released.macs, released.macs + aux.macs, in_training),
        ),
        where=(Place(V2, "inception_resnet_b.Block17_20.residual_sum"),),
        references=(TF_SLIM,),
    )
