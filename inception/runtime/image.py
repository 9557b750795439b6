"""The one decoder of pictures: every upload, sample and file of the command line comes through `load_image`.

It reads few formats, and judges the header before it decodes any pixels. The cost of a file is bounded by its bytes and
its pixels; where it is not (thousands of scans, packed texts, overlapping tiles), the file is refused before Pillow
reads it. Any number of threads may call it; `AT_ONCE` of them decode at a time, because one call can need 1 GB for a
moment.
"""

import errno
import io
import re
import threading
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from ..errors import InputError
from ..words import _
from . import tiff_floats

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES = 20 * 2**20
# What a telephone of 50 megapixels takes. Decoding it took 0.1 GB as a JPEG, 0.43 GB as a PNG and 0.58 GB as a PNG with
# transparency, for a moment (measured as the peak of the process, less what it had before).
MAX_PIXELS = 8192 * 6144
MOST_KEPT = 25_000_000  # pixels; a larger picture comes at half its width and height, which no network needs more of
MAX_SIDE = 2**15
AT_ONCE = 2

# Ordinary files stay far below these three; what is beyond costs time or memory out of proportion.
MAX_JPEG_SEGMENTS = 1000
MAX_PNG_PACKED_TEXTS = 100
MAX_TIFF_PIECES = 2**17

JPEG_SEGMENT = re.compile(rb"\xff[\xc0-\xc7\xc9-\xcf\xda-\xef\xfe]")  # the markers that a length follows
PNG_PACKED_TEXTS = (b"zTXt", b"iTXt", b"iCCP")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
WHITE_IS_ZERO = 0  # of TIFF's PhotometricInterpretation
JPEG_END = b"\xff\xd9"
EXIF_ORIENTATION = 0x0112
# What each orientation asks of a viewer (EXIF 2.3, table 6); 1 is upright.
TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_decoding = threading.BoundedSemaphore(AT_ONCE)


class ImageError(InputError):
    """A picture that cannot be shown, in one sentence that names the file where there is one."""


