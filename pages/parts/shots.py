"""What pictures from the camera are called: their files are named after the time alone."""

import re
from collections.abc import Iterable

from inception.words import _

CAMERA_FILE = "camera-input-"  # begins what Streamlit's camera calls its files
KEPT = re.compile(r"photograph #(\d+)")  # in every language, and unlike the name of any file: none of ours has a #


def is_shot(filename: str) -> bool:
    """Whether the camera took it."""
    return filename.startswith(CAMERA_FILE)


def shot_name(taken: Iterable[str]) -> str:
    """The name under which a session keeps the next photograph; taken: those of the pictures that are here."""
    numbers = [int(kept[1]) for name in taken if (kept := KEPT.fullmatch(name))]
    return f"photograph #{max(numbers, default=0) + 1}"


def picture_title(name: str) -> str:
    """The name of a kept picture as readers see it: your photograph 1; that of a file stays."""
    kept = KEPT.fullmatch(name)
    return _("your photograph {number}").format(number=kept[1]) if kept else name


def file_title(filename: str) -> str:
    """What a sentence calls a file that has arrived and has no other name yet."""
    return _("your new photograph") if is_shot(filename) else filename
