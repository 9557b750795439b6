"""The first blocks on copies of a picture: the same grids as from whole copies, from less of them."""

import numpy as np
import pytest
import torch

import inception
from inception.vision.attributions.first_blocks import WORTH, Area, FirstBlocks, plan

SIZE = (123, 139)
# In a corner, at the last row and column (which strided windows may not reach), in the middle, one pixel, and nothing.
AREAS: list[Area | None] = [
    (slice(0, 26), slice(0, 28)),
    (slice(98, 123), slice(112, 139)),
    (slice(42, 70), slice(56, 84)),
    (slice(122, 123), slice(138, 139)),
    None,
]


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2"])
@torch.no_grad()
def test_parts_give_what_whole_pictures_give(name: str) -> None:
    torch.manual_seed(0)
    model = inception.create_model(name, width=0.1, repeats=(1, 1, 2), num_classes=4)
    for parameter in model.parameters():
        parameter.mul_(1.5)  # else what a window changes fades
    picture = torch.randn(1, 3, *SIZE)
    steps = plan(model, picture.shape[1:], [area for area in AREAS if area])
    network = FirstBlocks(model, steps, picture, torch.contiguous_format)

    hidden = picture.repeat(len(AREAS), 1, 1, 1)
    for copy, area in zip(hidden, AREAS, strict=True):
        if area:
            copy[:, *area] = 0
    whole = hidden
    for step in steps:
        whole = model.get_submodule(step.path)(whole)
    found = network.with_hidden(AREAS)
    torch.testing.assert_close(found, whole, rtol=1e-4, atol=1e-4 * float(whole.abs().max()))
    assert (found[:3] != found[4]).any(dim=(1, 2, 3)).all(), "each window changes something"
    torch.testing.assert_close(network.rest(found), model(hidden), rtol=1e-3, atol=1e-4)

    assert steps[0].path == "stem.Conv2d_1a_3x3"
    assert len(steps) >= 4
    shares = [np.prod(step.sides) / (step.axes[0].inputs * step.axes[1].inputs) for step in steps]
    assert max(shares) < WORTH
    assert max(shares[:4]) < 0.2


def test_a_network_without_a_head_runs_whole() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.Flatten())
    area = (slice(0, 2), slice(0, 2))
    assert plan(model, (3, 5, 5), [area]) == []
    picture = torch.randn(1, 3, 5, 5)
    network = FirstBlocks(model, [], picture, torch.contiguous_format)
    hidden = picture.clone()
    hidden[:, :, *area] = 0
    torch.testing.assert_close(network.rest(network.with_hidden([area])), model(hidden))
