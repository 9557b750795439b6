"""Pictures on their way into training: in range, varied, repeatable, and plain where nothing varies."""

import numpy as np
import pytest
import torch
from PIL import Image

from inception.runtime.preprocess import to_input
from inception.training import augment
from inception.weights.preprocessing import TIMM_V4


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.randint(0, 256, (6, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_scale_up_is_what_pillow_does(pictures: torch.Tensor) -> None:
    pictures = pictures // 2 + 64  # Pillow cuts overshoot off between rows and columns, so there should be none
    ours = augment.scale_up(pictures, 112)
    for picture, x in zip(pictures, ours, strict=True):
        image = Image.fromarray(picture.permute(1, 2, 0).numpy())
        theirs = to_input(image.resize((112, 112), Image.Resampling.BICUBIC), TIMM_V4)[0]
        assert (x - theirs).abs().max() < 2 / 127.5, "more than a rounded grey value apart"


def test_same_seed_same_pictures(pictures: torch.Tensor) -> None:
    def run(seed: int) -> torch.Tensor:
        return augment.augmented(pictures, 75, torch.Generator().manual_seed(seed))

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))
    assert run(3).shape == (6, 3, 75, 75)
    assert run(3).abs().max() <= 1


def test_each_picture_varies_on_its_own() -> None:
    ramp = torch.arange(32, dtype=torch.uint8).mul(8).expand(200, 3, 32, 32).contiguous()
    out = augment.augmented(ramp, 32, torch.Generator().manual_seed(0))
    slopes = (out[..., -1] - out[..., 0]).mean(dim=(1, 2))
    mirrored = float((slopes < 0).double().mean())
    assert 0.35 < mirrored < 0.65, "half of them are mirrored"
    assert float(slopes.abs().std()) > 0.05, "zoom and contrast vary"


def test_without_variation_nothing_changes(monkeypatch: pytest.MonkeyPatch, pictures: torch.Tensor) -> None:
    still = augment.Variation(zoom=(1, 1), stretch=0.0, shift=0.0, light=0.0, blurred=0.0)
    monkeypatch.setattr(augment, "FILTERS", ("bilinear",))
    out = augment.augmented(pictures, 32, torch.Generator().manual_seed(0), still)
    plain = pictures.float() / 127.5 - 1
    for x, y in zip(out, plain, strict=True):
        same, mirrored = (x - y).abs().max(), (x - y.flip(-1)).abs().max()
        assert min(same, mirrored) < 1e-4
    assert np.isfinite(out.numpy()).all()


def test_mild_is_nearer_to_the_picture_than_strong() -> None:
    ramp = torch.arange(32, dtype=torch.uint8).mul(8).expand(200, 3, 32, 32).contiguous()
    plain = ramp.float() / 127.5 - 1

    def distance(variation: augment.Variation) -> float:
        out = augment.augmented(ramp, 32, torch.Generator().manual_seed(0), variation)
        apart = [(out - x).abs().mean(dim=(1, 2, 3)) for x in (plain, plain.flip(-1))]
        return torch.minimum(*apart).mean().item()

    assert distance(augment.MILD) < 0.6 * distance(augment.STRONG)
