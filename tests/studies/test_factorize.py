import csv
import re
from dataclasses import replace
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchinfo import summary

from inception import create_model, trace
from inception.graph.layer_graph import LayerGraph
from inception.runtime.devices import DeviceError
from inception.studies import factorize_timing
from inception.studies.factorize import (
    FACTORISED,
    SQUARE,
    BreakEven,
    FactorizeError,
    Option,
    Setting,
    break_even,
    build_options,
    calculate,
    in_words,
    option_table,
)
from inception.studies.factorize_timing import measure_networks, measure_options
from inception.studies.pairs import (
    find_pairs,
    find_side_by_side,
    pair_table,
    pair_title,
    pair_totals,
    side_by_side_table,
)
from inception.studies.square_network import compare_networks, square_network

from ..graphs import zoo_graph

REFERENCE = Path(__file__).parents[1] / "reference"

some_settings = st.builds(
    Setting,
    kernel=st.sampled_from([3, 5, 7, 9]),
    in_channels=st.integers(1, 6),
    middle_channels=st.integers(1, 6),
    out_channels=st.integers(1, 6),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    bias=st.booleans(),
    batch_norm=st.booleans(),
)
PICTURE = {"inception_v4": 299, "inception_resnet_v1": 160, "inception_resnet_v2": 299}


@pytest.fixture(scope="module")
def graphs() -> dict[str, LayerGraph]:
    return {name: zoo_graph(name, size) for name, size in PICTURE.items()}


def by_name(setting: Setting) -> dict[str, Option]:
    return {option.name: option for option in calculate(setting)}


def even(setting: Setting) -> BreakEven:
    return break_even(setting, calculate(setting))


# The calculator
def test_tutorial_example() -> None:
    options = by_name(Setting())
    assert [option.arithmetic for option in options.values()] == [
        "256·(256·7·7 + 1) = 3,211,520",
        "2·256·(256·7 + 1) = 918,016",
        "3·256·(256·3·3 + 1) = 1,770,240",
        "256·(7·7 + 1) + 256·(256 + 1) = 78,592",
    ]
    assert options[SQUARE].graph.output_shape == options[FACTORISED].graph.output_shape == (256, 64, 64)
    table = option_table(calculate(Setting())).set_index("option")
    assert table.loc["factorised", "params"] == 918_016
    assert table.loc["factorised", "params_ratio"] == pytest.approx(3.5, abs=0.005)
    assert table.loc["factorised", "macs_ratio"] == Setting().simple_factor == 3.5
    assert table.loc["factorised", "activation_ratio"] == 0.5
    assert table["layers"].tolist() == ["7x7", "1x7 + 7x1", "3x3 + 3x3 + 3x3", "7x7 + 1x1"]
    assert table["rf"].tolist() == ["7x7"] * 4


@settings(max_examples=40, deadline=None)
@given(some_settings)
def test_counts_are_those_of_torch_and_torchinfo(setting: Setting) -> None:
    options = by_name(setting)
    for name, module in build_options(setting, "cpu").items():
        graph = options[name].graph
        assert graph.params == sum(p.numel() for p in module.parameters())
        outputs = [torch.zeros(1, *setting.input_shape)]
        for unit in module:
            outputs.append(unit(outputs[-1]))
        assert outputs[-1].shape == (1, *graph.output_shape)
        assert [layer.activation_bytes for layer in graph.layers] == [out.nbytes for out in outputs[1:]]
        infos = summary(module, (1, *setting.input_shape), verbose=0, device="cpu").summary_list
        convs = [info for info in infos if info.class_name == "Conv2d"]
        # torchinfo adds the bias at every position to the multiply-accumulates.
        biases = [prod(info.output_size) if setting.bias else 0 for info in convs]
        assert graph.macs == sum(info.macs - bias for info, bias in zip(convs, biases, strict=True))


@settings(max_examples=40, deadline=None)
@given(some_settings)
def test_written_sum_has_the_value_it_says(setting: Setting) -> None:
    for option in calculate(setting):
        left, right = option.arithmetic.split(" = ")
        assert re.fullmatch(r"[\d·+() ]+", left)
        assert eval(left.replace("·", "*")) == int(right.replace(",", "")) == option.graph.params


