"""The residual instrument against tensors taken by hand, and that no one else notices it."""

import copy
import random
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

import inception
from inception.models.inception_resnet import InceptionResNetA
from inception.models.layers import ResidualSum, Stage
from inception.models.surgery import ResidualError, Scales, get_scales, residual_blocks, set_scales
from inception.runtime.predictor import Predictor
from inception.runtime.preprocess import to_input
from inception.studies import residual
from inception.studies.residual import (
    COLUMNS,
    RELEASED,
    UNSCALED,
    Norm,
    ResidualInstrument,
    profile_table,
    random_crop,
    recording,
    summarise,
)

SIZE = (75, 75)
V1_BLOCKS = 5 + 10 + 6


@pytest.fixture(scope="module")
def network() -> Predictor:
    """With running statistics as after some training, where a fresh network has 0 and 1."""
    network = Predictor("inception_resnet_v1")
    generator = torch.Generator().manual_seed(0)
    for module in network.model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.get_buffer("running_mean").normal_(0, 0.1, generator=generator)
            module.get_buffer("running_var").uniform_(0.1, 0.5, generator=generator)
    return network


@pytest.fixture
def instrument(network: Predictor) -> ResidualInstrument:
    return ResidualInstrument(network)


@pytest.fixture(scope="module")
def views(network: Predictor) -> list[Image.Image]:
    """Four views, so that batch norm has something to divide by in a grid of one cell."""
    return ResidualInstrument(network).views(picture(), SIZE)[:4]


