"""timm's interface on every network of the zoo: grids on the way, the head by itself, another classifier."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inception import create_model, list_models, load_weights
from inception.errors import InputError
from inception.models.network import Network
from inception.weights.names import rename
from inception.zoo import VARIANTS
from tests import reference

NAMES = list_models()
EMBEDDING = [name for name in NAMES if VARIANTS[name].embeds]
NAMELESS = {"inception_resnet_v2.paper", "inception_resnet_v2.keras_blog", "inception_resnet_v2.faceid"}
CLASSIFYING = [name for name in NAMES if not VARIANTS[name].embeds]
TINY: dict[str, Any] = {"width": 0.1, "repeats": (1, 1, 2)}


def tiny(name: str, **overrides: Any) -> Network:
    torch.manual_seed(0)
    return create_model(name, **{**TINY, **overrides})


def on_meta(name: str, **overrides: Any) -> Network:
    return create_model(name, device="meta", **overrides)


def picture(n: int = 2, size: int = 107) -> Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "channels", "grid"),  # timm's num_features and feature_info; facenet-pytorch's last_linear reads 1792
    [("inception_v4", 1536, 8), ("inception_resnet_v2", 1536, 8), ("inception_resnet_v1", 1792, 3)],
)
def test_the_last_grid_is_that_of_the_others(name: str, channels: int, grid: int) -> None:
    model = on_meta(name)
    size = VARIANTS[name].input_size

    out = model.forward_features(torch.empty(1, 3, size, size, device="meta"))

    assert model.num_features == channels
    assert out.shape == (1, channels, grid, grid)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_classes", [None, 0, 5])
def test_the_whole_is_the_head_behind_the_features(name: str, num_classes: int | None) -> None:
    model = tiny(name, **({} if num_classes is None else {"num_classes": num_classes}))
    x = picture()

    with torch.inference_mode():
        grid = model.forward_features(x)
        assert grid.shape[1] == model.num_features
        assert torch.equal(model.forward_head(grid), model(x))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_classes", [0, 5])
def test_pre_logits_are_what_the_classifier_reads(name: str, num_classes: int) -> None:
    model = tiny(name, num_classes=num_classes)
    x = picture()

    with torch.no_grad():
        vector = model.forward_head(model.forward_features(x), pre_logits=True)
        out = model(x)

    if num_classes:
        torch.testing.assert_close(model.get_classifier()(vector), out)
    elif VARIANTS[name].embeds:
        torch.testing.assert_close(nn.functional.normalize(vector), out)
        assert not torch.allclose(vector, out)
    else:
        assert torch.equal(vector, out)


@pytest.mark.parametrize("name", NAMES)
def test_features_are_what_the_stages_hand_on(name: str) -> None:
    model = tiny(name)
    seen: dict[str, Tensor] = {}
    for stage in model.stages:
        model.get_submodule(stage).register_forward_hook(lambda _m, _i, out, stage=stage: seen.update({stage: out}))
    x = picture()

    with torch.inference_mode():
        model(x)
        expected = dict(seen)
        found = model.features(x)

    assert list(found) == model.stages == [key for key, _ in model.named_children() if "head" not in key]
    assert all(torch.equal(found[stage], expected[stage]) for stage in expected)


@pytest.mark.parametrize("name", NAMES)
def test_features_of_some_stages_run_no_further_than_needed(name: str) -> None:
    model = tiny(name)
    ran: list[str] = []
    for stage in model.stages:
        model.get_submodule(stage).register_forward_hook(lambda _m, _i, _o, stage=stage: ran.append(stage))

    with torch.inference_mode():
        found = model.features(picture(), stages=["reduction_a", "stem"])

    assert list(found) == ["stem", "reduction_a"]
    assert ran == model.stages[: model.stages.index("reduction_a") + 1]
    with torch.inference_mode():
        assert list(model.features(picture(), stages="stem")) == ["stem"]
        assert model.features(picture(), stages=[]) == {}


def test_an_unknown_stage_is_one_sentence() -> None:
    with pytest.raises(InputError, match="'inception_d' is not a stage of this network; it has stem") as caught:
        tiny("inception_v4").features(picture(), stages=["stem", "inception_d"])
    reference.assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("before", "after"), [(0, 7), (5, 7), (5, 0), (0, 0)])
def test_another_classifier_leaves_a_network_as_if_built_with_it(name: str, before: int, after: int) -> None:
    model = tiny(name, num_classes=before, dtype=torch.float64)
    kept = {key: tensor for key, tensor in model.state_dict().items() if key != "head.Logits.Logits"}

    model.reset_classifier(after)

    expected = tiny(name, num_classes=after, dtype=torch.float64)
    assert model.num_classes == after
    assert str(model) == str(expected)
    assert list(model.state_dict()) == list(expected.state_dict())
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float64}
    assert not any(module.training for module in model.modules())
    for key, tensor in model.state_dict().items():
        if not key.startswith(model.classifier_path):
            assert tensor is kept[key] or torch.equal(tensor, kept[key]), key
    classifier = model.get_classifier()
    assert classifier.out_features == after if after else isinstance(classifier, nn.Identity)


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v1", "inception_resnet_v2"])
def test_a_new_classifier_learns(name: str) -> None:
    model = tiny(name, width=0.25)
    model.reset_classifier(3)
    model.train()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for parameter in model.get_classifier().parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.SGD(model.get_classifier().parameters(), 0.1)
    labels = torch.tensor([0, 1, 2, 1])
    before = model.get_classifier().state_dict()["weight"].clone()

    loss = nn.functional.cross_entropy(model(picture(4)), labels)
    loss.backward()
    optimizer.step()

    assert loss.isfinite()
    assert not torch.equal(model.get_classifier().state_dict()["weight"], before)
    assert all(p.grad is None for key, p in model.named_parameters() if not key.startswith(model.classifier_path))


def test_on_the_meta_device_it_stays_there() -> None:
    model = on_meta("inception_v4")
    model.reset_classifier(3)
    assert all(tensor.is_meta for tensor in model.state_dict().values())
    assert model(torch.empty(1, 3, 75, 75, device="meta")).shape == (1, 3)


@pytest.mark.parametrize("num_classes", [-1, 2.5, "ten"])
def test_a_wrong_number_of_classes_changes_nothing(num_classes: Any) -> None:
    model = tiny("inception_v4", num_classes=5)
    classifier = model.get_classifier()

    with pytest.raises(InputError, match="num_classes"):
        model.reset_classifier(num_classes)

    assert model.get_classifier() is classifier
    assert model.num_classes == 5


def test_weights_of_others_fit_whatever_the_repeats_are() -> None:
    """timm numbers Inception-v4's blocks from one end to the other, so the names depend on how many there are."""
    model = tiny("inception_v4", repeats=(2, 1, 1))
    keys = [f"features.{n}" for n in range(14)]
    inverse = {theirs: ours for ours, theirs in model.names.items()}

    # Stem 0 to 5, two A blocks, Reduction-A, one B block, Reduction-B, one C block.
    assert [inverse.get(key) for key in keys[6:]] == [
        "inception_a.Mixed_5b",
        "inception_a.Mixed_5c",
        "reduction_a.Mixed_6a",
        "inception_b.Mixed_6b",
        "reduction_b.Mixed_7a",
        "inception_c.Mixed_7b",
        None,
        None,
    ]
    theirs = {rename(key, model.names): tensor for key, tensor in model.state_dict().items()}
    assert "features.11.branch1_1a.conv.weight" in theirs
    load_weights(model, theirs)


def test_networks_that_no_one_else_has_carry_no_names() -> None:
    assert {name for name in NAMES if not on_meta(name).names} == NAMELESS


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NAMELESS])
def test_names_are_those_of_different_modules(name: str) -> None:
    model = on_meta(name)
    modules = dict(model.named_modules())
    named = {ours: theirs for ours, theirs in model.names.items() if ours in modules}

    assert len(set(named.values())) == len(named)
    for key in model.state_dict():
        assert any(key.startswith(f"{path}.") for path in named), key