@settings(max_examples=40, deadline=None)
@given(some_settings, st.data())
def test_receptive_field_is_where_the_gradient_is(setting: Setting, data: st.DataObject) -> None:
    cell = [data.draw(st.integers(0, n - 1)) for n in setting.size]
    options = by_name(setting)
    for name, module in build_options(setting, "cpu").items():
        for conv in module.modules():
            if isinstance(conv, nn.Conv2d):  # positive everywhere, so that no ReLU shuts and nothing cancels
                for parameter in conv.parameters():
                    nn.init.constant_(parameter, 0.1)
        x = torch.ones(1, *setting.input_shape, dtype=torch.float64, requires_grad=True)
        module.double()(x)[0, :, cell[0], cell[1]].sum().backward()
        assert x.grad is not None
        seen = x.grad[0].sum(dim=0) != 0
        field = options[name].graph.receptive_fields[-1]
        assert field is not None
        expected = torch.zeros(setting.size, dtype=torch.bool)
        top, left = (field.offset[i] + cell[i] * field.stride[i] for i in (0, 1))
        expected[max(0, top) : top + field.size[0], max(0, left) : left + field.size[1]] = True
        assert field.size == (setting.kernel, setting.kernel)
        assert seen.equal(expected)


@settings(max_examples=40, deadline=None)
@given(some_settings)
def test_break_even_is_the_last_middle_width_that_saves(setting: Setting) -> None:
    def costs(middle: int) -> tuple[int, int]:
        modules = build_options(replace(setting, middle_channels=middle))
        sizes = [(p.numel(), p.dim()) for p in modules[FACTORISED].parameters()]
        weights = sum(size for size, dimensions in sizes if dimensions == 4)
        return sum(size for size, _ in sizes), weights * prod(setting.size)

    square = by_name(setting)[SQUARE].graph
    found = even(setting)
    assert costs(found.params + 1)[0] >= square.params
    assert found.params == 0 or costs(found.params)[0] < square.params
    assert costs(found.macs + 1)[1] >= square.macs
    assert found.macs == 0 or costs(found.macs)[1] < square.macs


def test_break_even_of_the_tutorial_example() -> None:
    # 256·7·m + 7·m·256 weights stay below 256·256·49 as long as m < 256·7 / 2.
    assert even(Setting(bias=False)).params == even(Setting()).macs == 895
    # 1x3 + 3x1 with one channel: 3 + 3 weights and two batch norms cost no less than 9 and one.
    assert even(Setting(3, 1, 1, 1, batch_norm=True)).params == 0


def test_written_sum_of_unequal_widths() -> None:
    options = by_name(Setting(5, 64, 48, 96, bias=False, batch_norm=True))
    assert [option.arithmetic.split(" = ")[0] for option in options.values()] == [
        "96·(64·5·5 + 2)",
        "48·(64·5 + 2) + 96·(48·5 + 2)",
        "48·(64·3·3 + 2) + 96·(48·3·3 + 2)",
        "64·(5·5 + 2) + 96·(64 + 2)",
    ]
    plain = by_name(Setting(5, 64, 48, 96, bias=False))
    assert plain[FACTORISED].arithmetic == "48·64·5 + 96·48·5 = 38,400"


def test_narrow_middle_beats_half_of_k() -> None:
    ratios = [
        option_table(calculate(Setting(middle_channels=middle, bias=False))).loc[1, "params_ratio"]
        for middle in (128, 256, 512)
    ]
    assert ratios == [7.0, 3.5, 1.75]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            Setting(),
            "With all widths equal the pair has k / 2 = 3.5 times fewer weights than the square kernel. "
            "Up to 895 channels in the middle it has fewer parameters and MACs, from 896 not.",
        ),
        (
            Setting(9, 64, 96, 128, batch_norm=True),
            "With all widths equal the pair would have k / 2 = 4.5 times fewer weights than the square kernel; with "
            "these widths it has 4.00 times fewer weights. "
            "Up to 383 channels in the middle it has fewer parameters and MACs, from 384 not.",
        ),
        (
            Setting(5, 1, 2, 1, batch_norm=True),
            "With all widths equal the pair would have k / 2 = 2.5 times fewer weights than the square kernel; with "
            "these widths it has 1.25 times fewer weights. Up to 1 channel in the middle it has fewer parameters, "
            "from 2 not. Up to 2 channels in the middle it has fewer MACs, from 3 not.",
        ),
        (
            Setting(3, 1, 4, 1),
            "With all widths equal the pair would have k / 2 = 1.5 times fewer weights than the square kernel; with "
            "these widths it has 2.67 times as many weights. "
            "Up to 1 channel in the middle it has fewer parameters and MACs, from 2 not.",
        ),
        (
            Setting(3, 2, 3, 2, bias=False),
            "With all widths equal the pair would have k / 2 = 1.5 times fewer weights than the square kernel; with "
            "these widths it has as many weights. "
            "Up to 2 channels in the middle it has fewer parameters and MACs, from 3 not.",
        ),
        (
            Setting(3, 1, 1, 1, batch_norm=True),
            "With all widths equal the pair has k / 2 = 1.5 times fewer weights than the square kernel. "
            "However narrow its middle, it never has fewer parameters. "
            "Up to 1 channel in the middle it has fewer MACs, from 2 not.",
        ),
    ],
)
def test_in_words(setting: Setting, words: str) -> None:
    assert in_words(setting, calculate(setting)) == words