def load_image(source: bytes | str | PathLike[str]) -> Image.Image:
    """The picture in a file, given by its bytes or its path: mode RGB, upright, without metadata.

    Reads JPEG, PNG, WebP, GIF, BMP and TIFF up to 20 MB, 50 megapixels (8192x6144) and 32,768 pixels a side. A picture
    of more than 25 megapixels comes at half its width and height. Of animations and files of several pages the first
    frame is read. Transparent parts are laid on white. Colours of an embedded profile become sRGB's; a profile that
    cannot be used is passed over.

    16-bit grey is divided by 257. Integers of 32 bits and floats (of 16, 32 or 64 bits, in grey or RGB) declare no
    white. The first range that holds all values of the picture counts: 0..1, for integers also 0..255 and 0..65535.
    Other values are stretched, so that the least is black and the greatest white.
    Raises ImageError.
    """
    name, data = (_("The picture"), source) if isinstance(source, bytes) else (shown(source), read_file(source))
    if not data:
        raise ImageError(_("{name} is empty.").format(name=name))
    if len(data) > MAX_BYTES:
        raise ImageError(_("{name} is larger than {most} MB.").format(name=name, most=MAX_BYTES >> 20))
    try:
        with _decoding:
            return decoded(data, name)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        sentence = _("{name} is too large: at most {megapixels} megapixels and {side:,} pixels a side can be read.")
        raise ImageError(sentence.format(name=name, megapixels=MAX_PIXELS // 10**6, side=MAX_SIDE)) from error
    except UnidentifiedImageError as error:
        raise ImageError(what_else(data).format(name=name)) from error
    except MemoryError as error:
        raise ImageError(_("{name} needs more memory than there is.").format(name=name)) from error
    except Exception as error:  # Pillow's readers raise a dozen types on damaged files
        sentence = _("{name} cannot be decoded: it is damaged, cut off or of a rare kind.")
        raise ImageError(sentence.format(name=name)) from error


def decoded(data: bytes, name: str) -> Image.Image:
    """The picture, upright; raises ImageError and whatever Pillow raises."""
    if is_costly(data):
        sentence = _("{name} is made of too many or too large parts for an ordinary picture.")
        raise ImageError(sentence.format(name=name))
    if (values := tiff_floats.read(data, MAX_PIXELS)) is not None:
        return halved(Image.fromarray(values_as_bytes(values, is_float=True)).convert("RGB"))
    image = loaded(data)
    if image.format == "PNG" and b"IEND" not in data:  # Pillow asks for no more than the pixels
        raise EOFError
    transpose, profile = exif_transpose(image), image.info.get("icc_profile")
    rgb = halved(in_srgb(image, profile) or to_rgb(image))
    return rgb if transpose is None else rgb.transpose(transpose)


def loaded(data: bytes) -> Image.Image:
    """The picture as the file stores it; raises whatever Pillow raises.

    A JPEG whose last two bytes are missing has all its pixels. What cannot be missed is told from them by decoding
    again with other bytes in the place of what follows: a pixel that is not there comes out differently.
    """
    try:
        return opened(data)
    except OSError:
        if not data.startswith(b"\xff\xd8"):
            raise
        data = data.removesuffix(JPEG_END[:1])
        image = opened(data + JPEG_END)
        for filler in (b"\x55", b"\xaa"):
            if opened(data + 64 * filler + JPEG_END).tobytes() != image.tobytes():
                raise
        return image


def opened(data: bytes) -> Image.Image:
    """A picture with its pixels; a large JPEG at half its width and height, which saves time and memory."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    check_pixels(*image.size)
    if image.width * image.height > MOST_KEPT:
        image.draft(None, (image.width // 2, image.height // 2))  # does nothing but to a JPEG
    image.load()
    return image


def halved(image: Image.Image) -> Image.Image:
    """A picture of more than `MOST_KEPT` pixels at half its width and height, any other as it is."""
    return image.reduce(2) if image.width * image.height > MOST_KEPT else image


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """The picture as `to_rgb` gives it, its colours turned from those of its profile into sRGB's.

    None where there is nothing to turn: no profile, one that is sRGB's or cannot be used, or other colours than RGB.
    """
    if not profile or image.mode not in ("RGB", "RGBA"):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        turned = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=image.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return to_rgb(turned) if turned else None


def read_file(path: str | PathLike[str]) -> bytes:
    """The content of a regular file, up to one byte over the limit; raises ImageError."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # reading from a pipe might wait for ever
            raise OSError(errno.EINVAL, _("it is not a file"))
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sentence = _("{name} cannot be read ({reason}).")
        raise ImageError(sentence.format(name=shown(path), reason=reason)) from error


def shown(path: str | PathLike[str]) -> str:
    """The name of a file as it stands in a sentence."""
    # Translators: the name of a file, in the quotation marks that your language puts round it, if any.
    return _("{file}").format(file=Path(path).name)


def check_pixels(width: int, height: int) -> None:
    """Raises DecompressionBombError, as Pillow does, for a picture above `MAX_SIDE` or `MAX_PIXELS`."""
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Image.DecompressionBombError


def is_costly(data: bytes) -> bool:
    """Whether a file would cost far more time or memory than its bytes and pixels justify."""
    if data.startswith(b"\xff\xd8"):
        return has_many_segments(data)
    if data.startswith(b"\x89PNG"):
        return sum(map(data.count, PNG_PACKED_TEXTS)) > MAX_PNG_PACKED_TEXTS  # each unpacks to up to 1 MB
    if data.startswith(tuple(TiffImagePlugin.PREFIXES)):
        return has_costly_pieces(data)
    return False


def has_many_segments(data: bytes) -> bool:
    """Whether a JPEG has `MAX_JPEG_SEGMENTS`: each scan goes over all pixels, each EXIF segment over those before."""
    position = 0
    for _segment in range(MAX_JPEG_SEGMENTS):
        marker = JPEG_SEGMENT.search(data, position)
        if marker is None:
            return False
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return True


def has_costly_pieces(data: bytes) -> bool:
    """Whether a TIFF's strips or tiles are too many, larger than any picture, or cover the picture over and over."""
    file = io.BytesIO(data)
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[:16] if data[2] == 43 else data[:8])  # 43: BigTIFF
    file.seek(tags.next)
    tags.load(file)
    width, height = tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH]
    check_pixels(width, height)
    if TiffImagePlugin.STRIPOFFSETS in tags:
        pieces = len(tags[TiffImagePlugin.STRIPOFFSETS])
        area = width * min(height, tags.get(TiffImagePlugin.ROWSPERSTRIP, height))
    else:
        pieces = len(tags[TiffImagePlugin.TILEOFFSETS])
        area = tags[TiffImagePlugin.TILEWIDTH] * tags[TiffImagePlugin.TILELENGTH]
    planes = TiffImagePlugin.MAX_SAMPLESPERPIXEL
    return pieces > MAX_TIFF_PIECES or area > MAX_PIXELS or pieces * area > planes * MAX_PIXELS


