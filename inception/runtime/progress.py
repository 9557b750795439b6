"""How long work reports how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int], None]  # called with what is done and all there is to do


def no_progress(_done: int, _total: int) -> None:
    """Reports progress to no one."""
