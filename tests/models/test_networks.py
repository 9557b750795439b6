"""The networks themselves: counts, dtypes, overrides, export, training."""

import inspect
import io
import math
import re
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inception import create_model, list_models, trace
from inception.models.layers import ConvUnit, ResidualSum
from inception.zoo import VARIANTS
from tests import reference

NAMES = list_models()
PLAIN = [name for name in NAMES if "." not in name]  # the others vary one of these
RESIDUAL = [name for name in NAMES if "residual_scale" in inspect.signature(VARIANTS[name].build).parameters]
FEATURES = {"inception_v4": 1536, "inception_resnet_v2": 1536, "inception_resnet_v2.paper": 2144}
EMBEDDINGS = {"inception_resnet_v1": 512, "inception_resnet_v2.faceid": 1024}
TINY: dict[str, Any] = {"width": 0.1, "repeats": (1, 1, 1)}


def tiny(name: str, **overrides: Any) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name, **{**TINY, **overrides})


def picture(n: int = 1, size: int = 75, channels: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(
        dtype
    )


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_zoo_has_every_variant() -> None:
    assert {
        "inception_v4",
        "inception_resnet_v1",
        "inception_resnet_v2",
        "inception_resnet_v2.paper",
        "inception_resnet_v2.keras_blog",
        "inception_resnet_v2.faceid",
    } <= set(list_models())


# Counts
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("inception_v4", 42_679_816),  # timm
        ("inception_resnet_v1", 23_482_624),  # facenet-pytorch
        ("inception_resnet_v2", 55_843_464),  # timm
        ("inception_resnet_v2.keras_blog", 59_423_880),  # the tutorial's own model
        # timm's v2 with a 1024-d bottleneck and batch norm in the place of 1000 classes with bias.
        ("inception_resnet_v2.faceid", 55_843_464 - 1000 * (1536 + 1) + 1536 * 1024 + 2 * 1024),
    ],
)
def test_parameter_counts(name: str, parameters: int) -> None:
    assert count(create_model(name, device="meta")) == parameters


def test_parameter_count_of_the_papers_v2_follows_from_its_figures() -> None:
    """Fig. 3 and 15 to 19 and Table 1, counted by hand: convolution, then two numbers a batch norm channel."""

    def conv(i: int, o: int, k: int = 1) -> int:
        return i * o * k + 2 * o

    def linear(i: int, o: int) -> int:
        return i * o + o

    stem = sum(  # Inception-v4's, as timm has it in features 0 to 5
        math.prod(shape)
        for key, shape in reference.state_dict_shapes("inception_v4").items()
        if re.match(r"features\.[0-5]\..*(weight|bias)$", key)
    )
    a = 3 * conv(384, 32) + conv(32, 32, 9) + conv(32, 48, 9) + conv(48, 64, 9) + linear(128, 384)
    reduction_a = conv(384, 384, 9) + conv(384, 256) + conv(256, 256, 9) + conv(256, 384, 9)
    b = conv(1152, 192) + conv(1152, 128) + conv(128, 160, 7) + conv(160, 192, 7) + linear(384, 1152)
    reduction_b = 3 * conv(1152, 256) + conv(256, 384, 9) + conv(256, 288, 9) + conv(256, 288, 9) + conv(288, 320, 9)
    c = 2 * conv(2144, 192) + conv(192, 224, 3) + conv(224, 256, 3) + linear(448, 2144)

    model = create_model("inception_resnet_v2.paper", device="meta")

    assert count(model) == stem + 5 * a + reduction_a + 10 * b + reduction_b + 5 * c + linear(2144, 1000)


@pytest.mark.parametrize(
    ("name", "size", "gmacs"),
    [
        ("inception_v4", 299, 12.254),
        ("inception_resnet_v1", 160, 1.418),
        ("inception_resnet_v1", 299, 6.308),
        ("inception_resnet_v2", 299, 13.156),
        ("inception_resnet_v2.keras_blog", 299, 14.399),
    ],
)
def test_multiply_accumulates(name: str, size: int, gmacs: float) -> None:
    assert round(trace(name, size).macs / 1e9, 3) == gmacs


