"""The differences page's figures against other people's tables, hand arithmetic and real tensors."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from math import ceil, prod
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchinfo import summary

from inception import create_model, words
from inception.models.inception_resnet import INCEPTION_RESNET_V2, InceptionResNet, Plan, StemResNetV2, linear_1x1
from inception.models.layers import ConvUnit
from inception.studies.differences.claim import TOPICS, VERDICTS, Cost, Difference, Source, value_text
from inception.studies.differences.topics import differences
from inception.zoo import KERAS_BLOG_V2, PAPER_V2
from tests import reference

from ..graphs import zoo_graph

V4, V1, V2 = "inception_v4", "inception_resnet_v1", "inception_resnet_v2"
Pairs = list[tuple[Any, Any]]


@pytest.fixture(scope="module")
def by_id() -> dict[str, Difference]:
    return {difference.id: difference for difference in differences()}


# Independent figures
@cache
def rows(name: str) -> list[dict[str, str]]:
    """Layers that timm or facenet-pytorch runs, in order."""
    return reference.table({V4: f"{V4}.layers_299.csv", V1: f"{V1}.layers_160.csv", V2: f"{V2}.layers_299.csv"}[name])


def select(name: str, *prefixes: str) -> list[dict[str, str]]:
    """Rows of the modules with these names there, and of what is in them."""
    return [row for row in rows(name) if any(f"{row['path']}.".startswith(f"{prefix}.") for prefix in prefixes)]


def params(of: list[dict[str, str]]) -> int:
    """With gamma and beta behind each convolution that is called conv; the linear 1x1 are called conv2d there."""
    norms = (2 * reference.sizes(row["out_shape"])[0] for row in of if row["path"].endswith("conv"))
    return sum(int(row["params"]) for row in of) + sum(norms)


def macs(of: list[dict[str, str]]) -> int:
    return sum(int(row["macs"] or 0) for row in of)


def out_channels(of: list[dict[str, str]]) -> int:
    return sum(reference.sizes(row["out_shape"])[0] for row in of if row["op"] == "Conv2d")


V4_STEM = tuple(f"features.{i}" for i in range(6))
V2_STEM = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "maxpool_3a", "conv2d_3b", "conv2d_4a", "maxpool_5a")
V1_STEM = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "maxpool_3a", "conv2d_3b", "conv2d_4a", "conv2d_4b")
V1_TOTAL = 23_482_624  # facenet-pytorch's, embedding network


def unit(inputs: int, outputs: int, area: int) -> int:
    """Parameters of convolution without bias and batch norm."""
    return inputs * outputs * area + 2 * outputs


@cache
def measured(model: str | Plan, size: int = 299) -> tuple[int, int]:
    """Parameters and MACs by counting in forward hooks, without a trace."""
    with torch.device("meta"):
        network = create_model(model, device="meta") if isinstance(model, str) else InceptionResNet(model).eval()
    count = 0

    def add(module: nn.Conv2d | nn.Linear, _: Any, out: Tensor) -> None:
        nonlocal count
        count += out.numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(add)
    network(torch.empty(1, 3, size, size, device="meta"))
    return sum(parameter.numel() for parameter in network.parameters()), count


def whole(said: Plan, real: Plan, fields: tuple[int, int]) -> Pairs:
    return [*zip(measured(said), measured(real), strict=True), ((fields[0],) * 2, (fields[1],) * 2)]


def field(stem: int, a: int, b: int, c: int, kernel: int = 3) -> int:
    """Receptive field of the last convolution: each layer adds (kernel - 1) strides, the longest branch counts."""
    reduction_a, reduction_b = 2 * 8 + 2 * 8, 2 * 16 + 2 * 16
    return stem + a * 4 * 8 + reduction_a + b * 6 * 16 + reduction_b + c * (kernel - 1) * 32


V4_STEM_FIELD = 3 + 4 + 4 + 4 + 6 * 4 + 2 * 4 + 2 * 4
V2_STEM_FIELD = 3 + 4 + 4 + 4 + 2 * 4 + 2 * 4 + 4 * 8  # with Mixed_5b's 5x5
V1_STEM_FIELD = 3 + 4 + 4 + 4 + 2 * 4 + 2 * 4

RELEASED_STEM = replace(PAPER_V2, stem=StemResNetV2, mixed_5b=True)
RELEASED_REPEATS = replace(RELEASED_STEM, repeats=(10, 20, 10))


def tf_same(x: Tensor, window: Callable[[Tensor], Tensor], kernel: int = 3, stride: int = 2) -> Tensor:
    """TensorFlow's SAME: zeros until every stride fits, the odd one at the end."""
    total = max((ceil(x.shape[-1] / stride) - 1) * stride + kernel - x.shape[-1], 0)
    before, after = total // 2, total - total // 2
    return window(F.pad(x, (before, after, before, after)))


