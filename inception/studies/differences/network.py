"""Differences about the networks as a whole."""

from ...words import _
from .claim import Cost, Difference, Place, Said
from .measures import (
    FACE_NAME,
    PAPER_NAME,
    V2,
    block_channels,
    block_counts,
    body,
    figures_and_released,
    net,
    params_of,
    whole,
)
from .sources import FACE_TABLE, FACENET, ISSUE_1553, KERAS, PAPER, TF_SLIM, TIMM


# The differences, topic by topic
def about_network() -> list[Difference]:
    return [
        released_is_not_the_paper(),
        faceid_changes(),
    ]


def released_is_not_the_paper() -> Difference:
    paper = net(PAPER_NAME)
    released = net(V2)
    return Difference(
        id="released-is-not-the-paper",
        topic="network",
        verdict="differs",
        claim=_("Inception-ResNet-v2 is the network of the paper's figures."),
        said_by=(Said(PAPER, _("Fig. 15 to 19")), Said(TF_SLIM, _("docstring: as described in the paper"))),
        truth=_(
            "The network that was released, with weights, has another stem, {blocks} instead of {paper_blocks} "
            "residual blocks on {channels} instead of {paper_channels} channels, a last block without ReLU and a "
            "1x1 convolution before the pool. Asked about it, TF-Slim's maintainers answered that the code is "
            "what the authors intended."
        ).format(
            blocks=block_counts(released),
            paper_blocks=block_counts(paper),
            channels=block_channels(released),
            paper_channels=block_channels(paper),
        ),
        costs=whole(paper, released, figures_and_released()),
        where=(Place(V2, "stem.MaxPool_5a_3x3"), Place(PAPER_NAME, "stem.Mixed_5a.concat")),
        references=(TIMM, KERAS, ISSUE_1553),
    )


def faceid_changes() -> Difference:
    paper = net(PAPER_NAME)
    face = net(FACE_NAME)
    return Difference(
        id="faceid-changes",
        topic="network",
        verdict="wrong",
        claim=_("The face-recognition network changes the paper's a little."),
        said_by=(Said(FACE_TABLE, _("above the table")),),
        truth=_(
            "Row by row it is the released network, with FaceNet's bottleneck in place of the classes. Against "
            "the paper's figures it has {blocks} instead of {paper_blocks} blocks, {channels} instead of "
            "{paper_channels} channels and another stem."
        ).format(
            blocks=block_counts(face),
            paper_blocks=block_counts(paper),
            channels=block_channels(face),
            paper_channels=block_channels(paper),
        ),
        costs=(
            Cost(_("blocks"), block_counts(paper), block_counts(face)),
            Cost(_("parameters before the linear layer"), params_of(body(paper)), params_of(body(face))),
            Cost(_("features"), body(paper)[-1].out_shape, body(face)[-1].out_shape),
        ),
        where=(Place(FACE_NAME, "head.Bottleneck"), Place(FACE_NAME, "inception_a.Mixed_5b.concat")),
        references=(FACENET, TF_SLIM, PAPER),
    )