def picture(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((160, 120), Image.Resampling.BICUBIC)


def by_hand(model: nn.Module, batch: Tensor) -> list[dict[str, Any]]:
    """Summands and outputs of every residual block, from hooks of our own, as float64 arrays (N, C, H, W)."""
    found: list[dict[str, Any]] = []

    def array(tensor: Tensor) -> NDArray[np.float64]:
        return tensor.detach().double().numpy()

    for path, block in residual_blocks(model).items():
        block.residual_sum.register_forward_hook(
            lambda _m, inputs, _out, path=path: found.append(
                {"path": path, "shortcut": array(inputs[0]), "residual": array(inputs[1])}
            )
        )
        block.register_forward_hook(lambda _m, _in, output: found[-1].update(output=array(output)))
    with torch.no_grad():
        model(batch)
    return found


@pytest.mark.parametrize("norm", ["running", "batch"])
def test_every_column_against_a_computation_by_hand(
    network: Predictor, instrument: ResidualInstrument, views: list[Image.Image], norm: Norm
) -> None:
    table = instrument.measure(views, RELEASED, norm)
    model = copy.deepcopy(network.model).train(norm == "batch")
    expected = by_hand(model, torch.cat([to_input(view, network.preprocessing) for view in views]))
    assert len(table) == len(expected) == V1_BLOCKS
    assert list(table["index"]) == list(range(1, V1_BLOCKS + 1))
    for row, hand in zip(table.to_dict("records"), expected, strict=True):
        pictures, channels, height, width = hand["shortcut"].shape
        assert hand["path"].endswith(f".{row['block']}")
        assert (row["channels"], row["cells"]) == (channels, pictures * height * width)
        scaled = row["scale"] * hand["residual"]
        # Norms for one picture: root of the mean over the batch of the squared norms.
        shortcut_norm = np.sqrt(np.mean([np.sum(p**2) for p in hand["shortcut"]]))
        residual_norm = np.sqrt(np.mean([np.sum(p**2) for p in scaled]))
        total = hand["shortcut"] + scaled
        assert row["shortcut_norm"] == pytest.approx(shortcut_norm, rel=1e-3)
        assert row["residual_norm"] == pytest.approx(residual_norm, rel=1e-3)
        assert row["ratio"] == pytest.approx(residual_norm / shortcut_norm, rel=1e-3)
        assert row["mean"] == pytest.approx(total.mean(), rel=1e-3)
        assert row["spread"] == pytest.approx(total.std(), rel=1e-3)
        assert row["dead"] == np.sum(~hand["output"].any(axis=(0, 2, 3)))
        assert row["dead_share"] == pytest.approx(row["dead"] / channels)


def test_names_types_and_scales(instrument: ResidualInstrument, views: list[Image.Image]) -> None:
    table = instrument.measure(views, (0.5, 0.25, 0.125), "batch")
    assert {name: str(table[name].dtype) for name in table} == COLUMNS
    kinds = table.groupby("kind", sort=False)
    assert kinds.size().to_dict() == {"A": 5, "B": 10, "C": 6}
    assert list(kinds["stage"].first()) == ["Inception-ResNet-A", "Inception-ResNet-B", "Inception-ResNet-C"]
    assert list(kinds["scale"].first()) == [0.5, 0.25, 0.125]
    last = table.iloc[-1]
    assert (last["block"], last["relu"], last["scale"]) == ("Block8", False, 1.0), "the plain last block stays as it is"
    assert table["relu"].sum() == V1_BLOCKS - 1


def test_scale_zero_passes_the_shortcut_on(instrument: ResidualInstrument, views: list[Image.Image]) -> None:
    table = instrument.measure(views, (0, 0, 0), "batch")
    assert (table.loc[table["relu"], "ratio"] == 0).all()
    assert (table.loc[table["relu"], "residual_norm"] == 0).all()
    # The shortcut is behind a ReLU already, so nothing changes any more from block to block.
    for _, stage in table.groupby("stage"):
        assert stage["shortcut_norm"].nunique() == 1


def tiny(scale: float, relu: bool = True) -> nn.Sequential:
    """One A block on 8 channels, whose residual is the bias of its 1x1, at first 0."""
    block = InceptionResNetA(8, (2, 2, 2), lambda channels: channels, scale, relu)
    for parameter in block.Conv2d_1x1.parameters():
        nn.init.zeros_(parameter)
    return nn.Sequential(OrderedDict(stage=Stage("Inception-ResNet-A", Block35_1=block))).eval()


def test_block_of_scale_zero_is_the_relu_of_its_input() -> None:
    model = tiny(0.0)
    nn.init.ones_(model.get_parameter("stage.Block35_1.Conv2d_1x1.bias"))
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(model(x), x.relu())


def test_norms_of_a_case_for_the_head() -> None:
    """Shortcut 3 and residual 2 in 8 channels of 2x2 cells: norms sqrt(32)·3 and sqrt(32)·2·0.5."""
    model = tiny(0.5)
    nn.init.constant_(model.get_parameter("stage.Block35_1.Conv2d_1x1.bias"), 2.0)
    with recording(model) as rows:
        model(torch.full((5, 8, 2, 2), 3.0))
    (row,) = profile_table(rows).to_dict("records")
    assert row["shortcut_norm"] == pytest.approx(32**0.5 * 3)
    assert row["residual_norm"] == pytest.approx(32**0.5)
    assert row["ratio"] == pytest.approx(1 / 3)
    assert (row["mean"], row["spread"], row["channels"], row["cells"]) == (4.0, 0.0, 8, 20)


@pytest.mark.parametrize(("relu", "dead"), [(True, 3), (False, 1)])
def test_dead_are_channels_at_zero_everywhere_behind_the_relu(relu: bool, dead: int) -> None:
    x = torch.ones(2, 8, 3, 3)
    x[:, 0] = 0
    x[:, 1:3] = -1  # the ReLU makes them 0
    x[0, 3] = -1  # lives in the second picture
    x[:, 4] = -1
    x[1, 4, 2, 2] = 0.5  # lives in one cell
    model = tiny(1.0, relu)
    with recording(model) as rows:
        model(x)
    assert profile_table(rows)["dead"].tolist() == [dead]
    assert profile_table(rows)["dead_share"].tolist() == [dead / 8]


def test_a_profile_in_five_numbers() -> None:
    """Three sums of which one has a silent shortcut, and so no ratio."""
    row = {"stage": "A", "block": "b", "kind": "A", "relu": True, "scale": 1.0, "mean": 0.0, "cells": 9, "index": 1}
    row |= {"shortcut_norm": 1.0, "residual_norm": 1.0, "dead_share": 0.5}
    measured = [(0.25, 3.0, 4), (0.75, 2.0, 0), (float("nan"), 5.0, 8)]
    rows = [row | {"ratio": ratio, "spread": spread, "dead": dead, "channels": 8} for ratio, spread, dead in measured]
    assert summarise(profile_table(rows)) == (0.5, 3.0, 5.0, 12, 24)


def test_ratio_over_a_silent_shortcut_is_not_a_number() -> None:
    model = tiny(1.0)
    with recording(model) as rows:
        model(torch.zeros(1, 8, 3, 3))
    assert profile_table(rows)["ratio"].isna().all()
    assert profile_table(rows)["dead_share"].tolist() == [1.0]


def test_recording_leaves_no_hook() -> None:
    model = tiny(1.0)
    with pytest.raises(RuntimeError), recording(model) as rows:
        model(torch.zeros(1, 7, 3, 3))
    model(torch.zeros(1, 8, 3, 3))
    assert rows == []


def test_scaling_changes_only_what_it_should(instrument: ResidualInstrument, views: list[Image.Image]) -> None:
    before = instrument.measure(views, (0.2, 0.1, 0.2), "batch")
    after = instrument.measure(views, (0.2, 0.3, 0.2), "batch")
    assert before[before["kind"] == "A"].equals(after[after["kind"] == "A"]), "A stands before B"
    first = list(before["block"]).index("Block17_1")
    assert after["shortcut_norm"].iloc[first] == before["shortcut_norm"].iloc[first]
    assert after["residual_norm"].iloc[first] == pytest.approx(3 * before["residual_norm"].iloc[first])
    assert (after["shortcut_norm"] != before["shortcut_norm"])[first + 1 :].all()


def test_only_what_changed_runs_again(
    network: Predictor, views: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    instrument = ResidualInstrument(network)
    sums: list[ResidualSum] = []
    forward = ResidualSum.forward

    def counted(self: ResidualSum, shortcut: Tensor, residual: Tensor) -> Tensor:
        sums.append(self)
        return forward(self, shortcut, residual)

    monkeypatch.setattr(ResidualSum, "forward", counted)

    def runs(scales: Scales, norm: Norm = "batch", pictures: list[Image.Image] = views) -> int:
        sums.clear()
        fresh = ResidualInstrument(network).measure(pictures, scales, norm)
        sums.clear()
        assert instrument.measure(pictures, scales, norm).equals(fresh)
        return len(sums)

    assert runs(RELEASED) == V1_BLOCKS
    assert runs(RELEASED) == 0
    assert runs((*RELEASED[:2], 0.5)) == 6
    assert runs((RELEASED[0], 0.5, 0.5)) == 16
    assert runs(UNSCALED) == V1_BLOCKS
    assert runs(RELEASED, "running") == V1_BLOCKS
    assert runs(RELEASED, "batch", views[:2]) == V1_BLOCKS
    monkeypatch.setattr(residual, "KEPT_BYTES", 3 * instrument._kept.currsize // 4)
    instrument = ResidualInstrument(network)
    assert runs(RELEASED, "running") == V1_BLOCKS
    for scale in (0.4, 0.5, 0.6, 0.7, 0.8):
        assert runs((scale, 0.1, 0.2)) == V1_BLOCKS
    assert runs(RELEASED, "running") == V1_BLOCKS, "what was used longest ago went"
    assert runs((0.8, 0.1, 0.2)) == 0
    monkeypatch.setattr(residual, "KEPT_BYTES", 0)
    instrument = ResidualInstrument(network)
    assert runs((0.3, 0.3, 0.3)) == V1_BLOCKS
    assert runs((0.3, 0.3, 0.3)) == V1_BLOCKS, "nothing is kept beyond the limit"


def test_the_network_itself_stays_as_it_was(network: Predictor, views: list[Image.Image]) -> None:
    state = {name: tensor.clone() for name, tensor in network.model.state_dict().items()}
    instrument = ResidualInstrument(network)
    norms: tuple[Norm, ...] = ("batch", "running")
    for norm in norms:
        instrument.measure(views, (0.9, 0.9, 0.9), norm)
    assert get_scales(network.model) == RELEASED
    assert not any(module.training or module._forward_hooks for module in network.model.modules())
    for name, tensor in network.model.state_dict().items():
        assert torch.equal(tensor, state[name]), f"{name}: running statistics belong to the network"


def test_weights_are_not_copied(network: Predictor, instrument: ResidualInstrument) -> None:
    theirs = {tensor.data_ptr() for tensor in network.model.state_dict().values()}
    assert {tensor.data_ptr() for tensor in instrument._model.state_dict().values()} == theirs


def test_sessions_do_not_mix(network: Predictor, instrument: ResidualInstrument, views: list[Image.Image]) -> None:
    settings: list[tuple[Scales, Norm]] = [((s, s, s), norm) for s in (0.1, 0.5, 0.9) for norm in ("batch", "running")]
    expected = [ResidualInstrument(network).measure(views, *setting) for setting in settings]
    prepared = network.prepare(picture(), SIZE)
    layer = inception.trace("inception_resnet_v1", SIZE).layers[40]
    activations = network.activations(prepared, layer)
    wrong: list[str] = []

    def session(number: int) -> None:
        for i in range(len(settings)):
            k = (i + number) % len(settings)
            if not instrument.measure(views, *settings[k]).equals(expected[k]):
                wrong.append(f"measurement {settings[k]}")
            if not np.array_equal(network.activations(prepared, layer), activations):
                wrong.append("activations")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(session, range(4)))
    assert wrong == []


def test_a_relu_before_the_sum_lets_sums_only_grow() -> None:
    blog = ResidualInstrument(Predictor("inception_resnet_v2.keras_blog"))
    assert blog.rectified
    assert blog.scales == UNSCALED
    table = blog.measure(blog.views(picture(), SIZE)[:4], UNSCALED, "batch")
    assert table["relu"].all(), "every block of this variant has its ReLU"
    for _, stage in table.groupby("stage"):
        assert stage["mean"].is_monotonic_increasing
        assert stage["shortcut_norm"].is_monotonic_increasing


def test_linear_residuals(instrument: ResidualInstrument) -> None:
    assert not instrument.rectified
    assert instrument.scales == RELEASED == (0.17, 0.10, 0.20)


def test_networks_without_residual_sums_are_refused() -> None:
    with pytest.raises(ResidualError, match="no residual sums"):
        get_scales(inception.create_model("inception_v4", width=0.1))


@pytest.mark.parametrize("scales", [(-0.1, 0, 0), (0, 1.1, 0), (0, 0, float("nan")), (0.1, 0.1)])
def test_scales_out_of_range_are_refused(instrument: ResidualInstrument, views: list[Image.Image], scales: Any) -> None:
    with pytest.raises(ResidualError, match="from 0 to 1"):
        instrument.measure(views, scales, "batch")
    with pytest.raises(ResidualError, match="from 0 to 1"):
        set_scales(tiny(0.5), scales)


@pytest.mark.parametrize(
    ("size", "count"), [((299, 299), 1), ((224, 224), 1), ((160, 160), 1), ((75, 75), 8), ((350, 400), 1)]
)
def test_views_have_the_pixels_of_eight_small_pictures(
    instrument: ResidualInstrument, size: tuple[int, int], count: int
) -> None:
    views = instrument.views(picture(), size)
    assert len(views) == count
    assert all(view.size == size[::-1] and view.mode == "RGB" for view in views)
    assert views[0].tobytes() == instrument.network.prepare(picture(), size).tobytes()
    assert len({view.tobytes() for view in views}) == count, "no view twice"
    assert [view.tobytes() for view in instrument.views(picture(), size)] == [view.tobytes() for view in views]


@pytest.mark.parametrize("size", [(1, 1), (4000, 2), (2, 4000), (300, 200)])
def test_random_crops_stay_inside_and_undistorted(size: tuple[int, int]) -> None:
    """Pillow refuses boxes outside a picture; a picture of one colour gives crops of that colour."""
    image = Image.new("RGB", size, (10, 200, 30))
    generator = random.Random(1)
    for _ in range(20):
        crop = random_crop(image, (30, 40), generator)
        assert crop.size == (40, 30)
        assert crop.getcolors() == [(1200, (10, 200, 30))]