def stem_grids(size: int, same: bool) -> list[int]:
    """Grids of Inception-v4's stem, measured on a picture of one channel."""
    weight = torch.ones(1, 1, 3, 3)
    halve = (lambda x: tf_same(x, halved)) if same else (lambda x: halved(x))

    def halved(x: Tensor) -> Tensor:
        return F.conv2d(x, weight, stride=2)

    x = torch.zeros(1, 1, size, size)
    grids = []
    for step in (halve, lambda x: F.conv2d(x, weight), halve, lambda x: F.conv2d(x, weight), halve):
        x = step(x)
        grids.append(x.shape[-1])
    return grids


def valid_grid(size: int) -> int:
    """Rows of the last grid of an Inception-ResNet: VALID 3x3, those of stride 2 marked."""
    for stride in (2, 1, 2, 1, 2, 2, 2):
        size = (size - 3) // stride + 1
    return size


def seen(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns on which one cell behind two SAME convolutions depends, by gradient."""
    x = torch.zeros(1, 1, 17, 17, requires_grad=True)
    y = x
    for kernel in (first, second):
        y = F.conv2d(y, torch.ones(1, 1, *kernel), padding=(kernel[0] // 2, kernel[1] // 2))
    y[0, 0, 8, 8].backward()
    assert x.grad is not None
    touched = x.grad[0, 0] != 0
    return int(touched.any(1).sum()), int(touched.any(0).sum())


def on_zeros(length: int, cells: int) -> float:
    """The share of taps that fall on padding, by counting those that do not with a convolution of ones."""
    inside = F.conv1d(torch.ones(1, 1, cells), torch.ones(1, 1, length), padding=length // 2)
    return 1 - float(inside.sum()) / (length * cells)


def keras_parameters(name: str) -> tuple[int, int]:
    """All and trained parameters of a timm network as Keras holds it: no gamma, but running mean and variance."""
    shapes = reference.state_dict_shapes(name)
    gammas = {key.replace("running_mean", "weight") for key in shapes if key.endswith("running_mean")}
    kept = {k: prod(s) for k, s in shapes.items() if k not in gammas and not k.endswith("num_batches_tracked")}
    return sum(kept.values()), sum(n for key, n in kept.items() if "running" not in key)


def blog_in_keras() -> int:
    with torch.device("meta"):
        state = InceptionResNet(KERAS_BLOG_V2).state_dict()
    return sum(value.numel() for key, value in state.items() if not key.endswith("num_batches_tracked"))


def v4_stem_rows() -> list[dict[str, str]]:
    return select(V4, *V4_STEM)


def stem_with(biases: bool) -> int:
    """Parameters of Inception-v4's stem with biases instead of batch norms, or as it is."""
    stem = v4_stem_rows()
    return sum(int(row["params"]) for row in stem) + out_channels(stem) if biases else params(stem)


def v2_measured() -> tuple[int, int]:
    return params(rows(V2)), macs(rows(V2))


def slim_reduction_a(k: int, l: int, m: int, n: int) -> tuple[int, int]:  # noqa: E741 (the paper's letters)
    """Parameters and MACs of Reduction-A on 256x35x35."""
    strided, inner = 256 * n * 9 + l * m * 9, 256 * k + k * l * 9
    return strided + inner + 2 * (k + l + m + n), strided * 17**2 + inner * 35**2


AUX = unit(1088, 128, 1) + unit(128, 768, 25) + 768 * 1000 + 1000
AUX_MACS = 1088 * 128 * 25 + 128 * 768 * 25 + 768 * 1000

# For each difference, said and real of its costs in order.
EXPECTED: dict[str, Callable[[], Pairs]] = {
    "released-is-not-the-paper": lambda: [
        (measured(PAPER_V2)[0], v2_measured()[0]),
        (measured(PAPER_V2)[1], v2_measured()[1]),
        ((field(V4_STEM_FIELD, 5, 10, 5),) * 2, (3039, 3039)),
    ],
    "faceid-changes": lambda: [
        ("5/10/5", "10/20/10"),
        (measured(PAPER_V2)[0] - 2145 * 1000, v2_measured()[0] - 1537 * 1000),
        ((2144,), (1536,)),
    ],
    "v2-stem": lambda: [
        (params(v4_stem_rows()), params(select(V2, *V2_STEM, "mixed_5b"))),
        (macs(v4_stem_rows()), macs(select(V2, *V2_STEM, "mixed_5b"))),
        ((192 + 192, 35, 35), (96 + 64 + 96 + 64, 35, 35)),
    ],
    "v2-stem-listing": lambda: [
        (params(v4_stem_rows()), params(select(V2, *V2_STEM))),
        (macs(v4_stem_rows()), macs(select(V2, *V2_STEM))),
        ((384, 35, 35), reference.sizes(select(V2, "maxpool_5a")[0]["out_shape"])),
    ],
    "v1-stem-is-v3": lambda: [
        (params(select(V2, *V2_STEM)), params(select(V1, *V1_STEM))),
        (macs(select(V2, *V2_STEM)), macs(select(V2, *V2_STEM)) + 192 * 256 * 9 * 35**2),
        ((192, 35, 35), (256, 35, 35)),
    ],
    "v1-stem-listing": lambda: [
        (
            unit(3, 32, 9) + unit(32, 32, 9) + unit(32, 64, 9) + unit(64, 80, 1) + unit(80, 192, 9),
            params(select(V1, *V1_STEM)),
        ),
        (
            3 * 32 * 9 * 149**2 + (32 * 32 * 9 + 32 * 64 * 9 + 64 * 80) * 147**2 + 80 * 192 * 9 * 145**2,
            macs(select(V2, *V2_STEM)) + 192 * 256 * 9 * 35**2,
        ),
        ((192, 145, 145), (256, 35, 35)),
    ],
    "v1-stem-parallel": lambda: [
        (len({row["path"].split(".")[1] for row in v4_stem_rows()} - {"0", "1", "2"}), 0),
        (
            sum(len(set(row["kernel"].split("x"))) > 1 for row in v4_stem_rows()),
            sum(len(set(row["kernel"].split("x"))) > 1 for row in select(V1, *V1_STEM)),
        ),
    ],
    "stem-five-convolutions": lambda: [
        (params(v4_stem_rows()) + unit(64, 32, 9) + unit(32, 64, 9), params(v4_stem_rows())),
        (macs(v4_stem_rows()) + 2 * 64 * 32 * 9 * 147**2, macs(v4_stem_rows())),
    ],
    "stem-last-stride": lambda: [
        (unit(192, 192, 9), params(select(V4, "features.5"))),
        (192 * 192 * 9 * 69**2, macs(select(V4, "features.5"))),
        ((192, 69, 69), (192, 35, 35)),
    ],
    "stem-order-of-7x1": lambda: [
        ((7, 1), (1, 7)),
        (2 * unit(64, 64, 7), params(select(V4, "features.4.branch1.1", "features.4.branch1.2"))),
        (2 * 64 * 64 * 7 * 73**2, macs(select(V4, "features.4.branch1.1", "features.4.branch1.2"))),
        ((64, 73, 73), reference.sizes(select(V4, "features.4.branch1.2")[0]["out_shape"])),
    ],
    "stem-without-batch-norm": lambda: [
        (0, out_channels(v4_stem_rows())),
        (stem_with(biases=True), stem_with(biases=False)),
        (macs(v4_stem_rows()), macs(v4_stem_rows())),
        ((384, 35, 35), (384, 35, 35)),
    ],
    "channels-1154": lambda: [
        ((1154, 17, 17), (384 + 384 + 384, 17, 17)),
        (384 * 1154 + 1154, 384 * 1152 + 1152),
        (384 * 1154 * 17**2, 384 * 1152 * 17**2),
    ],
    "channels-2048": lambda: [
        ((2048, 8, 8), (384 + 288 + 320 + 1152, 8, 8)),
        (448 * 2048 + 2048, 448 * 2144 + 2144),
        (448 * 2048 * 8**2, 448 * 2144 * 8**2),
    ],
    "channels-of-the-blocks": lambda: [
        ("384/1152/2144", "320/1088/2080"),
        *whole(PAPER_V2, RELEASED_STEM, (field(V4_STEM_FIELD, 5, 10, 5), field(V2_STEM_FIELD, 5, 10, 5))),
    ],
    "channels-of-fig-15": lambda: [
        ((256, 35, 35), (384, 35, 35)),
        ((896, 17, 17), (1152, 17, 17)),
        ((1792, 8, 8), (2144, 8, 8)),
    ],
    "channels-1024": lambda: [(1024, 384 + 384 + 320)],
    "block35-is-v2": lambda: [
        (params(select(V2, "repeat.0")), params(select(V1, "repeat_1.0"))),
        (macs(select(V2, "repeat.0")), macs(select(V1, "repeat_1.0")) * 35**2 // 17**2),
        ((320, 35, 35), (256, 35, 35)),
    ],
    "reduction-a-same": lambda: [
        *zip(slim_reduction_a(192, 192, 256, 384), slim_reduction_a(256, 256, 384, 384), strict=True),
        ((384 + 256 + 256, 17, 17), (384 + 384 + 256, 17, 17)),
    ],
    "reduction-a-klmn": lambda: [
        ("192, 192, 256, 384", ", ".join(klmn_of_v1())),
        ((896, 17, 17), (384 + 256 + 256, 17, 17)),
    ],
    "upsampling": lambda: [(None, (38, 38)), (None, (38, 38)), (None, 64), (80, 80)],
    "repeats": lambda: [
        ("5/10/5", "10/20/10"),
        *whole(RELEASED_STEM, RELEASED_REPEATS, (field(V2_STEM_FIELD, 5, 10, 5), 3039)),
    ],
    "1x7-in-block-c": lambda: [
        *whole(
            KERAS_BLOG_V2,
            replace(KERAS_BLOG_V2, block_c_kernel=3),
            (field(V4_STEM_FIELD, 10, 20, 10, kernel=7), field(V4_STEM_FIELD, 10, 20, 10)),
        ),
        (pytest.approx(on_zeros(7, 8)), pytest.approx(on_zeros(3, 8))),
        (pytest.approx(on_zeros(7, 3)), pytest.approx(on_zeros(3, 3))),
    ],
    "inception-b-order": lambda: [
        (seen((1, 7), (1, 7)), seen((1, 7), (7, 1))),
        (unit(192, 224, 7) + unit(224, 256, 7), params(select(V4, "features.11.branch1.1", "features.11.branch1.2"))),
        ((192 * 224 + 224 * 256) * 7 * 17**2, macs(select(V4, "features.11.branch1.1", "features.11.branch1.2"))),
        ((256, 17, 17), (256, 17, 17)),
    ],
    "bias-under-batch-norm": lambda: list(
        zip(measured(KERAS_BLOG_V2), measured(replace(KERAS_BLOG_V2, conv=ConvUnit, linear=ConvUnit)), strict=True)
    ),
    "separable": lambda: [
        (256 * 49 + 256 + 256 * 256 + 256, 2 * (256 * 256 * 7 + 256)),
        ((256 * 49 + 256 * 256) * 64**2, 2 * 256 * 256 * 7 * 64**2),
        ((256, 64, 64), (256, 64, 64)),
    ],
    "linear-1x1": lambda: list(
        zip(measured(KERAS_BLOG_V2), measured(replace(KERAS_BLOG_V2, linear=linear_1x1)), strict=True)
    ),
    "residual-scale": lambda: [("1/1/1", "0.17/0.1/0.2"), (None, 0), (None, 0)],
    "last-block": lambda: [
        (0.2, 1.0),
        (V1_TOTAL - params(select(V1, "block8")), V1_TOTAL),
        (macs(rows(V1)) - macs(select(V1, "block8")), macs(rows(V1))),
        ((field(V1_STEM_FIELD, 5, 10, 5),) * 2, (1631, 1631)),
    ],
    "same-for-valid": lambda: [
        ((32, *[stem_grids(299, same=True)[0]] * 2), (32, *[stem_grids(299, same=False)[0]] * 2)),
        (params(v4_stem_rows()), params(v4_stem_rows())),
        (same_stem_macs(), macs(v4_stem_rows())),
        ((384, *[stem_grids(299, same=True)[-1]] * 2), (384, *[stem_grids(299, same=False)[-1]] * 2)),
    ],
    "229-for-299": lambda: [
        ((32, 149, 149), (32, *[stem_grids(229, same=False)[0]] * 2)),
        ((1536, *[valid_grid(229)] * 2), (1536, *[valid_grid(299)] * 2)),
        (measured(V4, 229)[1], macs(rows(V4))),
        (2 + 3 + 3, 0),  # Mixed_3a, Mixed_6a and Mixed_7a stand on even grids
    ],
    "odd-loses-nothing": lambda: [
        (6, sum(row["dropped_rows"] == "1" for row in reference.table("faceid_v2_160.table.csv"))),
        (None, 0),
    ],
    "smallest-input": lambda: [(None, (valid_grid(75), valid_grid(75)))],
    "facenet-grids": lambda: [("35/17/8", "17/8/3"), (measured(V1)[1], macs(rows(V1)))],
    "output-stride-comment": lambda: [
        ((17, 17), tuple(F.conv2d(torch.zeros(1, 1, 35, 35), torch.ones(1, 1, 3, 3), stride=1).shape[2:])),
        ((33, 33), tuple(F.conv2d(torch.zeros(1, 1, 35, 35), torch.ones(1, 1, 3, 3), stride=2).shape[2:])),
    ],
    "conv-7b": lambda: [
        *zip(measured(RELEASED_REPEATS), v2_measured(), strict=True),
        ((3039, 3039), (3039, 3039)),
    ],
    "pool-kernel-1x1": lambda: [
        ((1, 1), (3, 3)),
        (tuple(nn.AvgPool2d(1)(torch.zeros(1536, 3, 3)).shape), tuple(nn.AvgPool2d(3)(torch.zeros(1536, 3, 3)).shape)),
    ],
    "pool-output": lambda: [((1792, 8, 8), (1792, 1, 1))],
    "pool-8x8-fixed": lambda: [((8, 8), (valid_grid(160),) * 2), ((8, 8), (valid_grid(331),) * 2)],
    "dropout-v4": lambda: [(0.0, pytest.approx(1 - 0.8)), (None, 0)],
    "dropout-v1": lambda: [(0.2, 0.6)],
    "bottleneck": lambda: [(128, 512), (1792 * 128 + 2 * 128, 1792 * 512 + 2 * 512), (1792 * 128, 1792 * 512)],
    "classes-1001": lambda: [
        (1000, 1001),
        (v2_measured()[0], measured(replace(INCEPTION_RESNET_V2, num_classes=1001))[0]),
    ],
    "aux-logits": lambda: [
        (v2_measured()[0], v2_measured()[0] + AUX),
        (v2_measured()[1], v2_measured()[1] + AUX_MACS),
    ],
    "mixed-7a-names": lambda: [
        ("Conv2d_0a_1x1", "Conv2d_0a_1x1"),
        ("Conv2d_0a_1x1", "Conv2d_0b_3x3"),
        ("Conv2d_0a_1x1", "Conv2d_1a_3x3"),
        (unit(1088, 256, 1) + unit(256, 288, 1) + unit(288, 320, 1), params(select(V2, "mixed_7a.branch2"))),
    ],
    "mixed-6a-concat": lambda: [(320, 384 + 384 + 320), (1, 3)],
    "one-name-four-times": lambda: [(1, 4), (None, params(select(V4, "features.4.branch1")))],
    "branch-0-name": lambda: [(4 + 7 + 3 + 1 + 1, 1), (0, 1 + 10 + 20 + 10)],
    "mixed-5a": lambda: [((256, 35, 35), (384, 35, 35))],
    "aux-pool-name": lambda: [
        ((3, 3), (5, 5)),
        (None, tuple(F.avg_pool2d(torch.zeros(1088, 17, 17), 5, stride=3).shape)),
        (None, 0),
    ],
    "keras-count": lambda: [
        (55_873_736, keras_parameters(V2)[0]),
        (keras_parameters(V2)[0], v2_measured()[0]),
        (keras_parameters(V2)[1], v2_measured()[0]),
    ],
    "sixty-million": lambda: [
        (60_000_000, blog_in_keras()),
        (blog_in_keras(), keras_parameters(V2)[0]),
        (59_423_880, v2_measured()[0]),
    ],
    "three-and-a-half-times": lambda: [
        (3_211_520, 256 * (256 * 7 * 7 + 1)),
        (918_016, 2 * 256 * (256 * 7 + 1)),
        (3.5, pytest.approx(3_211_520 / 918_016)),
        (256 * 256 * 49 * 64**2, 2 * 256 * 256 * 7 * 64**2),
        (v2_measured()[0] + 20 * (128 * 192 * 49 - 128 * 160 * 7 - 160 * 192 * 7), v2_measured()[0]),
    ],
    "v2-costs-like-v4": lambda: [
        (macs(rows(V4)), v2_measured()[1]),
        (macs(rows(V4)), measured(PAPER_V2)[1]),
        (params(rows(V4)), v2_measured()[0]),
    ],
    "v1-costs-like-v3": lambda: [(measured("inception_v3")[1], measured(V1)[1])],
}


def klmn_of_v1() -> list[str]:
    """Channels of Reduction-A in facenet-pytorch: the long branch in order, then the single convolution."""
    convs = [*select(V1, "mixed_6a.branch1"), *select(V1, "mixed_6a.branch0")]
    return [row["out_shape"].split("x")[0] for row in convs]


def same_stem_macs() -> int:
    """MACs of Inception-v4's stem on the grids that TensorFlow's SAME gives: 150, 148, 74, 72, 36."""
    first, second, third, fourth, fifth = stem_grids(299, same=True)
    weights = {row["path"]: int(row["params"]) for row in v4_stem_rows()}
    grids = {"features.0.": first, "features.1.": second, "features.2.": second, "features.3.": third}
    total = 0
    for path, count in weights.items():
        if path.startswith("features.4."):
            grid = fourth if path in ("features.4.branch0.1.conv", "features.4.branch1.3.conv") else third
        else:
            grid = next((size for start, size in grids.items() if path.startswith(start)), fifth)
        total += count * grid**2
    return total


@pytest.mark.parametrize("id_", EXPECTED)
def test_costs_equal_independent_figures(by_id: dict[str, Difference], id_: str) -> None:
    assert [(cost.said, cost.real) for cost in by_id[id_].costs] == EXPECTED[id_]()


def test_every_cost_has_an_independent_figure(by_id: dict[str, Difference]) -> None:
    assert {id_ for id_, difference in by_id.items() if difference.costs} == set(EXPECTED)


# What the figures rest on
def test_the_independent_counts_are_torchinfo_s() -> None:
    for model, total in ((create_model(f"{V2}.paper", device="meta"), measured(PAPER_V2)[0]), (V2, v2_measured()[0])):
        network = create_model(model, device="meta") if isinstance(model, str) else model
        assert summary(network, verbose=0).total_params == total
    assert params(rows(V1)) + 2 * 512 == V1_TOTAL  # the embedding's batch norm is no convolution's
    assert field(V2_STEM_FIELD, 10, 20, 10) == 3039
    assert field(V1_STEM_FIELD, 5, 10, 6) == 1631


def test_paper_to_released_adds_up(by_id: dict[str, Difference]) -> None:
    """The stem with its channels, the repeats and Conv2d_7b are all of it: a last block without ReLU is free."""

    def change(id_: str, quantity: str) -> int | float:
        value = next(cost.difference for cost in by_id[id_].costs if cost.quantity == quantity)
        assert value is not None
        return value

    for quantity in ("parameters", "MACs"):
        steps = [change(id_, quantity) for id_ in ("channels-of-the-blocks", "repeats", "conv-7b")]
        assert sum(steps) == change("released-is-not-the-paper", quantity) != 0


def test_figures_1154_and_2048_cannot_be_added() -> None:
    for said, branches in ((1154, (384, 384, 384)), (2048, (384, 288, 320, 1152))):
        shortcut = torch.cat([torch.zeros(1, channels, 2, 2) for channels in branches], dim=1)
        with pytest.raises(RuntimeError, match="size of tensor"):
            shortcut + torch.zeros(1, said, 2, 2)


def test_stem_at_stride_1_cannot_be_concatenated() -> None:
    x = torch.zeros(1, 1, 71, 71)
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        torch.cat([F.conv2d(x, torch.ones(1, 1, 3, 3)), F.max_pool2d(x, 3, stride=2)], dim=1)


def test_a_fixed_pool_fails_below_and_cuts_above() -> None:
    assert valid_grid(299) == 8 > valid_grid(298)
    with pytest.raises(RuntimeError, match="too small"):
        nn.AvgPool2d(8)(torch.zeros(1, 1, valid_grid(298), valid_grid(298)))
    x = torch.zeros(1, 1, 9, 9, requires_grad=True)
    nn.AvgPool2d(8)(x).sum().backward()
    assert x.grad is not None
    assert not x.grad[..., -1, :].any()
    assert x.grad[..., -2, :-1].all()


def test_the_face_recognition_table_says_so(by_id: dict[str, Difference]) -> None:
    """What is attributed to the published table stands in it."""
    table = reference.table("faceid_v2_160.table.csv")
    deep = [row["layer"] for row in table if (row["name"], row["branch"]) == ("Mixed_7a", "Branch_2")]
    concat = next(row for row in table if row["name"] == "Mixed_6a" and row["layer"] == "concat")
    pool = next(row for row in table if "AvgPool_1a" in row["name"])

    assert deep == [cost.said for cost in by_id["mixed-7a-names"].costs[:3]]
    assert concat["branch"] == "Branch_2"
    assert reference.sizes(pool["kernel"]) == by_id["pool-kernel-1x1"].costs[0].said


def test_scales_are_those_of_the_modules(by_id: dict[str, Difference]) -> None:
    model = create_model(V2, device="meta")
    scales = [
        model.get_submodule(f"inception_resnet_{block}.residual_sum").scale
        for block in ("a.Block35_1", "b.Block17_1", "c.Block8_1")
    ]

    assert by_id["residual-scale"].costs[0].real == "/".join(f"{scale:g}" for scale in scales)
    assert (
        create_model(V1, device="meta").get_submodule("inception_resnet_c.Block8").get_submodule("residual_sum").scale
        == 1
    )


# Texts and links
def test_every_place_is_a_row_of_that_table(by_id: dict[str, Difference]) -> None:
    tables: dict[str, set[str]] = {}
    for difference in by_id.values():
        for place in difference.where:
            if place.model not in tables:
                tables[place.model] = set(zoo_graph(place.model).table()["path"])
            assert place.path in tables[place.model], (difference.id, place)
    assert all(difference.where for difference in by_id.values() if difference.costs)


def test_texts_are_whole(by_id: dict[str, Difference]) -> None:
    for difference in by_id.values():
        for text in (difference.claim, difference.truth, difference.who, difference.cost):
            assert text, difference.id
            assert not re.search(r"[{}<>]|None|\bnan\b|  |\n| at 0x", text), (difference.id, text)
            # Thousands are separated everywhere but in the paper's number.
            assert not re.search(r"(?<![\d.])\d{5,}", text.replace("1602.07261", "")), (difference.id, text)
        assert difference.claim.endswith((".", "=.")), difference.id
        assert difference.truth.endswith("."), difference.id


def test_another_language_has_the_same_facts(by_id: dict[str, Difference]) -> None:
    with words.speaking("zh_CN"):
        found = differences()
        texts = [(each.claim, each.truth, each.who, each.cost, each.unchecked) for each in found]
    for original, translated, (claim, truth, who, cost, unchecked) in zip(by_id.values(), found, texts, strict=True):
        facts = [
            (each.id, each.topic, each.verdict, each.where, each.sources, [(c.said, c.real) for c in each.costs])
            for each in (original, translated)
        ]
        assert facts[0] == facts[1]
        assert all(re.search(r"[\u4e00-\u9fff]", text) for text in (claim, truth, cost)), original.id
        for text in (claim, truth, who, cost):
            assert not re.search(r"[{}<>]|None|\bnan\b|  |\n| at 0x|[,;:.] (?=[\u4e00-\u9fff])", text), text
        assert claim.endswith(("。", "。”")), claim
        assert truth.endswith("。") or original.id == "smallest-input", truth  # it ends on a sentence of the trace
        assert bool(unchecked) == bool(original.unchecked)
    assert words.current() == "en"
    assert list(by_id.values()) == list(differences())


def test_ids_topics_and_verdicts(by_id: dict[str, Difference]) -> None:
    found = differences()

    assert len(by_id) == len(found)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id_) for id_ in by_id)
    assert list(dict.fromkeys(difference.topic for difference in found)) == list(TOPICS)
    assert {difference.verdict for difference in found} == set(VERDICTS)
    assert differences() is found