# Running
@pytest.mark.parametrize("name", NAMES)
def test_eval_mode_and_shape_of_the_answer(name: str) -> None:
    model = tiny(name)

    with torch.inference_mode():
        out = model(picture(2))

    assert not any(module.training for module in model.modules())
    classes = round(EMBEDDINGS[name] * 0.1) if name in EMBEDDINGS else 1000
    assert out.shape == (2, classes)
    assert out.isfinite().all()


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 0.0), (torch.float32, 1e-5), (torch.float16, 0.01), (torch.bfloat16, 0.05)],
)
def test_dtypes_agree_with_float64(name: str, dtype: torch.dtype, tolerance: float) -> None:
    exact = tiny(name, dtype=torch.float64)
    model = tiny(name, dtype=dtype)
    model.load_state_dict(exact.state_dict())

    with torch.inference_mode():
        expected, out = exact(picture(2, dtype=torch.float64)), model(picture(2, dtype=dtype))

    assert out.dtype == dtype
    assert {p.dtype for p in model.parameters()} == {dtype}
    assert (out.double() - expected).norm() <= tolerance * expected.norm()


@pytest.mark.parametrize("name", PLAIN)
def test_channels_last_gives_the_same(name: str) -> None:
    model = tiny(name)
    x = picture(2, 107)
    with torch.inference_mode():
        expected = model(x)
        out = model.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))  # type: ignore[call-overload]

    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    "device",
    [
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
        pytest.param("mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS device")),
    ],
)
def test_accelerators_give_the_same(name: str, device: str) -> None:
    model = tiny(name)
    x = picture(2, 107)
    with torch.inference_mode():
        expected = model(x)
        out = model.to(device)(x.to(device))
        half = model.half()(x.to(device).half())

    torch.testing.assert_close(out.cpu(), expected, rtol=1e-2, atol=1e-3)  # TF32 where the device has it
    torch.testing.assert_close(half.cpu().float(), expected, rtol=5e-2, atol=1e-2)
    assert {p.device.type for p in create_model(name, device=device, **TINY).parameters()} == {device}


@pytest.mark.parametrize("name", NAMES)
def test_meta_device_holds_no_memory(name: str) -> None:
    model = create_model(name, device="meta")

    assert all(tensor.is_meta for tensor in model.state_dict().values())
    out = model(torch.empty(2, 3, 75, 75, device="meta"))
    assert out.is_meta
    assert len(out.shape) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAIN)
def test_export_round_trip(name: str) -> None:
    model = tiny(name)
    x = picture()
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(model, (x,)), buffer)
    buffer.seek(0)

    exported = torch.export.load(buffer).module()

    with torch.no_grad():
        torch.testing.assert_close(exported(x), model(x))


@pytest.mark.parametrize("name", PLAIN)
def test_pictures_of_a_batch_do_not_mix(name: str) -> None:
    model = tiny(name)
    x = picture(3)

    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name: str) -> None:
    # Half width: a narrower network has channels that ReLU closes for every picture of the batch.
    model = tiny(name, width=0.5).double().train()

    model(picture(4, 107, dtype=torch.float64)).square().sum().backward()

    without = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    still = [key for key, p in model.named_parameters() if p.grad is not None and not p.grad.any()]
    assert still == []


# Overrides
@pytest.mark.parametrize("name", NAMES)
def test_num_classes(name: str) -> None:
    with torch.inference_mode():
        assert tiny(name, num_classes=7)(picture(2)).shape == (2, 7)
        assert tiny(name, num_classes=1)(picture(2)).shape == (2, 1)


