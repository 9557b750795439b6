"""The error of everything that reads weights."""

from ..errors import InceptionError


class CheckpointError(InceptionError, ValueError):
    """A checkpoint that does not fit, in one sentence that names the file and the first wrong entry."""
