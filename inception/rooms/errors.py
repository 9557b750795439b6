"""What can go wrong in a room; each is one sentence for whoever reads it."""

from ..errors import InceptionError, InputError


class RoomError(InceptionError):
    """Something that a room cannot do now."""


class NoRoomError(RoomError):
    """No room has this code, or it has ended."""


class LimitError(RoomError):
    """Somebody does something too often, or brings too much."""


class NotYoursError(RoomError):
    """Only the opener of a room steers it."""


class AnswerError(InputError):
    """A question or an answer that cannot be used."""