@settings(max_examples=40, deadline=None)
@given(some_settings)
def test_words_and_weights_agree(setting: Setting) -> None:
    square, pair = (
        sum(p.numel() for p in module.parameters() if p.dim() == 4)
        for module in list(build_options(setting).values())[:2]
    )
    words = in_words(setting, calculate(setting))
    if setting.in_channels == setting.middle_channels == setting.out_channels:
        assert f"k / 2 = {square / pair:g} times fewer" in words
    elif square == pair:
        assert "it has as many weights" in words
    elif square > pair:
        assert f"it has {square / pair:.2f} times fewer weights" in words
    else:
        assert f"it has {pair / square:.2f} times as many weights" in words


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"kernel": 4}, "kernel"),
        ({"kernel": 1}, "kernel"),
        ({"kernel": 33}, "kernel"),
        ({"kernel": 7.0}, "kernel"),
        ({"in_channels": 0}, "in_channels"),
        ({"middle_channels": -1}, "middle_channels"),
        ({"out_channels": 10**9}, "out_channels"),
        ({"in_channels": True}, "in_channels"),
        ({"size": (0, 64)}, "size"),
        ({"size": 64}, "size"),
        ({"size": (64, 64, 64)}, "size"),
    ],
)
def test_wrong_settings_get_one_sentence(wrong: dict[str, int], word: str) -> None:
    with pytest.raises(FactorizeError, match=rf"^{word} must be [^.]*, not [^\n]*\.$"):
        Setting(**wrong)  # type: ignore[arg-type]


# In a network
FACTS = {  # pairs, their weights, weights of the square kernels, by k
    "inception_v4": {7: (23, 15_188_992, 55_494_656), 3: (3, 3_612_672, 5_308_416)},
    "inception_resnet_v2": {7: (20, 7_168_000, 24_084_480), 3: (10, 3_010_560, 4_423_680)},
    "inception_resnet_v1": {7: (10, 2_293_760, 8_028_160), 3: (6, 1_327_104, 1_990_656)},
}


@pytest.mark.parametrize("name", FACTS)
def test_totals(name: str, graphs: dict[str, LayerGraph]) -> None:
    totals = pair_totals(graphs[name])
    assert totals["kernel"].tolist() == [7, 3]
    found = totals.set_index("kernel")[["pairs", "weights", "square_weights"]]
    assert {k: tuple(row) for k, row in zip(found.index, found.to_numpy(), strict=True)} == FACTS[name]
    assert (totals["saving"] == totals["square_weights"] - totals["weights"]).all()
    assert (totals["ratio"] == totals["square_weights"] / totals["weights"]).all()


def test_titles_say_what_is_counted(graphs: dict[str, LayerGraph]) -> None:
    assert pair_title(graphs["inception_v4"]) == (
        "Pairs of 1xk and kx1 in inception_v4 at 299x299 px: 23 of k = 7 with 15,188,992 weights for 55,494,656; "
        "3 of k = 3 with 3,612,672 weights for 5,308,416"
    )
    without = trace(nn.Sequential(nn.Conv2d(3, 4, 3)), 9)
    assert pair_title(without).endswith(": none")
    assert Setting(in_channels=1024).title == "7x7 window, 1,024 to 256 to 256 channels, 64x64 grid, bias"
    assert Setting(bias=False, batch_norm=True).title.endswith("64x64 grid, batch norm")


