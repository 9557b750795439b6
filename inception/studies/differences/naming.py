"""Differences about names."""

from collections.abc import Sequence

from torch import nn

from ...graph.layer import Layer
from ...graph.layer_graph import LayerGraph
from ...models.layers import Branch, ConvUnit
from ...text import shape_text
from ...words import _
from .claim import Cost, Difference, Place, Said
from .measures import FACE_NAME, V1, V2, V4, aux_head, block, each, layer_at, net, params_of, piece, stage, window_at
from .sources import FACE_TABLE, FACENET, FACENET_TEXT, SLIM_CONV2D, SLIM_TEXT, TF_SLIM


def about_naming() -> list[Difference]:
    return [
        mixed_7a_names(),
        mixed_6a_concat(),
        one_name_four_times(),
        name_for_scope(),
        branch_0_name(),
        mixed_5a(),
        aux_pool_name(),
    ]


def mixed_7a_names() -> Difference:
    face = net(FACE_NAME)
    deep = [layer for layer in block(face, "Mixed_7a") if layer.branch == "Branch_2"]
    as_named = piece(lambda: Branch(**pointwise(deep)), deep[0].in_shapes[0])
    return Difference(
        id="mixed-7a-names",
        topic="naming",
        verdict="wrong",
        claim=_("All three convolutions of Mixed_7a's Branch_2 are called Conv2d_0a_1x1."),
        said_by=(Said(FACE_TABLE, _("rows Mixed_7a")),),
        truth=_("They are {names}; only the first has a 1x1 kernel.").format(
            names=_(", ").join(layer.layer for layer in deep)
        ),
        costs=(
            *(
                Cost(_("name {number}").format(number=i), "Conv2d_0a_1x1", layer.layer)
                for i, layer in enumerate(deep, 1)
            ),
            Cost(_("parameters"), as_named.params, params_of(deep), (_("if all three were 1x1"), _("really"))),
        ),
        where=tuple(Place(FACE_NAME, layer.path) for layer in deep),
        references=(FACENET, TF_SLIM),
    )


def mixed_6a_concat() -> Difference:
    face = net(FACE_NAME)
    joined = layer_at(face, "reduction_a.Mixed_6a.concat")
    return Difference(
        id="mixed-6a-concat",
        topic="naming",
        verdict="wrong",
        claim=_("The concatenation of Mixed_6a belongs to Branch_2."),
        said_by=(Said(FACE_TABLE, _("rows Mixed_6a")),),
        truth=_(
            "It joins all {branches} branches and belongs to the block; Branch_2 itself ends on {channels} channels."
        ).format(branches=len(joined.inputs), channels=joined.in_shapes[-1][0]),
        costs=(
            Cost(_("channels"), joined.in_shapes[-1][0], joined.out_shape[0]),
            Cost(_("branches joined"), 1, len(joined.inputs)),
        ),
        where=(Place(FACE_NAME, joined.path),),
        references=(FACENET,),
    )


def one_name_four_times() -> Difference:
    v4 = net(V4)
    long_branch = [layer for layer in block(v4, "Mixed_4a") if layer.branch == "Branch_1"]
    weights = [(layer.out_shape[0], layer.in_shapes[0][0], *window_at(layer).kernel) for layer in long_branch]
    return Difference(
        id="one-name-four-times",
        topic="naming",
        verdict="wrong",
        claim=_("The four convolutions of the stem's long branch are all called branch_1_conv1."),
        said_by=(Said(SLIM_TEXT, _("code")),),
        truth=_(
            "In TF-Slim a name says where the weights live. So its second use either fails or, with reuse, asks "
            "for the first one's weights; but no two of the four have the same shape: {shapes}."
        ).format(shapes=_(", ").join(map(shape_text, weights))),
        costs=(
            Cost(_("tensors of weights"), 1, len(set(weights))),
            Cost(_("parameters"), None, params_of(long_branch)),
        ),
        where=tuple(Place(V4, layer.path) for layer in long_branch),
        references=(TF_SLIM,),
    )


