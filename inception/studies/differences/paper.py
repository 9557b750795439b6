"""Differences about the paper's own slips."""

from ...words import _
from .claim import Difference, Place, Said
from .measures import V2, V4
from .sources import KERAS, KERAS_TEXT, PAPER, PYTORCH_TEXT


def about_paper() -> list[Difference]:
    return [
        year(),
        residual_accuracy(),
    ]


def year() -> Difference:
    return Difference(
        id="year",
        topic="paper",
        verdict="open",
        claim=_("The paper is from 2017."),
        said_by=(Said(KERAS_TEXT, _("text: AAAI, 2017")),),
        truth=_(
            "Both dates are in use: arXiv 1602.07261 is of February 2016, as another text has it; the AAAI "
            "conference was in February 2017."
        ),
        where=(),
        references=(PAPER, PYTORCH_TEXT, KERAS),
        unchecked=_("A date of publication is not computed."),
    )


def residual_accuracy() -> Difference:
    return Difference(
        id="residual-accuracy",
        topic="paper",
        verdict="open",
        claim=_("Residual connections train faster and hardly change the final accuracy."),
        said_by=(Said(PAPER, _("abstract")), Said(PYTORCH_TEXT, _("text"))),
        truth=_("It is the paper's result on ImageNet with networks of similar cost."),
        where=(Place(V4, "head.Logits.Logits"), Place(V2, "head.Logits.Logits")),
        unchecked=_("It takes trainings on ImageNet to repeat it; shapes and counts say nothing about it."),
    )
