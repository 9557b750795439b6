import csv
import io
import os
import re
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

import inception
from inception import words
from inception.runtime import image
from inception.runtime.image import FORMATS, MAX_BYTES, ImageError, load_image

ASSETS = Path(inception.__file__).parents[1] / "assets"
SAMPLES = sorted((ASSETS / "samples").iterdir())
LOSSLESS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("WEBP", {"lossless": True, "exact": True}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_deflate"}),
]
# Pillow warns of much that it then raises, too.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::RuntimeWarning:PIL")

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# How a stored picture becomes upright, from the EXIF standard's words on which sides row 0 and column 0 are.
UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda a: a,  # top, left
    2: lambda a: a[:, ::-1],  # top, right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.transpose(1, 0, 2),  # left, top
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],  # right, top
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],  # right, bottom
    8: lambda a: a.transpose(1, 0, 2)[::-1],  # left, bottom
}


def encode(image: Image.Image, fmt: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def noise(width: int = 13, height: int = 9) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def pixels(data: bytes) -> NDArray[np.uint8]:
    image = load_image(data)
    assert image.mode == "RGB"
    return np.asarray(image)


def row(data: bytes) -> list[tuple[int, ...]]:
    """The pixels of the first row."""
    return [tuple(map(int, pixel)) for pixel in pixels(data)[0]]


def grey_row(data: bytes) -> list[int]:
    values = pixels(data)[0]
    assert (values == values[:, :1]).all()
    return values[:, 0].tolist()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, bits: int, colour: int, rows: bytes, before: bytes = b"") -> bytes:
    """A PNG from its scan lines (without filter bytes); `before` are chunks between IHDR and IDAT."""
    step = len(rows) // height
    lines = b"".join(b"\0" + rows[y * step : (y + 1) * step] for y in range(height))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")


def tiff(tags: dict[int, int | tuple[int, ...]], body: bytes) -> bytes:
    """A little-endian TIFF of LONG and SHORT tags; tags 273 and 324 must hold 1000, where `body` starts."""
    entries, extra = b"", b""
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (value,)
        kind, letter = (3, "H") if tag in {258, 259, 262, 277, 284, 338, 339} else (4, "I")
        packed = struct.pack(f"<{len(values)}{letter}", *values)
        if len(packed) > 4:
            packed, extra = struct.pack("<I", 500 + len(extra)), extra + packed
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    start = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0\0\0\0"
    return (start.ljust(500, b"\0") + extra).ljust(1000, b"\0") + body


def tiff_grey(width: int, height: int, bits: int, body: bytes, **more: int | tuple[int, ...]) -> bytes:
    tags: dict[int, int | tuple[int, ...]] = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 277: 1}
    tags |= {273: 1000, 278: height, 279: len(body)} | {int(tag[1:]): value for tag, value in more.items()}
    return tiff(tags, body)


@pytest.mark.parametrize(("fmt", "options"), LOSSLESS)
def test_lossless_formats_give_exactly_the_pixels(fmt: str, options: dict[str, Any]) -> None:
    np.testing.assert_array_equal(pixels(encode(noise(), fmt, **options)), np.asarray(noise()))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "optimize": True}])
def test_jpeg(options: dict[str, Any]) -> None:
    data = encode(Image.new("RGB", (40, 30), (200, 100, 50)), "JPEG", quality=95, **options)
    assert pixels(data).shape == (30, 40, 3)
    assert np.abs(pixels(data).astype(int) - (200, 100, 50)).max() <= 2