@pytest.mark.parametrize("name", FEATURES)
def test_no_classes_gives_the_pooled_features(name: str) -> None:
    model = create_model(name, device="meta", num_classes=0)
    assert model(torch.empty(2, 3, 75, 75, device="meta")).shape == (2, FEATURES[name])

    # They are what the classifier of the same weights reads.
    classifying = tiny(name, num_classes=5)
    features = tiny(name, num_classes=0)
    features.load_state_dict(classifying.state_dict(), strict=False)
    last = [module for module in classifying.modules() if isinstance(module, nn.Linear)][-1]
    x = picture(2)
    with torch.inference_mode():
        torch.testing.assert_close(last(features(x)), classifying(x))


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embeddings_have_length_one(name: str) -> None:
    model = create_model(name, device="meta", num_classes=0)
    assert model(torch.empty(2, 3, 75, 75, device="meta")).shape == (2, EMBEDDINGS[name])

    with torch.inference_mode():
        lengths = tiny(name, num_classes=0, dtype=torch.float64)(picture(3, 107, dtype=torch.float64)).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 4])
def test_in_chans(name: str, channels: int) -> None:
    model = tiny(name, in_chans=channels)

    with torch.inference_mode():
        assert model(picture(2, channels=channels)).shape[0] == 2
    full, ours = create_model(name, device="meta", **TINY), create_model(name, device="meta", in_chans=channels, **TINY)
    first = next(m for m in full.modules() if isinstance(m, nn.Conv2d))
    assert count(ours) - count(full) == (channels - 3) * first.out_channels * 9


@pytest.mark.parametrize("name", NAMES)
def test_width_scales_every_conv_unit(name: str) -> None:
    def out_channels(model: nn.Module) -> dict[str, int]:
        return {key: unit.conv.out_channels for key, unit in model.named_modules() if isinstance(unit, ConvUnit)}

    full = out_channels(create_model(name, device="meta", repeats=(1, 2, 2)))
    for width in (0.3, 1e-6):
        model = create_model(name, device="meta", width=width, repeats=(1, 2, 2))
        scaled = out_channels(model)
        assert scaled.keys() == full.keys()
        for key in scaled:
            # The tutorial's conv units before a sum have to meet the shortcut, itself a sum of rounded widths.
            if not re.search(r"Block\d+_\d+\.Conv2d_1x1$", key):
                assert scaled[key] == max(1, round(width * full[key])), key
        assert model(torch.empty(1, 3, 75, 75, device="meta")).shape[0] == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("repeats", [(1, 2, 1), (3, 1, 2), [2, 2, 2]])
def test_repeats(name: str, repeats: Any) -> None:
    table = trace(name, 75, width=0.05, repeats=repeats).table()
    blocks = table.groupby("stage", sort=False)["block"].nunique()
    prefix = "Inception-ResNet" if name in RESIDUAL else "Inception"

    assert [blocks[f"{prefix}-{letter}"] for letter in "ABC"] == list(repeats)


@pytest.mark.parametrize("name", NAMES)
def test_repeats_of_none_are_the_networks_own(name: str) -> None:
    own, none = create_model(name, device="meta"), create_model(name, device="meta", repeats=None)
    assert list(own.state_dict()) == list(none.state_dict())


def residual_sums(model: nn.Module) -> dict[str, float]:
    return {key: module.scale for key, module in model.named_modules() if isinstance(module, ResidualSum)}


@pytest.mark.parametrize(
    ("name", "scales"),
    [
        ("inception_resnet_v1", (0.17, 0.10, 0.20)),  # FaceNet's code
        ("inception_resnet_v2", (0.17, 0.10, 0.20)),  # TF-Slim
        ("inception_resnet_v2.faceid", (0.17, 0.10, 0.20)),
        ("inception_resnet_v2.keras_blog", (1.0, 1.0, 1.0)),  # the tutorial leaves the scale out
    ],
)
def test_residual_scales_as_published(name: str, scales: tuple[float, float, float]) -> None:
    sums = residual_sums(create_model(name, device="meta"))

    last = sums.popitem()
    assert last[1] == 1.0  # TF-Slim's last block; the tutorial scales none
    for key, scale in sums.items():
        assert scale == scales["ABC".index(re.search(r"inception_resnet_([abc])", key)[1].upper())]  # type: ignore[index]


