"""A question as its readers see it."""

import base64
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

SIDE = 640  # pixels of the longer side of a picture that is pointed at


@dataclass(frozen=True)
class Told:
    """A question in the language of its reader."""

    prompt: str  # Markdown
    options: tuple[str, ...] = ()  # plain texts
    picture: str = ""  # as a data URL
    marked: str = ""  # the same with the right places marked, where they are no single one
    alt: str = ""
    says: str = ""  # the truth, as Markdown; "" where nobody has said it


def as_url(image: Image.Image) -> str:
    """A picture as a data URL."""
    image, file = image.convert("RGB"), BytesIO()
    image.thumbnail((SIDE, SIDE))
    image.save(file, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