def test_gif() -> None:
    image = noise().quantize(16)
    np.testing.assert_array_equal(pixels(encode(image, "GIF")), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
@pytest.mark.parametrize("fmt", FORMATS)
def test_tiny_pictures_are_pictures(fmt: str, size: tuple[int, int]) -> None:
    assert load_image(encode(Image.new("RGB", size, "red"), fmt)).size == size


def test_paths_as_text_or_object_whatever_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "really a png.jpg"
    path.write_bytes(encode(noise(), "PNG"))
    for source in (path, str(path)):
        image = load_image(source)
        np.testing.assert_array_equal(np.asarray(image), np.asarray(noise()))
    path.unlink()
    image.putpixel((0, 0), (1, 2, 3))  # the picture needs its file no longer and may be written to


def test_the_picture_carries_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    image = load_image(encode(noise(), "PNG", exif=exif, icc_profile=SRGB))
    assert type(image) is Image.Image
    assert image.info == {}
    assert b"where I live" not in encode(image, "PNG") + encode(image, "JPEG")


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(("fmt", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), *LOSSLESS[3:5]])
def test_exif_orientation(orientation: int, fmt: str, options: dict[str, Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = UPRIGHT[orientation](np.asarray(noise()))
    np.testing.assert_array_equal(pixels(encode(noise(), fmt, exif=exif, **options)), expected)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_of_a_photograph(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = np.random.default_rng(1).integers(0, 256, (2, 3, 3), dtype=np.uint8)
    stored = blocks.repeat(16, axis=0).repeat(16, axis=1)
    upright = pixels(encode(Image.fromarray(stored), "JPEG", quality=100, subsampling=0, exif=exif))
    assert np.abs(upright.astype(int) - UPRIGHT[orientation](stored)).max() <= 4


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40])
@pytest.mark.parametrize("fmt", ["PNG", "JPEG"])
def test_damaged_exif_does_not_cost_the_picture(fmt: str, exif: bytes) -> None:
    expected = pixels(encode(noise(), fmt))
    np.testing.assert_array_equal(pixels(encode(noise(), fmt, exif=exif)), expected)


def test_cmyk_tiff() -> None:
    inks = [(0, 0, 0, 0), (0, 0, 0, 255), (0, 255, 255, 0), (128, 0, 0, 0), (0, 0, 0, 100), (51, 0, 102, 127)]
    image = Image.new("CMYK", (len(inks), 1))
    image.putdata(inks)
    expected = [tuple(round((255 - ink) * (255 - k) / 255) for ink in cmy) for *cmy, k in inks]
    assert row(encode(image, "TIFF")) == expected


def test_cmyk_jpeg_as_photoshop_writes_it() -> None:
    data = encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    assert np.abs(pixels(data).astype(int) - (255, 0, 0)).max() <= 4


def test_palette() -> None:
    palette = png_chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 10, 20, 30]))
    assert row(png(3, 1, 8, 3, bytes([2, 0, 1]), palette)) == [(10, 20, 30), (255, 0, 0), (0, 255, 0)]


def test_transparent_palette_entries_are_laid_on_white() -> None:
    palette = png_chunk(b"PLTE", bytes([255, 0, 0, 0, 255, 0, 10, 20, 30])) + png_chunk(b"tRNS", bytes([255, 51, 0]))
    assert row(png(3, 1, 8, 3, bytes([0, 1, 2]), palette)) == [(255, 0, 0), (204, 255, 204), (255, 255, 255)]