@pytest.mark.parametrize("name", RESIDUAL)
def test_residual_scale_override(name: str) -> None:
    one = residual_sums(create_model(name, device="meta", residual_scale=0.3))
    three = residual_sums(create_model(name, device="meta", residual_scale=(0.1, 0.2, 0.3)))

    assert set(one.values()) == {0.3}
    for key, scale in list(three.items())[:-1]:
        assert scale == {"a": 0.1, "b": 0.2, "c": 0.3}[key.split(".")[0][-1]]


@pytest.mark.parametrize("name", RESIDUAL)
def test_scale_zero_leaves_the_shortcut(name: str) -> None:
    """A block is then its input behind the block's ReLU; TF-Slim's last block, which has none, is its input."""
    model = create_model(name, residual_scale=0, width=0.1, repeats=(2, 2, 2))
    blocks = {
        f"{stage}.{key}": block
        for stage in ("inception_resnet_a", "inception_resnet_b", "inception_resnet_c")
        for key, block in model.get_submodule(stage).named_children()
    }
    assert len(blocks) == 6

    for key, block in blocks.items():
        last = [module for module in block.get_submodule("Conv2d_1x1").modules() if isinstance(module, nn.Conv2d)][-1]
        x = torch.randn(2, last.out_channels, 5, 5)
        with torch.inference_mode():
            assert torch.equal(block(x), x if key.endswith("Block8") else x.relu())


def test_scale_changes_the_answer() -> None:
    x = picture()
    with torch.inference_mode():
        small, large = (tiny("inception_resnet_v2", residual_scale=scale)(x) for scale in (0.1, 1.0))

    assert not torch.allclose(small, large)


# Bad input
@pytest.mark.parametrize(
    "name", ["inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2.keras_blog"]
)
@pytest.mark.parametrize(
    "overrides",
    [
        {"width": 0},
        {"width": -0.5},
        {"width": float("nan")},
        {"width": float("inf")},
        {"width": "wide"},
        {"repeats": (0, 1, 1)},
        {"repeats": (1, -1, 1)},
        {"repeats": (1, 26, 1)},
        {"repeats": (1, 2)},
        {"repeats": (1, 2, 3, 4)},
        {"repeats": (1, 1.5, 1)},
        {"repeats": 3},
        {"repeats": ()},
        {"num_classes": -1},
        {"num_classes": 2.5},
        {"in_chans": 0},
        {"in_chans": -3},
        {"colour": "blue"},
        {"plan": None},
    ],
    ids=str,
)
def test_bad_overrides(name: str, overrides: dict[str, Any]) -> None:
    for build in (partial(create_model, device="meta"), trace):
        with pytest.raises(ValueError, match=next(iter(overrides))) as caught:
            build(name, **overrides)
        reference.assert_one_sentence(caught.value)


@pytest.mark.parametrize("scale", [(0.1, 0.2), (), "large", float("nan"), (0.1, "x", 0.2)])
def test_bad_residual_scale(scale: Any) -> None:
    with pytest.raises(ValueError, match="residual_scale") as caught:
        create_model("inception_resnet_v2", device="meta", residual_scale=scale)
    reference.assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RESIDUAL])
def test_network_without_residuals_has_no_scale(name: str) -> None:
    with pytest.raises(ValueError, match="residual_scale") as caught:
        create_model(name, device="meta", residual_scale=0.1)
    reference.assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["", "inception_v5", "Inception_v4", "inception_resnet_v2.", 4, None])
def test_unknown_network(name: Any) -> None:
    with pytest.raises(ValueError, match="inception_resnet_v1") as caught:  # the sentence lists those that exist
        create_model(name)
    reference.assert_one_sentence(caught.value)
