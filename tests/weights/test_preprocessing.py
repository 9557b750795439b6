"""How pictures are prepared: one number for all colours or one for each, in words and in numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from inception.runtime.preprocess import to_input, value_counts
from inception.weights.preprocessing import FACENET, IMAGENET, TIMM_V4, Preprocessing


def test_imagenets_numbers_are_torchvisions() -> None:
    """https://pytorch.org/vision: mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225 of values from 0 to 1."""
    assert isinstance(IMAGENET.mean, tuple)
    assert isinstance(IMAGENET.std, tuple)
    assert [mean / 255 for mean in IMAGENET.mean] == pytest.approx([0.485, 0.456, 0.406])
    assert [std / 255 for std in IMAGENET.std] == pytest.approx([0.229, 0.224, 0.225])


def test_each_colour_has_its_own_mean_and_std() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    given = to_input(Image.fromarray(pixels), IMAGENET)
    scaled = pixels.astype(np.float64) / 255
    expected = (scaled - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert given.shape == (1, 3, 5, 7)
    assert given.dtype == torch.float32
    assert np.allclose(given[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("mean", "std"), [(127.5, 128.0), (91.3, 57.1)])
def test_one_number_is_three_alike(mean: float, std: float) -> None:
    one, three = replace(FACENET, mean=mean, std=std), replace(FACENET, mean=(mean,) * 3, std=(std,) * 3)
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 8, 3), dtype=np.uint8))
    assert torch.equal(to_input(picture, one), to_input(picture, three))
    assert value_counts(picture, one).equals(value_counts(picture, three))


@pytest.mark.parametrize("preprocessing", [TIMM_V4, IMAGENET])
def test_every_pixel_is_counted_once(preprocessing: Preprocessing) -> None:
    """Also those at the ends, where the colours' ranges differ."""
    pixels = np.random.default_rng(2).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    pixels[0, 0], pixels[0, 1] = 0, 255
    counts = value_counts(Image.fromarray(pixels), preprocessing)
    assert counts[["red", "green", "blue"]].sum().tolist() == [2000] * 3


def test_in_words() -> None:
    assert TIMM_V4.text == "(value - 127.5) / 127.5, centre 87.5 %, bicubic"
    assert replace(TIMM_V4, detail=32).text == "(value - 127.5) / 127.5, centre 87.5 %, bicubic, by way of 32 px"
    assert IMAGENET.text == (
        "(value - mean) / std, with mean (123.675, 116.28, 103.53) and std (58.395, 57.12, 57.375) for red, green and "
        "blue, centre 87.5 %, bicubic"
    )