def test_transparent_gif_colour_is_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    assert row(encode(image, "GIF", transparency=1)) == [(255, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize(("fmt", "options"), [*LOSSLESS[:2], *LOSSLESS[3:]])
def test_alpha_is_laid_on_white(fmt: str, options: dict[str, Any]) -> None:
    colours = [(200, 100, 0, 255), (200, 100, 0, 0), (200, 100, 0, 51), (0, 0, 0, 128), (9, 90, 199, 77)]
    image = Image.new("RGBA", (len(colours), 1))
    image.putdata(colours)
    expected = [tuple(round((c * a + 255 * (255 - a)) / 255) for c in colour) for *colour, a in colours]
    assert row(encode(image, fmt, **options)) == expected


@pytest.mark.parametrize("fmt", ["PNG", "TIFF"])
def test_grey_with_alpha(fmt: str) -> None:
    image = Image.new("LA", (4, 1))
    image.putdata([(0, 255), (0, 51), (100, 255), (100, 0)])
    assert grey_row(encode(image, fmt)) == [0, 204, 100, 255]


def test_grey_multiplied_by_its_alpha() -> None:
    data = tiff_grey(3, 1, 8, bytes([100, 255, 0, 0, 51, 51]), _258=(8, 8), _277=2, _338=1)
    assert grey_row(data) == [100, 255, 255]  # 51 of 51 is white at a fifth


def test_transparent_grey_and_rgb_keys_of_png() -> None:
    assert grey_row(png(3, 1, 8, 0, bytes([0, 7, 9]), png_chunk(b"tRNS", b"\0\x07"))) == [0, 255, 9]
    key = png_chunk(b"tRNS", struct.pack(">3H", 1, 2, 3))
    assert row(png(2, 1, 8, 2, bytes([1, 2, 3, 1, 2, 4]), key)) == [(255, 255, 255), (1, 2, 4)]


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF", "GIF"])
def test_one_bit(fmt: str) -> None:
    image = Image.new("1", (3, 1))
    image.putdata([0, 255, 0])
    assert grey_row(encode(image, fmt)) == [0, 255, 0]


def test_grey_of_two_and_four_bits() -> None:
    assert grey_row(png(4, 1, 2, 0, bytes([0b00011011]))) == [0, 85, 170, 255]
    assert grey_row(png(2, 1, 4, 0, bytes([0x3F]))) == [51, 255]


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = [0, 128, 129, 257, 300, 25700, 32896, 65406, 65407, 65535]
    expected = [round(value / 257) for value in values]
    assert grey_row(png(len(values), 1, 16, 0, struct.pack(f">{len(values)}H", *values))) == expected
    assert grey_row(tiff_grey(len(values), 1, 16, struct.pack(f"<{len(values)}H", *values))) == expected


def test_big_endian_sixteen_bit_tiff() -> None:
    image = Image.frombytes("I;16B", (3, 1), struct.pack(">3H", 0, 25700, 65535))
    data = encode(image, "TIFF")
    assert data.startswith(b"MM")
    assert grey_row(data) == [0, 100, 255]


def test_sixteen_bit_colour_and_alpha() -> None:
    assert row(png(2, 1, 16, 2, struct.pack(">6H", 0, 257, 25700, 65535, 514, 32896))) == [(0, 1, 100), (255, 2, 128)]
    grey_alpha = png(2, 1, 16, 4, struct.pack(">4H", 25700, 65535, 0, 51 * 257))
    assert grey_row(grey_alpha) == [100, 204]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 1, 0], [0, 255, 255, 0]),
        ([0, 7, 200, 255], [0, 7, 200, 255]),
        ([0, 257, 25700, 65535], [0, 1, 100, 255]),
        ([0, 100_000, 200_000, 200_000], [0, 128, 255, 255]),
        ([-100, 0, 100, 155], [0, 100, 200, 255]),
        ([-7, -7, -7, -7], [0, 0, 0, 0]),
        ([-(2**31), 0, 2**31 - 1, 0], [0, 128, 255, 128]),
    ],
)
def test_integers_of_32_bits(values: list[int], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values], dtype=np.int32))
    assert image.mode == "I"
    assert grey_row(encode(image, "TIFF")) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.25, 0.5, 1], [0, 64, 128, 255]),
        ([0, 0.1, 0.2, 0.4], [0, 26, 51, 102]),  # a dark picture stays dark
        ([0, 51, 102, 255], [0, 51, 102, 255]),
        ([-1, 0, 0.5, 1], [0, 128, 191, 255]),
        ([1000, 1051, 1102, 1255], [0, 51, 102, 255]),
        ([float("nan"), 0, 1, 0.2], [0, 0, 255, 51]),
        ([float("nan"), 1000, 1255, 1051], [0, 0, 255, 51]),
        ([float("-inf"), 0, 1, float("inf")], [0, 0, 255, 255]),
        ([float("nan")] * 4, [0] * 4),
        ([5, 5, 5, 5], [0] * 4),
        ([-3.4e38, 0, 3.4e38, 0], [0, 128, 255, 128]),
    ],
)
def test_floats(values: list[float], expected: list[int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grey_row(encode(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF")) == expected


@pytest.mark.parametrize("fmt", ["PNG", "GIF", "TIFF", "WEBP"])
def test_first_frame(fmt: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    data = encode(
        frames[0], fmt, save_all=True, append_images=frames[1:], **({"lossless": True} if fmt == "WEBP" else {})
    )
    with Image.open(io.BytesIO(data)) as image:
        assert getattr(image, "n_frames", 1) == 3
    assert set(row(data)) == {(255, 0, 0)}


def test_photographs_with_a_second_picture_behind_are_the_first_picture() -> None:
    """Telephones store depth maps and previews so (CIPA's multi-picture format)."""
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ("black", "white"))
    data = encode(first, "MPO", save_all=True, append_images=[second])
    assert pixels(data).max() <= 4


@pytest.mark.parametrize("turned", [False, True])
def test_a_telephones_fifty_megapixels(turned: bool) -> None:
    """8192x6144, in a quarter of the memory: libjpeg decodes it at half its width and height."""
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    blocks = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    stored = Image.fromarray(blocks).resize((8192, 6144), Image.Resampling.NEAREST)
    found = load_image(encode(stored, "JPEG", quality=90, exif=exif))
    assert found.size == ((3072, 4096) if turned else (4096, 3072))
    expected = UPRIGHT[6](blocks) if turned else blocks
    middles = np.asarray(found)[256::512, 256::512].astype(int)
    assert np.abs(middles - expected).max() <= 4


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
def test_a_jpeg_without_its_last_two_bytes_has_all_its_pixels(options: dict[str, Any]) -> None:
    data = encode(noise(64, 48), "JPEG", **options)
    for missing in (1, 2):
        np.testing.assert_array_equal(pixels(data[:-missing]), pixels(data))
    for missing in range(6, 60):
        assert "cut off" in sentence(data[:-missing])


def test_colours_of_a_wide_gamut_become_srgbs() -> None:
    """The most saturated green of Display P3 is beyond sRGB, and its grey is grey; the profile was written by hand."""
    p3 = (Path(__file__).parent / "display_p3.icc").read_bytes()
    image = Image.new("RGB", (3, 1))
    image.putdata([(128, 128, 128), (200, 100, 50), (0, 255, 0)])
    grey, brown, green = row(encode(image, "PNG", icc_profile=p3))
    assert max(abs(channel - 128) for channel in grey) <= 1
    # By the matrices of SMPTE RP 431-2 and IEC 61966-2-1, both with sRGB's curve.
    assert max(abs(a - b) for a, b in zip(brown, display_p3_in_srgb(200, 100, 50), strict=True)) <= 2
    assert green == (0, 255, 0)
    alpha = Image.new("RGBA", (1, 1), (200, 100, 50, 0))
    assert row(encode(alpha, "PNG", icc_profile=p3)) == [(255, 255, 255)]


def display_p3_in_srgb(*colour: int) -> list[int]:
    to_xyz = {
        "p3": [[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0, 0.0451134, 1.0439444]],
        "srgb": [
            [0.4123908, 0.3575843, 0.1804808],
            [0.212639, 0.7151687, 0.0721923],
            [0.0193308, 0.1191948, 0.9505322],
        ],
    }
    encoded = np.array(colour) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    other = (np.linalg.inv(to_xyz["srgb"]) @ np.array(to_xyz["p3"]) @ linear).clip(0, 1)
    return [round(255 * v) for v in np.where(other <= 0.0031308, 12.92 * other, 1.055 * other ** (1 / 2.4) - 0.055)]


@pytest.mark.parametrize("white_is_zero", [False, True])
def test_tiff_where_white_is_zero(white_is_zero: bool) -> None:
    meaning = 0 if white_is_zero else 1
    expected = [0, 100, 255]
    for bits, values in ((16, struct.pack("<3H", 0, 25700, 65535)), (8, bytes([0, 100, 255]))):
        found = grey_row(tiff_grey(3, 1, bits, values, _262=meaning))
        assert found == ([255 - value for value in expected] if white_is_zero else expected)
    floats = grey_row(tiff_grey(3, 1, 32, struct.pack("<3f", 0, 0.4, 1), _262=meaning, _339=3))
    assert floats == ([255, 153, 0] if white_is_zero else [0, 102, 255])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bits", [16, 32, 64])
@pytest.mark.parametrize("samples", [1, 3])
def test_tiff_of_floats(samples: int, bits: int, packed: bool) -> None:
    values = np.array([0, 0.5, 1, 1, 0.25, 0]).reshape(2, -1, samples)
    body = values.astype(f"<f{bits // 8}").tobytes()
    body = zlib.compress(body) if packed else body
    several: dict[str, Any] = {"_258": (bits,) * 3, "_277": 3, "_262": 2, "_339": (3, 3, 3)} if samples == 3 else {}
    data = tiff_grey(values.shape[1], 2, bits, body, **{"_339": 3, "_259": 8 if packed else 1, **several})
    expected = np.rint(255 * values).astype(int)
    assert np.abs(pixels(data).astype(int) - expected).max() <= 1  # of two equally near bytes either will do


def test_floats_in_strips_with_adobes_predictor() -> None:
    """Differences of bytes along a row, the most significant bytes of all samples first (Photoshop TIFF note 3)."""
    values = np.linspace(0, 1, 24, dtype=">f4").reshape(4, 2, 3)
    rows = values.reshape(4, 6).view(np.uint8).reshape(4, 6, 4).transpose(0, 2, 1).reshape(4, 8, 3)
    differences = np.diff(rows, axis=1, prepend=np.zeros((4, 1, 3), np.uint8)).astype(np.uint8)
    strips = [zlib.compress(row.tobytes()) for row in differences]
    starts = tuple(1000 + sum(map(len, strips[:i])) for i in range(4))
    tags: dict[str, Any] = {"_258": (32,) * 3, "_277": 3, "_262": 2, "_339": (3, 3, 3), "_259": 8, "_317": 3}
    tags |= {"_273": starts, "_278": 1, "_279": tuple(map(len, strips))}
    found = pixels(tiff_grey(2, 4, 32, b"".join(strips), **tags))
    assert np.abs(found - 255 * values.astype(np.float64)).max() <= 0.51


def test_floats_that_unpack_to_too_much_are_refused() -> None:
    body = zlib.compress(bytes(8 * 3 * 10_000))
    data = tiff_grey(7000, 7000, 64, body, _258=(64,) * 3, _277=3, _262=2, _339=(3, 3, 3), _259=8)
    assert "too large" in sentence(data)


@pytest.mark.parametrize("profile", [SRGB, b"nonsense"])
@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_these_embedded_profiles_change_nothing(fmt: str, profile: bytes) -> None:
    np.testing.assert_array_equal(pixels(encode(noise(), fmt, icc_profile=profile)), pixels(encode(noise(), fmt)))


def sentence(source: bytes | str | os.PathLike[str]) -> str:
    with pytest.raises(ImageError) as caught:
        load_image(source)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("fmt", "options"), [*LOSSLESS, ("GIF", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {})]
)
def test_truncated(fmt: str, options: dict[str, Any]) -> None:
    data = encode(noise(64, 48), fmt, **options)
    for percent in range(1, 100, 7):
        text = sentence(data[: len(data) * percent // 100])
        assert "cut off" in text or "header is damaged" in text
    assert "cut off" in sentence(data[: -len(data) // 100])


def test_png_without_its_end() -> None:
    data = encode(noise(), "PNG")
    assert "cut off" in sentence(data[:-12])


@pytest.mark.parametrize(
    "text", [b"These are words.", b"%PDF-1.7\n", b"\0" * 100, b"MZ", b"BM", b"GIF89a", b"\xff\xd8\xff"]
)
def test_what_is_no_picture(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(text)
    assert sentence(path).startswith("holiday.jpg ")
    assert sentence(text).startswith("The picture ")


def test_renamed_text_is_told_what_would_do() -> None:
    assert "is not a JPEG, PNG, WebP, GIF, BMP or TIFF picture" in sentence(b"These are words.")


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "nothing.png").touch()
    assert sentence(tmp_path / "nothing.png") == "nothing.png is empty."
    assert sentence(b"") == "The picture is empty."


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b'<?xml version="1.0"?>\n<!-- drawn -->\n'])
def test_svg(start: bytes) -> None:
    text = sentence(start + b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    assert "vector" in text
    assert "save it as JPEG or PNG" in text


def test_heic_and_avif() -> None:
    heic = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + b"\0" * 100
    avif = encode(noise(16, 16), "AVIF")
    for data in (heic, avif):
        assert "HEIC or AVIF" in sentence(data)
        assert "save it as JPEG or PNG" in sentence(data)


@pytest.mark.parametrize("fmt", ["EPS", "PPM", "ICO", "ICNS", "JPEG2000", "PCX", "TGA", "SGI", "DDS", "PDF", "BLP"])
def test_formats_beyond_the_list_are_refused_though_pillow_knows_them(fmt: str) -> None:
    image = Image.new("P" if fmt == "BLP" else "RGB", (32, 32))
    assert "is not a JPEG, PNG, WebP, GIF, BMP or TIFF picture" in sentence(encode(image, fmt))


def test_unreadable_paths(tmp_path: Path) -> None:
    assert sentence(tmp_path / "missing.png") == "missing.png cannot be read (No such file or directory)."
    assert "not a file" in sentence(tmp_path)
    assert "cannot be read" in sentence("nul\0byte")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in the file system are a Unix thing")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a file" in sentence(tmp_path / "pipe.png")


def header_only(fmt: str, width: int, height: int) -> bytes:
    """A file that declares a size and has no pixels."""
    if fmt == "PNG":
        return png(width, height, 8, 2, b"")
    if fmt == "BMP":
        data = bytearray(encode(Image.new("RGB", (1, 1)), "BMP"))
        data[18:26] = struct.pack("<II", width, height)
        return bytes(data)
    if fmt == "GIF":
        return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2L\1\0;"
    if fmt == "TIFF":
        return tiff_grey(width, height, 8, b"\0" * 16)
    if fmt == "JPEG":
        data = bytearray(encode(Image.new("RGB", (8, 8)), "JPEG"))
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
        return bytes(data)
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = bytearray(encode(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    assert data[12:16] == b"VP8X"
    data[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


@pytest.mark.parametrize("size", [(8192, 6145), (10_000, 10_000), (16_000, 16_000), (32_769, 8)])
@pytest.mark.parametrize("fmt", FORMATS)
def test_too_many_pixels_are_refused_by_the_header(fmt: str, size: tuple[int, int]) -> None:
    text = sentence(header_only(fmt, *size))
    assert text == "The picture is too large: at most 50 megapixels and 32,768 pixels a side can be read."


def test_fifty_megapixels_and_the_longest_side_are_read() -> None:
    """More than 25 megapixels come at half the width and height."""
    assert load_image(png(10_000, 5000, 1, 0, bytes(1250 * 5000))).size == (5000, 2500)
    assert load_image(png(5000, 5000, 1, 0, bytes(625 * 5000))).size == (5000, 5000)
    assert load_image(png(32_768, 1, 1, 0, bytes(4096))).size == (32_768, 1)


def test_bytes_are_limited(tmp_path: Path) -> None:
    data = encode(noise(), "PNG")
    (tmp_path / "padded.png").write_bytes(data.ljust(MAX_BYTES, b"\0"))
    assert load_image(tmp_path / "padded.png").size == noise().size
    (tmp_path / "padded.png").write_bytes(data.ljust(MAX_BYTES + 1, b"\0"))
    assert sentence(tmp_path / "padded.png") == "padded.png is larger than 20 MB."
    assert "larger than 20 MB" in sentence(data.ljust(MAX_BYTES + 1, b"\0"))


def test_threads_share_nothing() -> None:
    fmts = [(fmt, options) for fmt, options in LOSSLESS for _ in range(10)]
    files = [encode(noise(50 + i, 40), fmt, **options) for i, (fmt, options) in enumerate(fmts)]
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    ready = threading.Barrier(8)
    with ThreadPoolExecutor(8, initializer=ready.wait) as pool:
        results = list(pool.map(pixels, files))
    for i, result in enumerate(results):
        np.testing.assert_array_equal(result, np.asarray(noise(50 + i, 40)))
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_small_and_credited(path: Path) -> None:
    image = load_image(path)
    assert 299 <= max(image.size) <= 640
    assert path.stat().st_size <= 100_000
    with Image.open(path) as stored:
        assert not stored.getexif()
    assert f"\n| {path.name} | " in (ASSETS / "CREDITS.md").read_text(encoding="utf-8")


def test_no_credit_without_a_sample() -> None:
    credited = re.findall(r"^\| (\S+\.jpg) \|", (ASSETS / "CREDITS.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert credited == [path.name for path in [*SAMPLES, *sorted(ASSETS.glob("faces/*.jpg"), reverse=True)]]


def test_imagenet_classes() -> None:
    """Indices that everybody knows, and as many classes and synsets as there are."""
    with (ASSETS / "imagenet_classes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(1000))
    assert len({row["synset"] for row in rows}) == 1000
    assert [row["synset"] for row in rows] == sorted(row["synset"] for row in rows)
    known = {
        0: "tench",
        1: "goldfish",
        88: "macaw",
        281: "tabby",
        817: "sports car",
        985: "daisy",
        999: "toilet tissue",
    }
    assert {index: rows[index]["label"].split(", ")[0] for index in known} == known


def test_few_are_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One can need 1 GB."""
    inside, most = [], []

    def slow(data: bytes, name: str) -> Image.Image:
        inside.append(name)
        most.append(len(inside))
        time.sleep(0.02)
        inside.pop()
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(image, "decoded", slow)
    with ThreadPoolExecutor(8) as readers:
        list(readers.map(load_image, [b"x"] * 8))
    assert len(most) == 8
    assert max(most) == image.AT_ONCE


def test_a_sentence_in_another_language_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"")
    with words.speaking("zh_CN"):
        with pytest.raises(ImageError, match=r"^“a.jpg”是空文件。$"):
            load_image(file)
        with pytest.raises(ImageError, match=r"^图片不是 JPEG"):
            load_image(b"only words")