@pytest.mark.parametrize("name", FACTS)
def test_totals_agree_with_the_published_checkpoints(name: str) -> None:
    """Counts again, from the shapes of timm's and facenet-pytorch's weights in the order of the file."""
    with open(REFERENCE / f"{name}.state_dict.csv", newline="") as file:
        shapes = [[int(n) for n in re.findall(r"\d+", row["shape"])] for row in csv.DictReader(file)]
    convs = [shape for shape in shapes if len(shape) == 4]
    found: dict[int, list[int]] = {}
    taken = False
    for first, second in pairwise(convs):
        chained = second[1] == first[0] and second[2:] == first[:1:-1] and min(first[2:]) == 1 < max(first[2:])
        taken = chained and not taken
        if taken:
            k = max(first[2:])
            sums = found.setdefault(k, [0, 0, 0])
            for i, n in enumerate((1, prod(first) + prod(second), first[1] * second[0] * k * k)):
                sums[i] += n
    assert {k: tuple(sums) for k, sums in found.items()} == FACTS[name]


@pytest.mark.parametrize("name", FACTS)
def test_pair_rows_are_the_modules_they_name(name: str, graphs: dict[str, LayerGraph]) -> None:
    model = create_model(name, device="meta")
    table = pair_table(graphs[name])
    for row in table.to_dict("records"):
        first, second = (model.get_submodule(f"{row[path]}.conv") for path in ("first_path", "second_path"))
        assert isinstance(first, nn.Conv2d)
        assert isinstance(second, nn.Conv2d)
        assert {first.kernel_size, second.kernel_size} == {(1, row["kernel"]), (row["kernel"], 1)}
        widths = (first.in_channels, first.out_channels, second.out_channels)
        assert (row["in_channels"], row["middle_channels"], row["out_channels"]) == widths
        assert row["weights"] == first.weight.numel() + second.weight.numel()
        positions = prod(map(int, row["grid"].split("x")))
        assert (row["macs"], row["square_macs"]) == (row["weights"] * positions, row["square_weights"] * positions)
    paths = [*table["first_path"], *table["second_path"]]
    assert len(set(paths)) == len(paths)


def test_four_in_a_row_are_two_pairs(graphs: dict[str, LayerGraph]) -> None:
    table = pair_table(graphs["inception_v4"])
    block = table[(table["block"] == "Mixed_6b") & (table["branch"] == "Branch_2")]
    assert block[["first", "second"]].to_numpy().tolist() == [
        ["Conv2d_0b_7x1", "Conv2d_0c_1x7"],
        ["Conv2d_0d_7x1", "Conv2d_0e_1x7"],
    ]
    assert block["grid"].tolist() == ["17x17"] * 2


def test_side_by_side_pairs_are_listed_apart(graphs: dict[str, LayerGraph]) -> None:
    table = side_by_side_table(graphs["inception_v4"])
    assert table["block"].tolist() == [name for name in ("Mixed_7b", "Mixed_7c", "Mixed_7d") for _ in range(2)]
    assert table["kernel"].unique().tolist() == [3]
    assert table[["in_channels", "out_channels"]].head(2).to_numpy().tolist() == [[384, 512], [512, 512]]
    assert table["weights"].tolist() == [2 * 384 * 256 * 3, 2 * 512 * 256 * 3] * 3
    in_a_row = pair_table(graphs["inception_v4"])
    assert not set(in_a_row["second_path"]) & set(table["first_path"])
    assert side_by_side_table(graphs["inception_resnet_v2"]).empty


def test_blog_variant_has_seven_long_kernels_in_block_c() -> None:
    totals = pair_totals(zoo_graph("inception_resnet_v2.keras_blog"))
    assert totals[["kernel", "pairs"]].to_numpy().tolist() == [[7, 1 + 20 + 10]]


class Shared(nn.Module):
    """The 1x3 is also read by the sum, so no 3x3 could stand in for it and its 3x1."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, (1, 3), padding="same")
        self.second = nn.Conv2d(4, 4, (3, 1), padding="same")

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x + self.second(x)


class Apart(nn.Module):
    """A 1x3 and a 3x1 on one picture that go different ways."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, (1, 3), padding="same")
        self.second = nn.Conv2d(4, 4, (3, 1), padding="same")
        self.behind = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.behind(self.first(x)), self.second(x)], 1)


class Unlike(Apart):
    """A 1x3 and a 3x1 that end in one concatenation but start from different layers."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.first(x), self.second(self.behind(x))], 1)


class Beside(Apart):
    """A pair side by side."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.behind(x)
        return torch.cat([self.first(x), self.second(x)], 1)