def test_sources_are_named_and_linked(by_id: dict[str, Difference]) -> None:
    sources = {source for difference in by_id.values() for source in difference.sources}
    texts = {source.title for source in sources if re.search(r"[\u4e00-\u9fff]", source.title)}

    assert len(texts) == 4
    assert Source("a Keras tutorial", "Inception-ResNet-V2") in sources
    for source in sources:
        assert source.name
        assert source.title
        assert all(re.fullmatch(r"https://\S+", url) for url in (*source.links, *([source.url] if source.url else [])))


def test_what_cannot_be_computed_says_why(by_id: dict[str, Difference]) -> None:
    for difference in by_id.values():
        assert difference.checkable == (difference.unchecked == "")
        assert difference.costs or difference.unchecked, difference.id
        assert difference.unchecked or difference.verdict != "open", difference.id
    assert not by_id["year"].checkable
    assert by_id["year"].cost == by_id["year"].unchecked


def test_right_claims_agree_with_what_is_computed(by_id: dict[str, Difference]) -> None:
    for difference in by_id.values():
        if difference.verdict == "right":
            for cost in difference.costs:
                if cost.labels in (("as said", "really"), ("as said", "computed")) and cost.said is not None:
                    about = isinstance(cost.said, float)  # "about 3.5 times"
                    assert cost.said == (pytest.approx(cost.real, rel=0.001) if about else cost.real), difference.id


