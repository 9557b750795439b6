"""`WeightsChoice`: which weights a network runs with, as one value."""

from dataclasses import dataclass
from enum import Enum
from os import PathLike
from pathlib import Path

from ..words import N_, Filled, _
from .checkpoint import CheckpointError
from .known import Weights, described, known_weights, locate


class WeightsKind(Enum):
    """Where weights come from."""

    UNTRAINED = "untrained"  # nowhere: the network keeps its random initialisation
    PUBLISHED = "published"  # a known checkpoint that others trained
    BUNDLED = "bundled"  # a known checkpoint that comes with this project
    FILE = "file"  # any other file on this machine
    UPLOAD = "upload"  # a file that one reader brought and that is gone from this machine


@dataclass(frozen=True)
class WeightsChoice:
    """Which weights a network runs with. Made by `of` from text, by `upload` from what a reader brought."""

    kind: WeightsKind
    name: str  # "untrained", the tag of a known checkpoint, the path of a file as it was given, or the upload's name
    file: Path | None = None  # of FILE and UPLOAD; an upload's is in a folder of its own, so that no two are equal

    @classmethod
    def of(cls, weights: "AnyWeights") -> "WeightsChoice":
        """From what people write: "untrained" or None, the tag of a known checkpoint, or the path of a file.

        A path that is no text is always a file, whatever its name.
        """
        if isinstance(weights, WeightsChoice):
            return weights
        if weights is None or weights == UNTRAINED.name:
            return UNTRAINED
        if isinstance(weights, str) and (known := known_weights().get(weights)):
            return cls(WeightsKind.PUBLISHED if known.published else WeightsKind.BUNDLED, weights)
        return cls(WeightsKind.FILE, str(weights), Path(weights))

    @classmethod
    def upload(cls, name: str, file: Path) -> "WeightsChoice":
        """What a reader brought under a name, for as long as it lies in a file."""
        return cls(WeightsKind.UPLOAD, name, file)

    @property
    def trained(self) -> bool:
        """Whether there are weights at all."""
        return self.kind is not WeightsKind.UNTRAINED

    @property
    def given(self) -> str | None:
        """What `create_model` takes for it: None, a tag, or a path."""
        if self.file is not None:
            return str(self.file)
        return self.name if self.trained else None

    @property
    def title(self) -> str:
        """For people: what a known checkpoint was trained on, the name of a file without its folder, "untrained"."""
        if self.file is not None:
            return self.file.name
        return _(known_weights()[self.name].title if self.trained else self.name)

    @property
    def label(self) -> str:
        """Short and exact, for captions and files: the tag, the name of a file without its folder, "untrained".

        It is English; `words.gettext` translates it for a caption.
        """
        if self.kind is WeightsKind.UPLOAD:
            return Filled(N_("your file: {name}"), name=self.name)
        return self.file.name if self.file is not None else self.name

    @property
    def known(self) -> Weights | None:
        """What is known of them: the row of a known checkpoint, or what the file says of itself; None for nothing.

        Raises CheckpointError when what the file says cannot be.
        """
        if self.file is not None:
            return described(self.file)
        return known_weights()[self.name] if self.trained else None

    @property
    def path(self) -> Path | None:
        """The file that holds them; None for untrained ones. Raises CheckpointError if a known one is not here."""
        if self.file is not None or not self.trained:
            return self.file
        path = locate(self.name)
        if path is None:
            source = known_weights()[self.name].source
            sentence = _("{tag}: not on this machine; get it from {source}.")
            raise CheckpointError(sentence.format(tag=self.name, source=source))
        return path

    @property
    def num_classes(self) -> int:
        """How many classes they are known to tell apart; 0 for embeddings, and where nothing is known."""
        try:
            known = self.known
        except CheckpointError:
            return 0  # loading it says what is wrong
        return known.num_classes if known else 0


UNTRAINED = WeightsChoice(WeightsKind.UNTRAINED, N_("untrained"))
AnyWeights = str | PathLike[str] | WeightsChoice | None  # what `WeightsChoice.of` takes
