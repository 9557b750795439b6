"""Inception-v3: the same numbers as timm's, its checkpoint names, its auxiliary head, its overrides."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from inception import CheckpointError, TraceError, create_model, load_weights, trace
from inception.models.inception_v3 import NAMES, InceptionV3
from inception.models.layers import ConvUnit, Stage
from inception.models.network import Network
from inception.models.surgery import ResidualError, set_scales
from inception.zoo import check_weights
from tests import reference

TINY: dict[str, Any] = {"width": 0.1, "repeats": (1, 1, 1)}
AUXILIARY = "Auxiliary head (training only)"
STAGES = ["Stem", "Inception-A", "Reduction-A", "Inception-B", "Reduction-B", "Inception-C", "Head"]


def network(dtype: torch.dtype = torch.float32, **overrides: Any) -> InceptionV3:
    torch.manual_seed(0)
    return InceptionV3(**overrides).to(dtype).eval()


def on_meta(**overrides: Any) -> InceptionV3:
    with torch.device("meta"):
        return InceptionV3(**overrides).eval()


def picture(n: int = 1, size: int = 75, channels: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, channels, size, size, generator=generator, dtype=torch.float64).to(dtype)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def their_key(key: str) -> str:
    """A key of our state dict as timm has it: the longest prefix that stands in the table is renamed."""
    prefix = max((ours for ours in NAMES if key.startswith(f"{ours}.")), key=len)
    return NAMES[prefix] + key[len(prefix) :]


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Of the entries of the state dict, under timm's keys."""
    return {their_key(key): tuple(tensor.shape) for key, tensor in model.state_dict().items()}


def with_weights_of_the_recipe(**overrides: Any) -> InceptionV3:
    model = network(torch.float64, **overrides)
    weights = reference.fill(shapes(model))
    model.load_state_dict({key: weights[their_key(key)] for key in model.state_dict()})
    return model


