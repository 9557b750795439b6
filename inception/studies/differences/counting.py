"""Differences about how parameters are counted."""

from ...words import _
from ..factorize import FACTORISED, SQUARE, Setting, calculate
from ..pairs import pair_totals
from .claim import Cost, Difference, Place, Said
from .measures import BLOG_NAME, PAPER_NAME, V1, V2, V3, V4, block_counts, keras_count, net, norm_channels
from .sources import KERAS, KERAS_TEXT, PAPER, PYTORCH_TEXT, TIMM


def about_counting() -> list[Difference]:
    return [
        keras_count_claim(),
        sixty_million(),
        three_and_a_half_times(),
        v2_costs_like_v4(),
        v1_costs_like_v3(),
    ]


def keras_count_claim() -> Difference:
    released = net(V2)
    norm = norm_channels(released.layers)
    in_keras = keras_count(released)
    both = (_("in Keras"), _("in PyTorch"))
    return Difference(
        id="keras-count",
        topic="counting",
        verdict="differs",
        claim=_("Inception-ResNet-v2 has 55,873,736 parameters."),
        said_by=(Said(KERAS, "model.summary()"),),
        truth=_(
            "The same network has {params:,} in PyTorch. Per channel of a batch norm PyTorch counts gamma and "
            "beta; Keras counts beta, running mean and running variance (and no gamma, as scale=False). That is "
            "one more for each of {channels:,} channels."
        ).format(params=released.params, channels=norm),
        costs=(
            Cost(_("parameters in Keras"), 55_873_736, in_keras, (_("as said"), _("computed"))),
            Cost(_("parameters"), in_keras, released.params, both),
            Cost(_("trained"), in_keras - 2 * norm, released.params, both),
        ),
        where=(Place(V2, "stem.Conv2d_1a_3x3"),),
        references=(TIMM,),
    )


def sixty_million() -> Difference:
    released = net(V2)
    blog = net(BLOG_NAME)
    in_keras = keras_count(released)
    blog_in_keras = keras_count(blog)
    two_nets = (_("in the tutorial's network"), _("released"))
    return Difference(
        id="sixty-million",
        topic="counting",
        verdict="differs",
        claim=_("Inception-ResNet-v2 has 60 million parameters."),
        said_by=(Said(KERAS_TEXT, _("summary")),),
        truth=_(
            "That is the tutorial's own network, as Keras counts it, gamma included. The released network has "
            "{fewer:.1f} million fewer."
        ).format(fewer=(blog_in_keras - in_keras) / 1e6),
        costs=(
            Cost(_("parameters in Keras"), 60_000_000, blog_in_keras, (_("as said"), two_nets[0])),
            Cost(_("parameters in Keras"), blog_in_keras, in_keras, two_nets),
            Cost(_("parameters in PyTorch"), blog.params, released.params, two_nets),
        ),
        where=(Place(BLOG_NAME, "head.Logits.Logits"), Place(V2, "head.Logits.Logits")),
    )


def three_and_a_half_times() -> Difference:
    released = net(V2)
    options = {option.name: option for option in calculate(Setting())}
    square = options[SQUARE]
    pair = options[FACTORISED]
    totals = pair_totals(released)
    seven = totals[totals["kernel"] == 7].iloc[0]
    as_squares = released.params + int(seven["saving"])
    return Difference(
        id="three-and-a-half-times",
        topic="counting",
        verdict="right",
        claim=_("1x7 and 7x1 in place of 7x7 on 256 channels need about 3.5 times fewer parameters."),
        said_by=(Said(KERAS_TEXT, _("text")),),
        truth=_(
            "{square} against {pair}. In the released network, where the channels grow from one half to the "
            "other, its {pairs:.0f} pairs of 1x7 and 7x1 save a factor of {ratio:.2f}. With 7x7 kernels instead, "
            "the whole network would have {params:,} parameters, {times:.2f} times as many."
        ).format(
            square=square.arithmetic,
            pair=pair.arithmetic,
            pairs=seven["pairs"],
            ratio=seven["ratio"],
            params=as_squares,
            times=as_squares / released.params,
        ),
        costs=(
            Cost(_("parameters of 7x7"), 3_211_520, square.graph.params, (_("as said"), _("computed"))),
            Cost(_("parameters of 1x7 and 7x1"), 918_016, pair.graph.params, (_("as said"), _("computed"))),
            Cost(_("factor"), 3.5, square.graph.params / pair.graph.params, (_("as said"), _("computed"))),
            Cost(_("MACs on a 64x64 grid"), square.graph.macs, pair.graph.macs, (_("for 7x7"), _("for the pair"))),
            Cost(_("parameters of v2"), as_squares, released.params, (_("with square kernels"), _("released"))),
        ),
        where=(
            Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0b_1x7"),
            Place(V2, "inception_resnet_b.Block17_1.Branch_1.Conv2d_0c_7x1"),
        ),
    )


def v2_costs_like_v4() -> Difference:
    released = net(V2)
    paper = net(PAPER_NAME)
    v4 = net(V4)
    return Difference(
        id="v2-costs-like-v4",
        topic="counting",
        verdict="differs",
        claim=_("Inception-ResNet-v2 costs about as much as Inception-v4."),
        said_by=(Said(PAPER, _("section 3.2")), Said(PYTORCH_TEXT, _("text"))),
        truth=_(
            "The released network does ({released:+.0%} MACs). The one in the paper's figures does not "
            "({figures:+.0%}): its {blocks} blocks are too few for the sentence."
        ).format(released=released.macs / v4.macs - 1, figures=paper.macs / v4.macs - 1, blocks=block_counts(paper)),
        costs=(
            Cost(_("MACs"), v4.macs, released.macs, (_("in v4"), _("in the released v2"))),
            Cost(_("MACs"), v4.macs, paper.macs, (_("in v4"), _("in the figures' v2"))),
            Cost(_("parameters"), v4.params, released.params, (_("in v4"), _("in the released v2"))),
        ),
        where=(Place(V2, "head.Conv2d_7b_1x1"), Place(PAPER_NAME, "head.Logits.Logits")),
    )


def v1_costs_like_v3() -> Difference:
    v1 = net(V1, 299)
    v3 = net(V3)
    return Difference(
        id="v1-costs-like-v3",
        topic="counting",
        verdict="right",
        claim=_("Inception-ResNet-v1 costs about as much as Inception-v3."),
        said_by=(Said(PAPER, _("section 3.2")), Said(PYTORCH_TEXT, _("text"))),
        truth=_(
            "At 299 px FaceNet's version, with its sixth C block, takes {v1:.2f} billion MACs and Inception-v3 "
            "{v3:.2f} billion ({more:+.0%})."
        ).format(v1=v1.macs / 1e9, v3=v3.macs / 1e9, more=v1.macs / v3.macs - 1),
        costs=(Cost(_("MACs at 299 px"), v3.macs, v1.macs, (_("in v3"), _("in v1"))),),
        where=(Place(V1, "head.Bottleneck"), Place(V3, "head.Logits.Logits")),
    )
