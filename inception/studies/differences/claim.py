"""What a difference is: a claim, who says it, what is true, and what it costs."""

from dataclasses import dataclass, field
from typing import Literal

from ...text import shape_text
from ...words import N_, _

Value = int | float | str | tuple[int, ...]
Labels = tuple[str, str]
Verdict = Literal["wrong", "differs", "right", "open"]

TOPICS = (
    N_("network"),
    N_("stem"),
    N_("channels"),
    N_("blocks"),
    N_("residual"),
    N_("padding"),
    N_("head"),
    N_("naming"),
    N_("counting"),
    N_("paper"),
)
VERDICTS: dict[Verdict, str] = {
    "wrong": N_("contradicts the network it describes, or itself"),
    "differs": N_("true of one version of the network, not of another"),
    "right": N_("holds when computed"),
    "open": N_("cannot be settled by computing"),
}


@dataclass(frozen=True)
class Source:
    """A text or a code base.

    name: what it is called here, a marked text. title: its own, marked only where it ends on words of ours. url: where
    it is, empty where the text gives no address. links: others in the text.
    """

    name: str
    title: str
    url: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """Who makes a claim, and where: a figure, a listing, a column, in the reader's language."""

    source: Source
    place: str

    @property
    def text(self) -> str:
        return _("{source} ({place})").format(source=_(self.source.name), place=self.place)


@dataclass(frozen=True)
class Cost:
    """One quantity as a claim has it and as it is, with its words in the reader's language.

    Tuples are shapes: channels x height x width, or height x width. `said` is None where the claim names no value.
    labels: whose the two values are.
    """

    quantity: str
    said: Value | None
    real: Value
    labels: Labels = field(default_factory=lambda: (_("as said"), _("really")))

    @property
    def difference(self) -> int | float | None:
        """The first value less the second, negative where the claim has too little; None unless both are numbers."""
        if isinstance(self.said, int | float) and isinstance(self.real, int | float):
            return self.said - self.real
        return None

    @property
    def text(self) -> str:
        """E.g. ``parameters: 100 as said, 90 really (10 more as said)``."""
        real = value_text(self.real)
        if self.said is None:
            return _("{quantity}: {value}").format(quantity=self.quantity, value=real)
        said = value_text(self.said)
        if not self.difference or said == real:
            sentence = _("{quantity}: {said} {as_said}, {real} {really}")
        elif self.difference > 0:
            sentence = _("{quantity}: {said} {as_said}, {real} {really} ({change} more {as_said})")
        else:
            sentence = _("{quantity}: {said} {as_said}, {real} {really} ({change} less {as_said})")
        return sentence.format(
            quantity=self.quantity,
            said=said,
            as_said=self.labels[0],
            real=real,
            really=self.labels[1],
            change=value_text(abs(self.difference or 0)),
        )


@dataclass(frozen=True)
class Place:
    """A row of a layer table: name of the variant and path of the layer."""

    model: str
    path: str


@dataclass(frozen=True)
class Difference:
    """A claim about one of the networks, what really happens, and what the difference costs, in one language.

    id: short and stable, for links. topic: one of `TOPICS`. where: rows of the layer tables in which it can be seen.
    references: what `truth` rests on beside our models. unchecked: what no computation here can settle, and why;
    empty where everything was computed.
    """

    id: str
    topic: str
    verdict: Verdict
    claim: str
    said_by: tuple[Said, ...]
    truth: str
    where: tuple[Place, ...]
    costs: tuple[Cost, ...] = ()
    references: tuple[Source, ...] = ()
    unchecked: str = ""

    @property
    def who(self) -> str:
        return _(", ").join(said.text for said in self.said_by)

    @property
    def weight(self) -> float:
        """How much is at stake: the largest of its differences, against what is really so; 0 where none is counted."""
        counted = [(cost.difference, cost.real) for cost in self.costs if cost.difference]
        return max(
            (abs(change / real) for change, real in counted if isinstance(real, int | float) and real), default=0
        )

    @property
    def sources(self) -> tuple[Source, ...]:
        """All texts and code bases behind the claim and the truth, once each."""
        return tuple(dict.fromkeys([*(said.source for said in self.said_by), *self.references]))

    @property
    def checkable(self) -> bool:
        """Whether all of it was computed; `unchecked` says what was not."""
        return not self.unchecked

    @property
    def cost(self) -> str:
        """The costs in words, or why there are none."""
        return _("; ").join(cost.text for cost in self.costs) or self.unchecked


def value_text(value: Value) -> str:
    """A value for reading: 55,843,464, 0.17, 384x35x35."""
    if isinstance(value, tuple):
        return shape_text(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else value