def name_for_scope() -> Difference:
    return Difference(
        id="name-for-scope",
        topic="naming",
        verdict="wrong",
        claim=_("slim.conv2d takes name=."),
        said_by=(Said(SLIM_TEXT, _("code, all calls but the first")),),
        truth=_("The argument is scope=. There is no name=, and Python stops at the second layer."),
        where=(Place(V4, "stem.Conv2d_2a_3x3"),),
        references=(SLIM_CONV2D,),
        unchecked=_("This is about TensorFlow 1's arguments, read in its documentation; no number hangs on it."),
    )


def branch_0_name() -> Difference:
    released = net(V2)
    v4 = net(V4)
    in_both = (_("in v4"), _("in the released v2"))

    def named(graph: LayerGraph, name: str) -> int:
        return sum(layer.branch == "Branch_0" and layer.layer == name for layer in graph.layers)

    return Difference(
        id="branch-0-name",
        topic="naming",
        verdict="differs",
        claim=_("The 1x1 of Branch_0 is called Conv2d_0a_1x1."),
        said_by=(Said(TF_SLIM, "inception_v4.py"),),
        truth=_(
            "In TF-Slim's and FaceNet's residual networks it is called Conv2d_1x1, as is the linear 1x1 one level "
            "above it. Code that looks for checkpoint names has to know both."
        ),
        costs=(
            each(
                _("Branch_0 layers called Conv2d_0a_1x1"),
                lambda graph: named(graph, "Conv2d_0a_1x1"),
                (v4, released),
                in_both,
            ),
            each(
                _("Branch_0 layers called Conv2d_1x1"),
                lambda graph: named(graph, "Conv2d_1x1"),
                (v4, released),
                in_both,
            ),
        ),
        where=(
            Place(V4, "inception_a.Mixed_5b.Branch_0.Conv2d_0a_1x1"),
            Place(V2, "inception_resnet_a.Block35_1.Branch_0.Conv2d_1x1"),
            Place(V2, "inception_resnet_a.Block35_1.Conv2d_1x1"),
        ),
        references=(FACENET,),
    )


def mixed_5a() -> Difference:
    v4 = net(V4)
    v1 = net(V1, 299)
    after_a = stage(v1, "Inception-ResNet-A")[-1]
    return Difference(
        id="mixed-5a",
        topic="naming",
        verdict="differs",
        claim=_("Mixed_5a is what the five Inception-ResNet-A blocks give."),
        said_by=(Said(FACENET_TEXT, _("end points")),),
        truth=_(
            "In TF-Slim's Inception-v4 Mixed_5a is the last concatenation of the stem, before any block. Mixed_6b "
            "differs too: in the text it is what all B blocks give, in TF-Slim the first Inception-B."
        ),
        costs=(
            Cost(
                _("output"),
                after_a.out_shape,
                layer_at(v4, "stem.Mixed_5a.concat").out_shape,
                (_("in the text"), _("in TF-Slim")),
            ),
        ),
        where=(Place(V1, after_a.path), Place(V4, "stem.Mixed_5a.concat")),
        references=(TF_SLIM,),
    )


def aux_pool_name() -> Difference:
    released = net(V2)
    seventeen = layer_at(released, "inception_resnet_b.Block17_20.residual_sum").out_shape
    aux_pool = piece(lambda: aux_head(seventeen[0]), seventeen).layers[0]
    return Difference(
        id="aux-pool-name",
        topic="naming",
        verdict="wrong",
        claim=_("The second classifier of v2 begins with Conv2d_1a_3x3."),
        said_by=(Said(TF_SLIM, "inception_resnet_v2.py, AuxLogits"),),
        truth=_("The layer of that name is an average pool, {kernel} with stride {stride}, and has no weights.").format(
            kernel=shape_text(window_at(aux_pool).kernel), stride=window_at(aux_pool).stride[0]
        ),
        costs=(
            Cost(_("kernel"), (3, 3), window_at(aux_pool).kernel),
            Cost(_("output"), None, aux_pool.out_shape),
            Cost(_("parameters"), None, aux_pool.params),
        ),
        where=(Place(V2, "inception_resnet_b.Block17_20.residual_sum"),),
    )


def pointwise(layers: Sequence[Layer]) -> dict[str, nn.Module]:
    """Conv units with the channels of `layers` and 1x1 kernels."""
    return {f"conv_{i}": ConvUnit(layer.in_shapes[0][0], layer.out_shape[0], 1) for i, layer in enumerate(layers, 1)}
