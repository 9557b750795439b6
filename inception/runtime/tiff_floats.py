"""TIFF pictures of floats that Pillow does not read: grey of 16 or 64 bits, and RGB of 16, 32 or 64.

Pillow still undoes every compression: it is given the same file with tags that call each sample so many bytes of grey.
"""

import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

FLOAT = 3  # of the tag SampleFormat
KINDS = {16: "f2", 32: "f4", 64: "f8"}  # by bits a sample
PREDICTOR = 317
FLOAT_PREDICTOR = 3
LONG = 4  # the type of a tag's value
CHUNKY = 1  # of PlanarConfiguration: the samples of a pixel lie side by side
COMPRESSIONS = (1, 5, 8, 32773, 32946)  # none, LZW, deflate, PackBits, deflate's older number


def read(data: bytes, most_pixels: int) -> NDArray[np.float32] | None:
    """The samples of such a picture, (H, W) or (H, W, 3) float32; None for any other file.

    Values beyond float32 are infinite. most_pixels: of 4 bytes, which the samples may fill.
    Raises DecompressionBombError where they would fill more, and whatever Pillow raises.
    """
    if not data.startswith(tuple(TiffImagePlugin.PREFIXES)) or data[2] == 43:  # 43: BigTIFF
        return None
    tags = _tags(data)
    bits, samples = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,)), tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)
    is_float = set(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))) == {FLOAT}
    kind = KINDS.get(bits[0]) if len(set(bits)) == 1 else None
    if not is_float or kind is None or samples not in (1, 3) or (samples, kind) == (1, "f4"):
        return None
    if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, CHUNKY) != CHUNKY:
        return None
    if tags.get(TiffImagePlugin.COMPRESSION, 1) not in COMPRESSIONS or TiffImagePlugin.STRIPOFFSETS not in tags:
        return None
    width, height, size = tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH], np.dtype(kind).itemsize
    if width * height * samples * size > 4 * most_pixels:
        raise Image.DecompressionBombError
    rows = _bytes_of(data, tags, width * samples * size)
    order = ">" if data[:2] == b"MM" else "<"
    if tags.get(PREDICTOR, 1) == FLOAT_PREDICTOR:  # Adobe's: differences of bytes, the most significant ones first
        summed = np.cumsum(rows.reshape(height, -1, samples), axis=1, dtype=np.uint8).reshape(height, size, -1)
        rows, order = np.ascontiguousarray(summed.transpose(0, 2, 1)), ">"
    with np.errstate(over="ignore"):
        values = np.frombuffer(rows.tobytes(), f"{order}{kind}").astype(np.float32)
    values = values.reshape((height, width) if samples == 1 else (height, width, samples))
    return -values if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0 and samples == 1 else values


def _tags(data: bytes) -> ImageFileDirectory_v2:
    file = io.BytesIO(data)
    tags = ImageFileDirectory_v2(data[:8])
    file.seek(tags.next)
    tags.load(file)
    return tags


def _bytes_of(data: bytes, tags: ImageFileDirectory_v2, width: int) -> NDArray[np.uint8]:
    """The rows of a picture as bytes, (H, width): Pillow reads a file that calls them 8-bit grey."""
    grey: dict[int, Any] = {
        TiffImagePlugin.IMAGEWIDTH: width,
        TiffImagePlugin.IMAGELENGTH: tags[TiffImagePlugin.IMAGELENGTH],
        TiffImagePlugin.BITSPERSAMPLE: 8,
        TiffImagePlugin.COMPRESSION: tags.get(TiffImagePlugin.COMPRESSION, 1),
        TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: 1,
        TiffImagePlugin.SAMPLESPERPIXEL: 1,
        TiffImagePlugin.ROWSPERSTRIP: tags.get(TiffImagePlugin.ROWSPERSTRIP, tags[TiffImagePlugin.IMAGELENGTH]),
        TiffImagePlugin.STRIPOFFSETS: tags[TiffImagePlugin.STRIPOFFSETS],
        TiffImagePlugin.STRIPBYTECOUNTS: tags[TiffImagePlugin.STRIPBYTECOUNTS],
    }
    order: Literal["big", "little"] = "big" if data[:2] == b"MM" else "little"
    at = len(data) + len(data) % 2
    arrays = at + 2 + 12 * len(grey) + 4  # behind the directory
    entries, behind = b"", b""
    for tag, value in sorted(grey.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = b"".join(number.to_bytes(4, order) for number in values)
        if len(values) > 1:
            packed, behind = (arrays + len(behind)).to_bytes(4, order), behind + packed
        entries += tag.to_bytes(2, order) + LONG.to_bytes(2, order) + len(values).to_bytes(4, order) + packed
    directory = len(grey).to_bytes(2, order) + entries + bytes(4) + behind
    file = data[:4] + at.to_bytes(4, order) + data[8:].ljust(at - 8, b"\0") + directory
    image = Image.open(io.BytesIO(file), formats=["TIFF"])
    return np.asarray(image)
