"""Through the network and inside a block, against the blocks' own modules called one by one."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

import inception
from inception import LayerGraph
from inception.models.inception_resnet import ResidualBlock
from inception.models.layers import Parallel
from inception.runtime.predictor import Predictor
from inception.runtime.private_copy import private_copy
from inception.runtime.turns import forward_lock
from inception.vision.inside import InsideError, LayerMaps, block_ends, branching_blocks, inside_block, through_network

from ..graphs import zoo_graph

SIZE = (107, 91)


@pytest.fixture(scope="module")
def base() -> Predictor:
    return Predictor("inception_resnet_v1")


def narrow(base: Predictor, name: str, dtype: torch.dtype = torch.float32) -> tuple[Predictor, LayerGraph]:
    """A predictor of a narrow network whose signals neither fade nor grow, and its trace."""
    torch.manual_seed(0)
    model = inception.create_model(name, width=0.12)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of one batch
    with torch.no_grad():
        model.train()(torch.rand(4, 3, *SIZE) * 2 - 1)
    predictor = copy.copy(base)
    predictor.name, predictor.dtype, predictor.model = name, dtype, model.eval().to(dtype)
    return predictor, inception.trace(model, SIZE)


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8))


def input_of(predictor: Predictor, graph: LayerGraph, block: str) -> Tensor:
    """What a block reads, from the blocks before it called one after the other."""
    x = predictor.to_input(picture())
    for stage in predictor.model.children():
        for name, module in stage.named_children():
            if name == block:
                return x
            x = module(x)
    raise AssertionError(block)


@pytest.mark.parametrize("name", inception.list_models())
def test_every_block_in_order_of_depth(base: Predictor, name: str) -> None:
    predictor, graph = narrow(base, name)
    found = through_network(predictor, picture(), graph, count=5)
    x = predictor.to_input(picture())
    outputs: list[tuple[str, Tensor]] = []
    with torch.inference_mode():
        for stage in predictor.model.children():
            for block, module in stage.named_children():
                x = module(x)
                if x.dim() == 4:
                    outputs.append((block, x[0]))
    assert [maps.layer.block for maps in found] == [block for block, _ in outputs]
    for maps, (block, output) in zip(found, outputs, strict=True):
        assert maps.layer.out_shape == tuple(output.shape)
        means = output.mean(dim=(1, 2))
        table = maps.channels
        order = table["channel"].to_numpy(copy=True)
        assert sorted(order) == list(range(len(output))), "every channel once"
        np.testing.assert_allclose(table["mean"], means[order], rtol=1e-4, atol=1e-6)
        assert table["mean"].is_monotonic_decreasing, "the strongest first"
        np.testing.assert_allclose(table["largest"], output.amax(dim=(1, 2))[order], rtol=1e-4, atol=1e-6)
        if block != "Block8":  # no ReLU: values near 0 may fall to either side
            np.testing.assert_allclose(table["active"], (output > 0).float().mean(dim=(1, 2))[order], atol=0.02)
        assert len(maps.maps) == min(5, len(output))
        np.testing.assert_allclose(maps.maps, output[order[:5]], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "blocks", "branching"),
    [
        ("inception_v4", 6 + 4 + 1 + 7 + 1 + 3, 3 + 4 + 1 + 7 + 1 + 3),
        ("inception_resnet_v1", 7 + 5 + 1 + 10 + 1 + 6, 5 + 1 + 10 + 1 + 6),
        ("inception_resnet_v2", 7 + 1 + 10 + 1 + 20 + 1 + 10 + 1, 1 + 10 + 1 + 20 + 1 + 10),
        ("inception_resnet_v2.paper", 6 + 5 + 1 + 10 + 1 + 5, 3 + 5 + 1 + 10 + 1 + 5),
    ],
)
def test_as_many_blocks_as_the_figures_have(name: str, blocks: int, branching: int) -> None:
    graph = zoo_graph(name)
    assert len(block_ends(graph)) == blocks
    assert len(branching_blocks(graph)) == branching
    assert len(set(branching_blocks(graph))) == branching


@pytest.mark.parametrize("name", inception.list_models())
def test_branches_and_residuals_of_every_kind_of_block(base: Predictor, name: str) -> None:
    predictor, graph = narrow(base, name)
    kinds = {type(predictor.model.get_submodule(layer.path.rpartition(".")[0])): layer.block
             for layer in graph.layers if layer.op == "concat" and not layer.branch}  # fmt: skip
    assert len(kinds) >= 4
    for block in {*kinds.values(), branching_blocks(graph)[0], branching_blocks(graph)[-1]}:
        module = next(stage.get_submodule(block) for stage in predictor.model.children() if hasattr(stage, block))
        assert isinstance(module, Parallel)
        found = inside_block(predictor, picture(), graph, block, count=3)
        with torch.inference_mode():
            x = input_of(predictor, graph, block)
            outputs = {branch: getattr(module, branch)(x)[0] for branch in module.branches}
        check_branches(outputs, found.branches, found.shares)
        if not isinstance(module, ResidualBlock):
            assert found.residual is None
            continue
        with torch.inference_mode():
            residual = module.residual_sum.scale * module.Conv2d_1x1(torch.cat([*outputs.values()])[None])[0]
            shortcut, output = x[0], module(x)[0]
        sums = found.residual
        assert sums is not None
        assert sums.scale == module.residual_sum.scale
        assert sums.shortcut_norm == pytest.approx(shortcut.norm().item(), rel=1e-4)
        assert sums.residual_norm == pytest.approx(residual.norm().item(), rel=1e-4)
        assert sums.ratio == pytest.approx((residual.norm() / shortcut.norm()).item(), rel=1e-4)
        cosine = F.cosine_similarity(shortcut.flatten(), residual.flatten(), dim=0).item()
        assert sums.cosine == pytest.approx(cosine, abs=1e-4)
        kept = sums.channels["channel"].to_numpy(copy=True)[:3]
        assert sums.channels["residual_norm"].is_monotonic_decreasing
        assert sorted(sums.channels["channel"]) == list(range(len(shortcut)))
        for i, channel in enumerate(kept):
            row, one, other = sums.channels.iloc[i], shortcut[channel].flatten(), residual[channel].flatten()
            assert row["shortcut_norm"] == pytest.approx(one.norm().item(), rel=1e-3, abs=1e-5)
            assert row["residual_norm"] == pytest.approx(other.norm().item(), rel=1e-3)
            if one.norm() > 0.01:
                assert row["cosine"] == pytest.approx(F.cosine_similarity(one, other, dim=0).item(), abs=1e-3)
        for maps, expected in ((sums.shortcut, shortcut), (sums.residual, residual), (sums.total, shortcut + residual)):
            np.testing.assert_allclose(maps, expected[kept], rtol=1e-3, atol=1e-4)
        rectified = sums.total if module.relu is None else sums.total.clip(min=0)
        np.testing.assert_allclose(rectified, output[kept], rtol=1e-3, atol=1e-4)


def check_branches(outputs: dict[str, Tensor], branches: tuple[LayerMaps, ...], shares: pd.DataFrame) -> None:
    assert list(shares["branch"]) == [maps.layer.branch for maps in branches] == list(outputs)
    energy = {branch: output.double().square().sum().item() for branch, output in outputs.items()}
    channels = sum(len(output) for output in outputs.values())
    for (_, row), maps, output in zip(shares.iterrows(), branches, outputs.values(), strict=True):
        assert row["layer"] == maps.layer.layer
        assert row["channels"] == len(output)
        assert row["channel_share"] == pytest.approx(len(output) / channels)
        assert row["mean"] == pytest.approx(output.mean().item(), rel=1e-3, abs=1e-6)
        assert row["share"] == pytest.approx(energy[row["branch"]] / sum(energy.values()), rel=1e-3)
        np.testing.assert_allclose(
            maps.maps, output[maps.channels["channel"].to_list()[: len(maps.maps)]], rtol=1e-3, atol=1e-5
        )
    assert shares["share"].sum() == pytest.approx(1)


def test_a_silent_branch_has_no_share(base: Predictor) -> None:
    predictor, graph = narrow(base, "inception_resnet_v2")
    silence(predictor, "Branch_1")
    shares = inside_block(predictor, picture(), graph, "Block35_2").shares
    assert (shares["share"] == 0).tolist() == [False, True, False]
    assert (shares["mean"] == 0).tolist() == (shares["active"] == 0).tolist() == [False, True, False]
    for branch in ("Branch_0", "Branch_2"):
        silence(predictor, branch)
    assert inside_block(predictor, picture(), graph, "Block35_2").shares["share"].isna().all(), "of nothing"


def test_no_residual_and_no_angle(base: Predictor) -> None:
    predictor, graph = narrow(base, "inception_resnet_v2")
    linear = predictor.model.get_submodule("inception_resnet_a.Block35_2.Conv2d_1x1")
    for parameter in linear.parameters():
        nn.init.zeros_(parameter)
    sums = inside_block(predictor, picture(), graph, "Block35_2").residual
    assert sums is not None
    assert sums.residual_norm == sums.ratio == 0
    assert np.isnan(sums.cosine)
    assert np.array_equal(sums.total, sums.shortcut)


def silence(predictor: Predictor, branch: str) -> None:
    for module in predictor.model.get_submodule(f"inception_resnet_a.Block35_2.{branch}").modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)


def test_half_precision_is_looked_into_in_full(base: Predictor) -> None:
    full, graph = narrow(base, "inception_resnet_v1")
    half, _ = narrow(base, "inception_resnet_v1", torch.bfloat16)
    exact, found = (through_network(predictor, picture(), graph)[-1] for predictor in (full, half))
    assert found.maps.dtype == np.float32
    rounded = torch.tensor(found.maps).bfloat16().float().numpy()
    assert (rounded != found.maps).mean() > 0.9, "no numbers of bfloat16"
    everything = [private_copy(predictor) for predictor in (full, half)]
    assert {p.dtype for p in everything[1].parameters()} == {torch.float32}
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}, "the network itself stays as it is"
    assert np.corrcoef(exact.channels.sort_values("channel")["mean"], found.channels.sort_values("channel")["mean"])[
        0, 1
    ] == pytest.approx(1, abs=1e-3)


def test_a_private_copy_shares_weights_and_nothing_else(base: Predictor) -> None:
    predictor, _ = narrow(base, "inception_resnet_v2")
    before = {path: module.training for path, module in predictor.model.named_modules()}
    model = private_copy(predictor)
    theirs = {path: tensor.data_ptr() for path, tensor in predictor.model.state_dict().items()}
    assert {path: tensor.data_ptr() for path, tensor in model.state_dict().items()} == theirs
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in predictor.model.parameters())
    assert not {*map(id, model.modules())} & {*map(id, predictor.model.modules())}
    assert {path: module.training for path, module in model.named_modules()} == before
    for mine, its in zip(model.modules(), predictor.model.modules(), strict=True):
        assert mine.__dict__.keys() == its.__dict__.keys()
        containers = [name for name, value in vars(mine).items() if isinstance(value, dict | list | set)]
        assert len(containers) > 10, "hooks among them"
        assert not any(vars(mine)[name] is vars(its)[name] for name in containers)
    x = predictor.to_input(picture())
    with torch.inference_mode():
        assert torch.equal(model(x), predictor.model(x))


def test_sessions_do_not_mix_and_leave_nothing_behind(base: Predictor) -> None:
    predictor, graph = narrow(base, "inception_resnet_v1")
    block = branching_blocks(graph)[0]
    alone = [inside_block(predictor, picture(seed), graph, block).branches[0].maps for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: inside_block(predictor, picture(seed), graph, block), range(4)))
    assert all(np.array_equal(one.branches[0].maps, maps) for one, maps in zip(found, alone, strict=True))
    assert not np.array_equal(alone[0], alone[1])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in predictor.model.modules())
    assert not forward_lock.locked()


def test_wrong_asks_are_one_sentence(base: Predictor) -> None:
    predictor, graph = narrow(base, "inception_resnet_v1")
    with pytest.raises(InsideError, match=r"^Conv2d_1a_3x3 has no branches; blocks with branches: Block35_1, .*\.$"):
        inside_block(predictor, picture(), graph, "Conv2d_1a_3x3")
    small = Image.new("RGB", (75, 80))
    for look in (
        lambda: through_network(predictor, small, graph),
        lambda: inside_block(predictor, small, graph, "Block8"),
    ):
        with pytest.raises(InsideError, match="The picture has 80x75 px, but the network was traced at 107x91 px"):
            look()
