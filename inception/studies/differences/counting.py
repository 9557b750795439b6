"""Differences about how parameters are counted."""

from ..factorize import FACTORISED, SQUARE, Setting, calculate
from ..pairs import pair_totals
from .claim import Cost, Difference, Place, Said
from .measures import BLOG_NAME, PAPER_NAME, V1, V2, V4, block_counts, keras_count, net, norm_channels
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
    both = ("in Keras", "in PyTorch")
    return Difference(
        id="keras-count",
        topic="counting",
        verdict="differs",
        claim="Inception-ResNet-v2 has 55,873,736 parameters.",
        said_by=(Said(KERAS, "model.summary()"),),
        truth=f"The same network has {released.params:,} in PyTorch. Per channel of a batch norm PyTorch counts "
        "gamma and beta, Keras beta, running mean and running variance (and no gamma, as scale=False): one more "
        f"for each of {norm:,} channels.",
        costs=(
            Cost("parameters in Keras", 55_873_736, in_keras, ("as said", "computed")),
            Cost("parameters", in_keras, released.params, both),
            Cost("trained", in_keras - 2 * norm, released.params, both),
        ),
        where=(Place(V2, "stem.Conv2d_1a_3x3"),),
        references=(TIMM,),
    )


def sixty_million() -> Difference:
    released = net(V2)
    blog = net(BLOG_NAME)
    in_keras = keras_count(released)
    blog_in_keras = keras_count(blog)
    two_nets = ("in the tutorial's network", "released")
    return Difference(
        id="sixty-million",
        topic="counting",
        verdict="differs",
        claim="Inception-ResNet-v2 has 60 million parameters.",
        said_by=(Said(KERAS_TEXT, "summary"),),
        truth="That is the tutorial's own network, as Keras counts it, gamma included. The released network has "
        f"{(blog_in_keras - in_keras) / 1e6:.1f} million fewer.",
        costs=(
            Cost("parameters in Keras", 60_000_000, blog_in_keras, ("as said", two_nets[0])),
            Cost("parameters in Keras", blog_in_keras, in_keras, two_nets),
            Cost("parameters in PyTorch", blog.params, released.params, two_nets),
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
        claim="1x7 and 7x1 in place of 7x7 on 256 channels need about 3.5 times fewer parameters.",
        said_by=(Said(KERAS_TEXT, "text"),),
        truth=f"{square.arithmetic} against {pair.arithmetic}. In the released network, where the channels grow "
        f"from one half to the other, its {seven['pairs']:.0f} pairs of 1x7 and 7x1 save a factor of "
        f"{seven['ratio']:.2f}; the whole network would have {as_squares:,} parameters, "
        f"{as_squares / released.params:.2f} times as many.",
        costs=(
            Cost("parameters of 7x7", 3_211_520, square.graph.params, ("as said", "computed")),
            Cost("parameters of 1x7 and 7x1", 918_016, pair.graph.params, ("as said", "computed")),
            Cost("factor", 3.5, square.graph.params / pair.graph.params, ("as said", "computed")),
            Cost("MACs on a 64x64 grid", square.graph.macs, pair.graph.macs, ("for 7x7", "for the pair")),
            Cost("parameters of v2", as_squares, released.params, ("with square kernels", "released")),
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
        claim="Inception-ResNet-v2 costs about as much as Inception-v4.",
        said_by=(Said(PAPER, "section 3.2"), Said(PYTORCH_TEXT, "text")),
        truth=f"The released network does ({released.macs / v4.macs - 1:+.0%} MACs). The one in the paper's "
        f"figures does not ({paper.macs / v4.macs - 1:+.0%}): its {block_counts(paper)} blocks are too few for "
        "the sentence.",
        costs=(
            Cost("MACs", v4.macs, released.macs, ("in v4", "in the released v2")),
            Cost("MACs", v4.macs, paper.macs, ("in v4", "in the figures' v2")),
            Cost("parameters", v4.params, released.params, ("in v4", "in the released v2")),
        ),
        where=(Place(V2, "head.Conv2d_7b_1x1"), Place(PAPER_NAME, "head.Logits.Logits")),
    )


def v1_costs_like_v3() -> Difference:
    return Difference(
        id="v1-costs-like-v3",
        topic="counting",
        verdict="open",
        claim="Inception-ResNet-v1 costs about as much as Inception-v3.",
        said_by=(Said(PAPER, "section 3.2"), Said(PYTORCH_TEXT, "text")),
        truth=f"At 299 px FaceNet's version, with its sixth C block, takes {net(V1, 299).macs / 1e9:.2f} billion MACs.",
        costs=(Cost("MACs at 299 px", None, net(V1, 299).macs),),
        where=(Place(V1, "head.Bottleneck"),),
        unchecked="Inception-v3 is not one of the networks here.",
    )
