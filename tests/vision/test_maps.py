"""Maps as pictures: the scales say what they should, sheets hold every map, files hold what was put in."""

import colorsys
import io

import numpy as np
import pytest
from PIL import Image

from inception.vision.maps import (
    GAP,
    TEXT,
    color_bar,
    contact_sheet,
    heat_map,
    lay_over,
    map_file,
    map_image,
    npz_bytes,
    png_bytes,
)

RAMP = np.linspace(-1, 1, 101, dtype=np.float32)[None]


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def lightness(colors: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB colours (..., 3)."""
    linear = np.where(colors / 255 <= 0.04045, colors / 255 / 12.92, ((colors / 255 + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_more_is_lighter_in_even_steps() -> None:
    steps = np.diff(lightness(pixels(heat_map(RAMP, -1, 1))[0]))
    assert steps.min() > 0, "lightness alone tells more from less, whatever one's colour vision"
    assert steps.max() < 3 * steps.mean()


def test_signed_is_pale_at_0_blue_below_and_red_above() -> None:
    colors = pixels(heat_map(RAMP, -1, 1, signed=True))[0]
    light = lightness(colors)
    assert light[43:58].min() > light[:42].max() > light[0] + 30
    assert np.diff(light[:43]).min() > 0 > np.diff(light[58:]).max()
    assert np.ptp(colors[50]) < 25, "0 has next to no colour"
    assert abs(light[0] - light[-1]) < 15, "as dark on both sides"
    low, high = (colorsys.rgb_to_hsv(*color / 255)[0] for color in (colors[0], colors[-1]))
    assert 0.5 < low < 0.7, "blue"
    assert high < 0.05 or high > 0.95, "red"


@pytest.mark.parametrize("signed", [False, True])
def test_values_beyond_the_range_take_its_ends(signed: bool) -> None:
    colors = pixels(heat_map(np.array([[-9, -1, 1, 9]], dtype=np.float32), -1, 1, signed))[0]
    assert (colors[0] == colors[1]).all()
    assert (colors[2] == colors[3]).all()
    assert (colors[1] != colors[2]).any()


def test_a_map_of_zeros_has_the_colour_of_0() -> None:
    zeros = np.zeros((2, 2), dtype=np.float32)
    assert (
        pixels(heat_map(zeros, 0, 0, signed=True))[0, 0].tolist() == pixels(heat_map(RAMP, -1, 1, True))[0, 50].tolist()
    )
    assert pixels(heat_map(zeros, 0, 0))[0, 0].tolist() == pixels(heat_map(RAMP, -1, 1))[0, 0].tolist()


def test_map_image_can_be_signed() -> None:
    image = pixels(map_image(np.array([[0.0, 4.0], [-1.0, 0.0]], dtype=np.float32), 64, signed=True))
    zero = pixels(heat_map(RAMP, -1, 1, True))[0, 50]
    assert image.shape == (64, 64, 3)
    assert (image[0, 0] == zero).all()
    assert (image[-1, -1] == zero).all(), "0 looks the same wherever it is"
    assert (image[0, -1] == pixels(heat_map(RAMP, -1, 1, True))[0, -1]).all()


def test_laid_over_nothing_of_the_pictures_colour_is_left() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8))
    values = np.arange(20, dtype=np.float32).reshape(4, 5)
    before = picture.tobytes()
    assert lay_over(picture, values, 0, 19, opacity=1).tobytes() == heat_map(values, 0, 19).tobytes()
    assert lay_over(picture, values, 0, 19, opacity=0).tobytes() == picture.convert("L").convert("RGB").tobytes()
    half = pixels(lay_over(picture, values, 0, 19, opacity=0.5))
    expected = (pixels(picture.convert("L").convert("RGB")) + pixels(heat_map(values, 0, 19))) / 2
    assert np.abs(half - expected).max() <= 1
    assert picture.tobytes() == before


@pytest.mark.parametrize("signed", [False, True])
def test_the_legend_runs_from_low_to_high(signed: bool) -> None:
    bar = color_bar(signed, (101, 7))
    assert bar.size == (101, 7)
    assert np.abs(pixels(bar) - pixels(heat_map(RAMP, -1, 1, signed))).max() <= 1


def test_a_sheet_holds_every_map_and_its_caption() -> None:
    maps = np.random.default_rng(0).random((5, 3, 3), dtype=np.float32)
    side, width, height = 30, 30 + GAP, 30 + TEXT + 2 * GAP
    sheet = contact_sheet(maps, ["a", "b", "c", "d", "e, with a caption far wider than its map"], side, columns=3)
    assert sheet.size == (3 * width + GAP, 2 * height + GAP)
    whole = pixels(sheet)
    for i, one in enumerate(maps):
        left, top = GAP + i % 3 * width, GAP + i // 3 * height
        assert (whole[top : top + side, left : left + side] == pixels(map_image(one, side))).all()
        below = whole[top + side : top + side + TEXT + GAP, left : left + side]
        assert below.min() < 100, "a caption"
        whole[top : top + side + TEXT + GAP, left : left + side] = 255
    assert whole.min() == 255, "nothing else"


def test_a_sheet_needs_a_caption_for_each_map() -> None:
    maps = np.zeros((2, 3, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="a caption for each"):
        contact_sheet(maps, ["only one"], 30)
    with pytest.raises(ValueError, match="needs maps"):
        contact_sheet(maps[:0], [], 30)
    assert contact_sheet(maps, ["a", "b"], 30).width == 2 * 30 + 3 * GAP, "no wider than its maps"


def test_files_hold_what_was_put_in() -> None:
    picture = Image.new("RGB", (3, 2), (1, 2, 3))
    maps, channels = np.random.default_rng(0).random((2, 3, 4), dtype=np.float32), np.array([7, 1])
    with np.load(io.BytesIO(npz_bytes(maps=maps, channels=channels, picture=picture)), allow_pickle=False) as file:
        assert sorted(file) == ["channels", "maps", "picture"]
        assert np.array_equal(file["maps"], maps)
        assert file["maps"].dtype == np.float32
        assert np.array_equal(file["channels"], channels)
        assert np.array_equal(file["picture"], np.asarray(picture))
    image = heat_map(maps[0], 0, 1)
    with Image.open(io.BytesIO(png_bytes(image))) as read:
        assert read.format == "PNG"
        assert read.tobytes() == image.tobytes()


def test_no_file_holds_a_pickle() -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        npz_bytes(anything=np.array([object()]))


def test_files_of_maps_look_like_their_pictures() -> None:
    for signed in (False, True):
        for one in (RAMP.reshape(-1, 1) + np.linspace(0, 3, 70, dtype=np.float32), np.zeros((5, 7), np.float32)):
            picture, file = map_image(one, 88, signed), map_file(one, 88, signed)
            opened = Image.open(io.BytesIO(file))
            assert (opened.size, opened.mode) == (picture.size, "RGB" if signed else "P")
            assert np.abs(pixels(opened.convert("RGB")) - pixels(picture)).max() <= 2, "a shade of 256"