def row_of(*convs: nn.Conv2d) -> LayerGraph:
    return trace(nn.Sequential(*convs), 16)


def test_pairs_of_any_module() -> None:
    found = find_pairs(row_of(nn.Conv2d(2, 3, (5, 1), stride=(2, 1)), nn.Conv2d(3, 4, (1, 5), stride=(1, 2))))
    assert [(pair.first.path, pair.second.path, pair.kernel) for pair in found] == [("0", "1", 5)]


def test_side_by_side_of_any_module() -> None:
    graph = trace(Beside(), 16)
    assert [(pair.first.path, pair.second.path, pair.kernel) for pair in find_side_by_side(graph)] == [
        ("first", "second", 3)
    ]
    assert not find_pairs(graph)


@pytest.mark.parametrize(
    "graph",
    [
        trace(Shared(), 16),
        trace(Apart(), 16),
        trace(Unlike(), 16),
        row_of(nn.Conv2d(4, 4, (1, 3), groups=4), nn.Conv2d(4, 4, (3, 1), groups=4)),
        row_of(nn.Conv2d(4, 4, (1, 3)), nn.Conv2d(4, 4, (5, 1))),
        row_of(nn.Conv2d(4, 4, (1, 3)), nn.Conv2d(4, 4, (1, 3))),
        row_of(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)),
    ],
    ids=["read twice", "different readers", "different inputs", "depthwise", "unequal", "same way", "1x1"],
)
def test_what_is_no_pair(graph: LayerGraph) -> None:
    assert not find_pairs(graph)
    assert not find_side_by_side(graph)
    assert pair_totals(graph).empty
    table = pair_table(graph)
    assert table.empty
    assert table.dtypes["weights"] == "int64"
    assert table.dtypes["ratio"] == "float64"


def test_a_pair_with_stride_replaces_a_square_on_the_same_grid() -> None:
    graph = row_of(nn.Conv2d(2, 3, (5, 1), stride=(2, 1)), nn.Conv2d(3, 4, (1, 5), stride=(1, 2)))
    square = row_of(nn.Conv2d(2, 4, 5, stride=2, bias=False))
    row = pair_table(graph).iloc[0]
    assert (row["square_weights"], row["square_macs"]) == (square.params, square.macs)
    assert graph.output_shape == square.output_shape


# The counterfactual
@pytest.mark.parametrize("name", PICTURE)
def test_square_network_differs_in_the_pairs_alone(name: str, graphs: dict[str, LayerGraph]) -> None:
    original, table = graphs[name], pair_table(graphs[name])
    square = trace(square_network(name, "meta"), PICTURE[name])
    assert not find_pairs(square)
    assert find_side_by_side(square) == () or name == "inception_v4"
    assert len(original.layers) - len(square.layers) == len(table)
    # The batch norm between the halves, with its two parameters a channel, goes with them.
    assert square.params - original.params == table["saving"].sum() - 2 * table["middle_channels"].sum()
    assert square.macs - original.macs == (table["square_macs"] - table["macs"]).sum()

    paired = {*table["first_path"], *table["second_path"]}
    kept = [layer for layer in original.layers if layer.path not in paired]
    placed = {layer.path: layer for layer in square.layers}
    for layer in kept:
        twin = placed.pop(layer.path)
        assert (twin.in_shapes, twin.out_shape, twin.params) == (layer.in_shapes, layer.out_shape, layer.params)
        assert square.receptive_fields[twin.index] == original.receptive_fields[layer.index]
    # What is left are the square kernels: they end where the second halves did.
    layers = {layer.path: layer for layer in original.layers}
    for row, layer in zip(table.to_dict("records"), placed.values(), strict=True):
        second = layers[row["second_path"]]
        k = row["kernel"]
        assert layer.window is not None
        assert layer.window.kernel == (k, k)
        assert layer.layer.endswith(f"_{k}x{k}")
        assert layer.out_shape == second.out_shape
        assert square.receptive_fields[layer.index] == original.receptive_fields[second.index]


