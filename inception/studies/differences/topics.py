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


def differences() -> tuple[Difference, ...]:
    """All of them, by topic in the order of `TOPICS`; traced and computed at the first call in a language."""
    return _differences(current())


@cache
def _differences(language: str) -> tuple[Difference, ...]:
    topics = (
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
    with speaking(language):
        return tuple(difference for topic in topics for difference in topic())