def exif_transpose(image: Image.Image) -> Image.Transpose | None:
    """How to turn a loaded picture upright; one whose metadata is damaged is shown as it lies."""
    try:
        return TRANSPOSES.get(image.getexif().get(EXIF_ORIENTATION, 1))
    except Exception:  # as many types as the decoders raise
        return None


def to_rgb(image: Image.Image) -> Image.Image:
    """A new picture in mode RGB without metadata."""
    if image.mode == "F" or image.mode.startswith("I"):
        image = Image.fromarray(grey_bytes(image))
    if image.mode == "La":  # premultiplied; it converts to nothing but LA
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        rgb = Image.new("RGB", image.size, "white")
        rgb.paste(image, mask=image)
    else:
        rgb = image.convert("RGB")
    rgb.info.clear()
    return rgb


def grey_bytes(image: Image.Image) -> NDArray[np.uint8]:
    """Grey of mode I;16, I or F as bytes of the same shape, by the rules of `load_image`; not-a-number is black."""
    values = np.array(image, dtype=np.float32)
    if image.mode.startswith("I;16"):
        grey = values_as_bytes(values, (0.0, 65535.0))
    else:
        grey = values_as_bytes(values, is_float=image.mode == "F")
    # Pillow turns WhiteIsZero round for 1 and 8 bits alone.
    tags = getattr(image, "tag_v2", {})
    return 255 - grey if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO else grey


def values_as_bytes(
    values: NDArray[np.float32], limits: tuple[float, float] | None = None, is_float: bool = False
) -> NDArray[np.uint8]:
    """Values of any range as bytes of the same shape. It may overwrite them.

    limits: what is black and what is white; without them the rules of `load_image` find these.
    """
    if limits:
        low, high = limits
    else:
        finite = np.isfinite(values)
        low = float(values.min(initial=np.inf, where=finite))
        high = float(values.max(initial=-np.inf, where=finite))
        ranges = (1.0,) if is_float else (1.0, 255.0, 65535.0)
        if low >= 0 and high <= ranges[-1]:
            low, high = 0.0, next(white for white in ranges if high <= white)
    with np.errstate(over="ignore"):  # what overflows is white
        values -= low
        values *= 255 / max(high - low, 1e-30)
    np.rint(values.clip(0, 255, out=values), out=values)
    return np.nan_to_num(values, copy=False).astype(np.uint8)


def what_else(data: bytes) -> str:
    """The sentence about a file that is none of `FORMATS`, with a place for its name."""
    if b"<svg" in data[:4096].lower():
        return _("{name} is a vector graphic (SVG), which is not supported: save it as JPEG or PNG.")
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return _("{name} is a HEIC or AVIF picture, which is not supported: save it as JPEG or PNG.")
    return _("{name} is not a JPEG, PNG, WebP, GIF, BMP or TIFF picture, or its header is damaged.")