def training_with_running_statistics(model: InceptionV3) -> InceptionV3:
    """In training mode, but without what would make the answer depend on the batch or on chance."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.Dropout):
            module.eval()
    return model


def assert_outputs(out: Tensor, expected: dict[str, Any]) -> None:
    assert list(out.shape) == expected["shape"]
    torch.testing.assert_close(out[:, :8], torch.tensor(expected["head"], dtype=torch.float64), rtol=0, atol=1e-8)
    torch.testing.assert_close(out.norm(dim=1), torch.tensor(expected["norm"], dtype=torch.float64), rtol=0, atol=1e-8)
    assert out.argmax(dim=1).tolist() == expected["argmax"]


# As timm's


@pytest.mark.parametrize(("aux_logits", "parameters"), [(False, 23_834_568), (True, 27_161_264)])
def test_parameter_counts(aux_logits: bool, parameters: int) -> None:
    assert count(on_meta(aux_logits=aux_logits)) == parameters


def test_renamed_state_dict_is_that_of_the_reference_in_its_order() -> None:
    assert list(shapes(on_meta()).items()) == list(reference.state_dict_shapes("inception_v3").items())


def test_the_auxiliary_head_adds_its_entries_and_no_others() -> None:
    added = {
        key: shape
        for key, shape in shapes(on_meta(aux_logits=True)).items()
        if key not in reference.state_dict_shapes("inception_v3") and not key.endswith("num_batches_tracked")
    }

    norm = ("weight", "bias", "running_mean", "running_var")
    assert added == {
        "AuxLogits.conv0.conv.weight": (128, 768, 1, 1),
        **{f"AuxLogits.conv0.bn.{entry}": (128,) for entry in norm},
        "AuxLogits.conv1.conv.weight": (768, 128, 5, 5),
        **{f"AuxLogits.conv1.bn.{entry}": (768,) for entry in norm},
        "AuxLogits.fc.weight": (1000, 768),
        "AuxLogits.fc.bias": (1000,),
    }


def test_names_are_those_of_modules_with_weights_and_no_two_alike() -> None:
    model = on_meta(aux_logits=True)
    units = {key for key, module in model.named_modules() if isinstance(module, ConvUnit | nn.Linear)}

    assert NAMES.keys() & dict(model.named_modules()).keys() == units
    assert len(set(NAMES.values())) == len(NAMES)


@pytest.mark.slow
def test_outputs_of_the_auxiliary_head_equal_the_reference_in_float64() -> None:
    expected = reference.outputs("inception_v3.auxiliary")
    model = training_with_running_statistics(with_weights_of_the_recipe(aux_logits=True))

    with torch.inference_mode():
        logits, auxiliary = model(reference.image(2, expected["input_size"]))

    assert_outputs(logits, reference.outputs("inception_v3"))
    assert_outputs(auxiliary, expected)


# Checkpoints of others


def small(**overrides: Any) -> Network:
    return create_model("inception_v3", width=0.02, **overrides)


def theirs(model: Network) -> dict[str, Tensor]:
    return {their_key(key): torch.full_like(tensor, 2) for key, tensor in model.state_dict().items()}


@pytest.mark.parametrize("aux_logits", [False, True])
def test_files_with_the_auxiliary_head_load_with_and_without_it(aux_logits: bool) -> None:
    model = small(aux_logits=aux_logits)

    load_weights(model, theirs(small(aux_logits=True)))

    assert all((tensor == 2).all() for tensor in model.state_dict().values())


def test_a_network_with_the_auxiliary_head_needs_it_in_the_file() -> None:
    with pytest.raises(CheckpointError, match=r"'AuxLogits\.conv0\.conv\.weight' is missing"):
        load_weights(small(aux_logits=True), theirs(small()))


def test_files_of_other_repeats_load() -> None:
    model = small(repeats=(5, 1, 3))
    load_weights(model, theirs(model))
    assert all((tensor == 2).all() for tensor in model.state_dict().values())


def test_a_file_says_how_many_classes_it_has(tmp_path: Path) -> None:
    save_file(theirs(create_model("inception_v3", num_classes=7, aux_logits=True)), tmp_path / "seven.safetensors")
    check_weights("inception_v3", tmp_path / "seven.safetensors")


def test_both_heads_get_another_classifier() -> None:
    model = on_meta(aux_logits=True)
    model.reset_classifier(7)
    assert str(model) == str(on_meta(aux_logits=True, num_classes=7))
    logits, auxiliary = model.train()(torch.empty(2, 3, 299, 299, device="meta"))
    assert logits.shape == auxiliary.shape == (2, 7)


def test_there_is_nothing_to_scale() -> None:
    with pytest.raises(ResidualError, match="no residual sums"):
        set_scales(on_meta(), (0.1, 0.1, 0.1))


# Stages, blocks and grids


@pytest.mark.parametrize("aux_logits", [False, True])
def test_children_are_the_stages_in_order(aux_logits: bool) -> None:
    children = list(on_meta(aux_logits=aux_logits).children())

    assert all(isinstance(child, Stage) for child in children)
    assert [child.title for child in children] == [*STAGES, AUXILIARY][: len(STAGES) + aux_logits]


def test_blocks_have_the_shapes_of_the_released_network() -> None:
    table = trace(on_meta(), 299).table()
    blocks = table.groupby("block", sort=False)["out_shape"].last().to_dict()

    assert blocks == {
        "Conv2d_1a_3x3": "32x149x149",
        "Conv2d_2a_3x3": "32x147x147",
        "Conv2d_2b_3x3": "64x147x147",
        "MaxPool_3a_3x3": "64x73x73",
        "Conv2d_3b_1x1": "80x73x73",
        "Conv2d_4a_3x3": "192x71x71",
        "MaxPool_5a_3x3": "192x35x35",
        "Mixed_5b": "256x35x35",
        "Mixed_5c": "288x35x35",
        "Mixed_5d": "288x35x35",
        "Mixed_6a": "768x17x17",
        **dict.fromkeys(["Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"], "768x17x17"),
        "Mixed_7a": "1280x8x8",
        **dict.fromkeys(["Mixed_7b", "Mixed_7c"], "2048x8x8"),
        "Logits": "1000",
    }


def test_multiply_accumulates_are_those_that_torchvision_states() -> None:
    assert round(trace(on_meta(), 299).macs / 1e9, 3) == 5.713


def test_average_pools_inside_blocks_count_their_zeros() -> None:
    pools = [module for module in on_meta(aux_logits=True).modules() if isinstance(module, nn.AvgPool2d)]

    padded = [pool for pool in pools if pool.padding]
    assert len(padded) == sum((3, 4, 2))
    assert all(pool.count_include_pad for pool in padded)


@pytest.mark.parametrize(("training", "stages"), [(False, STAGES), (True, [*STAGES, AUXILIARY])])
def test_a_trace_has_the_auxiliary_head_in_training_only(training: bool, stages: list[str]) -> None:
    model = on_meta(aux_logits=True).train(training)
    table = trace(model, 299).table()

    assert list(table["stage"].unique()) == stages
    assert table["params"].sum() == (27_161_264 if training else 23_834_568)


def test_the_auxiliary_head_reads_the_last_inception_b_block() -> None:
    layers = trace(on_meta(aux_logits=True).train(), 299).layers
    first = next(layer for layer in layers if layer.stage == AUXILIARY)

    (source,) = (layers[index - 1] for index in first.inputs)
    assert (source.block, source.layer) == ("Mixed_6e", "concat")
    assert first.in_shapes == ((768, 17, 17),)


# Running and learning


@pytest.mark.parametrize("aux_logits", [False, True])
def test_eval_mode_gives_logits_only(aux_logits: bool) -> None:
    with torch.inference_mode():
        out = network(aux_logits=aux_logits, **TINY)(picture(2))

    assert out.shape == (2, 1000)
    assert out.isfinite().all()


def test_training_without_the_auxiliary_head_gives_logits_only() -> None:
    assert network(**TINY).train()(picture(2, 107)).shape == (2, 1000)


def test_the_smallest_picture_is_75_px() -> None:
    assert on_meta()(torch.empty(1, 3, 75, 75, device="meta")).shape == (1, 1000)
    with pytest.raises(TraceError, match="Mixed_7a"):
        trace(on_meta(), 74)


def test_the_smallest_picture_of_the_auxiliary_head_is_299_px() -> None:
    model = on_meta(aux_logits=True).train()

    logits, auxiliary = model(torch.empty(2, 3, 299, 299, device="meta"))
    assert logits.shape == auxiliary.shape == (2, 1000)
    with pytest.raises(TraceError, match="AuxLogits"):
        trace(model, 298)


def without_gradient(model: nn.Module) -> list[str]:
    parameters = model.named_parameters()
    return [key for key, p in parameters if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()]


def test_every_parameter_learns() -> None:
    # Half width: a narrower network has channels that ReLU closes for every picture of the batch.
    model = network(torch.float64, width=0.5, repeats=(1, 1, 1)).train()

    model(picture(4, 107, dtype=torch.float64)).square().sum().backward()

    assert without_gradient(model) == []


def test_both_answers_teach() -> None:
    model = network(torch.float64, aux_logits=True, num_classes=5, width=0.25, repeats=(1, 1, 1)).train()

    logits, auxiliary = model(picture(2, 299, dtype=torch.float64))
    auxiliary.square().sum().backward(retain_graph=True)

    behind = ("reduction_b.", "inception_c.", "head.")
    assert without_gradient(model) == [key for key, _ in model.named_parameters() if key.startswith(behind)]
    logits.square().sum().backward()
    assert without_gradient(model) == []


# Overrides


def test_num_classes() -> None:
    with torch.inference_mode():
        assert network(num_classes=7, **TINY)(picture(2)).shape == (2, 7)
    logits, auxiliary = on_meta(num_classes=7, aux_logits=True).train()(torch.empty(2, 3, 299, 299, device="meta"))
    assert logits.shape == auxiliary.shape == (2, 7)


def test_no_classes_gives_the_pooled_features() -> None:
    assert on_meta(num_classes=0)(torch.empty(2, 3, 75, 75, device="meta")).shape == (2, 2048)
    features, auxiliary = on_meta(num_classes=0, aux_logits=True).train()(torch.empty(2, 3, 299, 299, device="meta"))
    assert (features.shape, auxiliary.shape) == ((2, 2048), (2, 768))

    # They are what the classifier of the same weights reads.
    classifying, pooling = network(num_classes=5, **TINY), network(num_classes=0, **TINY)
    pooling.load_state_dict(classifying.state_dict(), strict=False)
    last = classifying.get_submodule("head.Logits.Logits")
    with torch.inference_mode():
        torch.testing.assert_close(last(pooling(picture(2))), classifying(picture(2)))


@pytest.mark.parametrize("channels", [1, 4])
def test_in_chans(channels: int) -> None:
    model = network(in_chans=channels, **TINY)

    with torch.inference_mode():
        assert model(picture(2, channels=channels)).shape == (2, 1000)
    assert count(on_meta(in_chans=channels)) - count(on_meta()) == (channels - 3) * 32 * 9


@pytest.mark.parametrize("width", [0.3, 1e-6])
def test_width_scales_every_conv_unit(width: float) -> None:
    def out_channels(model: nn.Module) -> dict[str, int]:
        return {key: unit.conv.out_channels for key, unit in model.named_modules() if isinstance(unit, ConvUnit)}

    model = on_meta(width=width, aux_logits=True)

    full = out_channels(on_meta(aux_logits=True))
    assert out_channels(model) == {key: max(1, round(width * channels)) for key, channels in full.items()}
    logits, auxiliary = model.train()(torch.empty(2, 3, 299, 299, device="meta"))
    assert logits.shape == auxiliary.shape == (2, 1000)


@pytest.mark.parametrize("repeats", [(1, 2, 1), (3, 1, 2), [2, 2, 2], (25, 25, 25)])
def test_repeats(repeats: Any) -> None:
    blocks = trace(on_meta(repeats=repeats), 75).table().groupby("stage", sort=False)["block"].nunique()

    assert [blocks[f"Inception-{letter}"] for letter in "ABC"] == list(repeats)


def test_repeats_of_none_are_the_networks_own() -> None:
    assert list(on_meta(repeats=None).state_dict()) == list(on_meta(repeats=(3, 4, 2)).state_dict())


@pytest.mark.parametrize(
    ("blocks", "channels"),
    [(1, [192]), (2, [128, 192]), (3, [128, 160, 192]), (4, [128, 160, 160, 192]), (6, [128, *[160] * 4, 192])],
)
def test_widths_of_inception_b_blocks(blocks: int, channels: list[int]) -> None:
    stage = on_meta(repeats=(1, blocks, 1)).inception_b

    assert [block.get_submodule("Branch_1.Conv2d_0a_1x1.conv").out_channels for block in stage] == channels


@pytest.mark.parametrize(("blocks", "channels"), [(1, [32]), (2, [32, 64]), (5, [32, 64, 64, 64, 64])])
def test_pooled_channels_of_inception_a_blocks(blocks: int, channels: list[int]) -> None:
    stage = on_meta(repeats=(blocks, 1, 1)).inception_a

    assert [block.get_submodule("Branch_3.Conv2d_0b_1x1.conv").out_channels for block in stage] == channels


@pytest.mark.parametrize("aux_logits", ["yes", 1, None])
def test_bad_aux_logits(aux_logits: Any) -> None:
    """What every network refuses is in test_networks.py."""
    with pytest.raises(ValueError, match="aux_logits") as caught:
        on_meta(aux_logits=aux_logits)
    reference.assert_one_sentence(caught.value)
