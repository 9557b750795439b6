"""Pictures of none of the classes: of the right form, repeatable, each of another look, and with no whole thing."""

import random

import pytest
import torch
from torch import Tensor

from inception.training import outliers as drawn
from inception.training.outliers import CANVAS, KINDS, TILES, outliers, shuffled


@pytest.fixture
def pictures() -> Tensor:
    return torch.randint(0, 256, (60, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_they_have_the_form_of_pictures(pictures: Tensor) -> None:
    found = outliers(pictures, torch.Generator().manual_seed(0))
    assert found.shape == pictures.shape
    assert found.dtype == torch.uint8


def test_same_seed_same_pictures(pictures: Tensor) -> None:
    first, again, other = (outliers(pictures, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(first.unique(dim=0)) == len(first), "no two are alike"


def test_none_asked_for_takes_nothing_from_the_generator(pictures: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    assert len(outliers(pictures[:0], generator)) == 0
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(0).get_state())


def test_every_kind_occurs(pictures: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()

    def watched(kind: object) -> object:
        def draw(choice: random.Random) -> object:
            seen.add(kind)
            return kind(choice)  # type: ignore[operator]

        return draw

    monkeypatch.setattr(drawn, "KINDS", tuple(kind and watched(kind) for kind in KINDS))
    outliers(pictures, torch.Generator().manual_seed(0))
    assert seen == {kind for kind in KINDS if kind}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind])
def test_every_kind_draws_on_a_whole_sheet(kind: object) -> None:
    for seed in range(50):
        image = kind(random.Random(seed))  # type: ignore[operator]
        assert image.size == (CANVAS, CANVAS)
        assert image.mode == "RGB"


def test_shuffling_moves_whole_parts(pictures: Tensor) -> None:
    side = 32 // TILES

    def tiles(picture: Tensor) -> set[bytes]:
        corners = [(y, x) for y in range(0, 32, side) for x in range(0, 32, side)]
        return {picture[:, y : y + side, x : x + side].contiguous().numpy().tobytes() for y, x in corners}

    found = shuffled(pictures[0], torch.Generator().manual_seed(0))
    assert not torch.equal(found, pictures[0])
    assert tiles(found) == tiles(pictures[0])