def test_percentages_in_the_text(by_id: dict[str, Difference]) -> None:
    truth = by_id["v2-costs-like-v4"].truth
    released, figures = v2_measured()[1] / macs(rows(V4)) - 1, measured(PAPER_V2)[1] / macs(rows(V4)) - 1

    assert re.findall(r"([+-]\d+)% ?M?", truth) == [f"{released * 100:+.0f}", f"{figures * 100:+.0f}"]


def test_cost_texts() -> None:
    assert Cost("parameters", 1200, 1000).text == "parameters: 1,200 as said, 1,000 really (200 more as said)"
    assert (
        Cost("parameters", 900, 1000, ("before", "after")).text
        == "parameters: 900 before, 1,000 after (100 less before)"
    )
    assert Cost("output", (3, 8, 8), (3, 9, 9)).text == "output: 3x8x8 as said, 3x9x9 really"
    assert Cost("output", None, (3, 9, 9)).text == "output: 3x9x9"
    assert Cost("MACs", 5, 5).text == "MACs: 5 as said, 5 really"
    assert Cost("factor", 3.5, 3.498).text == "factor: 3.5 as said, 3.5 really"
    assert Cost("scale", 1.0, 0.17).difference == pytest.approx(0.83)
    assert Cost("name", "a", "b").difference is None
    assert value_text(0.17) == "0.17"
