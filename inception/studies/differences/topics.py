"""Where the paper's figures, the released code and widely read tutorials disagree, and what each difference costs.

Every number of a `Difference` is either quoted from a source or computed here: from a trace of a variant of the zoo,
of a `Plan` with one thing changed, or of a few layers built on the spot. Figures, tables and sections without another
name are those of the paper. `differences()` is the entry; its sentences are in the language of whoever calls it.
"""

from functools import cache

from ...words import current, speaking
from .blocks import about_blocks, about_residual
from .channels import about_channels
from .claim import Difference
from .counting import about_counting
from .head import about_head
from .naming import about_naming
from .network import about_network
from .padding import about_padding
from .paper import about_paper
from .stem import about_stem

ABOUT = (
    about_network,
    about_stem,
    about_channels,
    about_blocks,
    about_residual,
    about_padding,
    about_head,
    about_naming,
    about_counting,
    about_paper,
)


def differences() -> tuple[Difference, ...]:
    """All of them, topic by topic; traced and computed at the first call in a language."""
    return _differences(current())


@cache
def _differences(language: str) -> tuple[Difference, ...]:
    return tuple(each for place in range(len(ABOUT)) for each in differences_about(place, language))


@cache
def differences_about(place: int, language: str) -> tuple[Difference, ...]:
    """Those of one of `ABOUT`, in a language."""
    with speaking(language):
        return tuple(ABOUT[place]())