@pytest.mark.parametrize("name", [*PICTURE, "inception_resnet_v2.keras_blog"])
def test_square_network_runs(name: str) -> None:
    overrides: dict[str, Any] = {"width": 0.05, "repeats": (1, 1, 2), "num_classes": 5, "in_chans": 1}
    model = square_network(name, dtype=torch.float64, **overrides)
    assert not model.training
    assert not any(module.training for module in model.modules())
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    out = model(torch.rand(2, 1, 80, 96, dtype=torch.float64))
    assert out.shape == (2, 5)
    info = summary(model, (1, 1, 80, 96), verbose=0, device="cpu", dtypes=[torch.float64])
    assert info.total_params == trace(model, (80, 96)).params


def test_square_network_keeps_the_biases_of_the_original() -> None:
    model = square_network("inception_resnet_v2.keras_blog", "meta")
    assert all(conv.bias is not None for conv in model.modules() if isinstance(conv, nn.Conv2d))


def test_comparison_of_networks() -> None:
    table = compare_networks("inception_v4").set_index("network")
    assert table.loc["factorised", "params"] == 42_679_816
    assert table["rf"].tolist() == ["2071x2071"] * 2
    assert table["out_shape"].tolist() == ["1000"] * 2
    for count in ("params", "macs"):
        factorised, square = table[count]
        assert table[f"{count}_ratio"].tolist() == [square / factorised, 1.0]


def test_comparison_takes_size_and_overrides() -> None:
    table = compare_networks("inception_resnet_v1", 96, width=0.25, num_classes=7)
    assert table["out_shape"].tolist() == ["7", "7"]
    own_size = compare_networks("inception_resnet_v1")  # 160 px
    assert round(own_size["macs"].iloc[0] / 1e9, 3) == 1.418
    assert (table["macs"] < own_size["macs"]).all()
    with pytest.raises(ValueError, match="grid vanishes"):
        compare_networks("inception_resnet_v1", 32)


# Measured time
def test_measured_options() -> None:
    table = measure_options(Setting(3, 4, 4, 4, (8, 8)))
    assert table["option"].tolist() == [option.name for option in calculate(Setting())]
    assert (table["milliseconds"] > 0).all()
    assert table["runs"].between(3, 30).all()
    assert table["ratio"].tolist() == (table["milliseconds"].iloc[0] / table["milliseconds"]).tolist()


def test_measured_networks() -> None:
    table = measure_networks("inception_resnet_v1", 75, width=0.05, repeats=(1, 1, 1))
    assert table["network"].tolist() == ["factorised", "square"]
    assert table["ratio"].iloc[1] == 1.0
    assert table["ratio"].iloc[0] == table["milliseconds"].iloc[1] / table["milliseconds"].iloc[0]


def test_median_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """One slow run of a module does not move its figure, and warm-ups do not count."""
    times = {"square": iter([90.0, *[4.0, 4.0, 40.0] * 10]), "factorised": iter([90.0, *[1.0, 2.0, 3.0] * 10])}
    turns = []

    class Named(nn.Identity):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def fake(module: Named, x: Tensor) -> float:
        turns.append(module.name)
        return next(times[module.name])

    monkeypatch.setattr(factorize_timing, "_milliseconds", fake)
    monkeypatch.setattr(
        factorize_timing,
        "build_options",
        lambda setting, device="meta": {n: Named(n) for n in ("square", "factorised")},
    )
    monkeypatch.setattr(factorize_timing, "calculate", lambda setting: ())
    monkeypatch.setattr(factorize_timing, "_check_affordable", lambda graphs: None)
    table = measure_options(Setting())
    assert turns[:4] == ["square", "factorised"] * 2
    assert table["milliseconds"].tolist() == [4.0, 2.0]
    assert table["ratio"].tolist() == [1.0, 2.0]
    assert table["runs"].tolist() == [30, 30]


def test_what_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"^PyTorch finds no cuda device on this machine\.$"):
        measure_options(Setting(), "cuda")
    with pytest.raises(DeviceError, match=r"^The device must be cpu, cuda or mps, not 'tpu'\.$"):
        measure_networks("inception_v4", device="tpu")
    for too_large in (Setting(in_channels=16_384, out_channels=16_384), Setting(3, 1, 1, 64, (4096, 4096))):
        with pytest.raises(FactorizeError, match=r"^Measuring this needs [\d.]+ GiB of weights and activations"):
            measure_options(too_large)
    with pytest.raises(FactorizeError, match=r"needs \d+ GMACs a run"):
        measure_options(Setting(size=(256, 256)))
    with pytest.raises(FactorizeError, match=r"GiB|GMACs"):
        measure_networks("inception_v4", 1024)
