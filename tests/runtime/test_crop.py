"""Which part of a picture a network gets: cut, padded or squashed, in a box of one's own or not."""

import math

import numpy as np
import pytest
from PIL import Image

from inception.paths import ROOT
from inception.runtime.crop import Box, Crop, CropError, Fit
from inception.runtime.preprocess import crop_and_resize, framed, lost_share, stretch
from inception.weights.preprocessing import TIMM_V4, Preprocessing

SMALL = Preprocessing(mean=127.5, std=127.5, crop=1.0, interpolation="bicubic", detail=32)
CAT = ROOT / "assets" / "samples" / "cat.jpg"


def halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def test_without_a_choice_it_is_what_timm_cuts_out() -> None:
    """The short side scaled to size / crop and the centre cut out, which is one resize of a box in the centre."""
    image = Image.open(CAT).convert("RGB")
    side = 0.875 * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    expected = image.resize((96, 96), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    assert crop_and_resize(image, (96, 96), TIMM_V4).tobytes() == expected.tobytes()
    assert crop_and_resize(image, (96, 96), TIMM_V4, Crop((0, 0, *image.size))).tobytes() == expected.tobytes()


@pytest.mark.parametrize("preprocessing", [TIMM_V4, SMALL], ids=["v4", "detail"])
def test_pad_shows_all_of_a_long_picture_between_its_mean_colour(preprocessing: Preprocessing) -> None:
    seen = np.asarray(crop_and_resize(halves(220, 66), (96, 96), preprocessing, Crop(fit=Fit.PAD))).astype(int)
    for row in (0, 20, 75, 95):
        assert abs(seen[row] - (127.5, 0, 127.5)).max() <= 1.5
    assert seen[48, 2].tolist() == [255, 0, 0]
    assert seen[48, 93].tolist() == [0, 0, 255]
    coloured = (abs(seen[:, :40] - (127.5, 0, 127.5)).max(axis=2) > 60).sum(axis=0)
    assert abs(coloured - 96 * 66 / 220).max() <= 3.2  # rounded to whole pixels, of the 32 where there is detail


def test_squash_stretches_all_of_it_over_the_frame() -> None:
    for preprocessing in (TIMM_V4, SMALL):
        seen = np.asarray(crop_and_resize(halves(220, 66), (96, 80), preprocessing, Crop(fit=Fit.SQUASH)))
        assert seen.shape == (96, 80, 3)
        assert (seen[:, :36] == (255, 0, 0)).all()
        assert (seen[:, 44:] == (0, 0, 255)).all()


def test_a_box_is_all_that_the_network_gets_however_it_is_fitted() -> None:
    image = Image.new("RGB", (300, 200), "white")
    image.paste("black", (100, 50, 180, 90))
    for fit in Fit:
        seen = np.asarray(crop_and_resize(image, (64, 64), TIMM_V4, Crop((100, 50, 180, 90), fit)))
        assert not seen[32, 2:-2].any(), fit  # the filter at the edges reaches one pixel beyond the box
        assert seen.max() <= 128, fit


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (1, 1), (299, 299)])
def test_any_shape_becomes_the_networks(size: tuple[int, int], fit: Fit) -> None:
    for preprocessing in (TIMM_V4, SMALL):
        assert crop_and_resize(Image.new("RGB", size), (350, 400), preprocessing, Crop(fit=fit)).size == (400, 350)


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((-1, 0, 50, 50), r"from \(-1, 0\) to \(50, 50\) does not lie inside the picture, which has 120x90 pixels"),
        ((0, 0, 120, 91), "does not lie inside"),
        ((math.nan, 0, 50, 50), "finite"),
        ((0, 0, math.inf, 50), "finite"),
        ((10, 10, 17, 40), "box of 7x30 pixels .* too small: each side must have at least 8"),
        ((40, 10, 10, 40), "too small"),
    ],
)
def test_a_box_that_cannot_be_cut_out_gets_a_sentence(box: Box, sentence: str) -> None:
    with pytest.raises(CropError, match=sentence):
        crop_and_resize(Image.new("RGB", (120, 90)), (64, 64), TIMM_V4, Crop(box))


def test_the_share_that_is_lost() -> None:
    long = 220, 66
    assert lost_share(long, (96, 96), SMALL, Crop()) == pytest.approx(1 - 66 / 220)
    assert lost_share(long, (96, 96), TIMM_V4, Crop()) == pytest.approx(1 - 0.875**2 * 66 / 220)
    assert lost_share(long, (96, 96), SMALL, Crop((0, 0, 66, 66))) == 0
    assert lost_share(long, (66, 220), SMALL, Crop()) == 0
    for fit in (Fit.PAD, Fit.SQUASH):
        assert lost_share(long, (96, 96), TIMM_V4, Crop(fit=fit)) == 0
    assert stretch(long, (96, 96), Crop(fit=Fit.SQUASH)) == pytest.approx(66 / 220)
    assert stretch(long, (96, 192), Crop((0, 0, 60, 60))) == 2


def test_what_is_cut_is_dark_and_what_is_padded_shows() -> None:
    """A white picture: 255 is what the network gets, 110 what it does not, and the padding is as white."""
    long = Image.new("RGB", (220, 60), "white")
    cut = framed(long, (96, 96), SMALL)
    assert cut.size == (220, 60)
    assert np.asarray(cut)[30, [5, 78, 82, 110, 137, 142], 0].tolist() == [110, 110, 255, 255, 255, 110]
    padded = framed(long, (96, 96), SMALL, Crop(fit=Fit.PAD))
    assert padded.size == (220, 220)
    assert np.asarray(padded)[..., 3].min() == 255, "the padding is shown and covers the frame"
    boxed = framed(long, (96, 96), SMALL, Crop((0, 0, 60, 30), Fit.PAD))
    assert boxed.size == (220, 75), "the frame reaches 15 pixels over the box"
    assert boxed.getpixel((30, 3)) == (255, 255, 255, 255)
    assert boxed.getpixel((200, 3)) == (0, 0, 0, 0), "neither picture nor padding"
    assert boxed.getpixel((200, 40)) == (110, 110, 110, 255)
    assert np.asarray(framed(long, (96, 96), SMALL, Crop(fit=Fit.SQUASH))).min() == 255
    for size in ((5000, 1), (1, 5000), (1, 1)):
        for fit in Fit:
            assert max(framed(Image.new("RGB", size), (96, 96), SMALL, Crop(fit=fit)).size) <= 640
