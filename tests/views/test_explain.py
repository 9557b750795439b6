"""Explanations against the trace they explain, against the modules' weights, and against what PyTorch reads."""

import math
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inception import create_model, list_models, trace
from inception.graph.layer import Layer
from inception.graph.window import Slide, slides
from inception.views.explain import Explanation, why_this_shape
from inception.views.playground import PlaygroundError, playground

from ..graphs import zoo_graph

SIZES: list[int | tuple[int, int]] = [75, 150, 299, (350, 400)]
EVERY = [(name, size) for name in list_models() for size in SIZES]


@cache
def explained(name: str, size: int | tuple[int, int]) -> list[tuple[Layer, Explanation]]:
    return [(layer, why_this_shape(layer)) for layer in zoo_graph(name, size).layers]


def find(name: str, size: int | tuple[int, int], block: str, layer: str, branch: str = "") -> Explanation:
    found = [e for row, e in explained(name, size) if (row.block, row.branch, row.layer) == (block, branch, layer)]
    assert len(found) == 1, (block, branch, layer)
    return found[0]


# LaTeX, computed
def compute(latex: str) -> int:
    """What an expression in LaTeX is."""
    text = latex.replace("{,}", "").replace(r"\ ", " ").replace(r"\left", "").replace(r"\right", "")
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1) / (\2))", text)
    for old, new in {
        r"\lfloor": "floor(",
        r"\rfloor": ")",
        r"\lceil": "ceil(",
        r"\rceil": ")",
        r"\times": "*",
        r"\cdot": "*",
        r"\max": "max",
    }.items():
        text = text.replace(old, new)
    assert re.fullmatch(r"[0-9+\-*/()., a-z]*", text), latex
    return int(eval(text, {"floor": math.floor, "ceil": math.ceil, "max": max}))


@cache
def equations(latex: str) -> dict[str, int]:
    """Each line's name and value; all sides of a line that are not names must agree."""
    values: dict[str, int] = {}
    for line in latex.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}").split(r" \\ "):
        sides = [side.strip() for side in line.replace("&", "").split("=")]
        results = {compute(side) for side in sides if not side.startswith(r"\text")}
        assert len(results) == 1, line
        values |= dict.fromkeys([side for side in sides if side.startswith(r"\text")] or [""], results.pop())
    return values


def test_the_reader_of_latex_reads() -> None:
    assert compute(r"\left\lfloor \frac{150 + 0 + 0 - 3}{2} \right\rfloor + 1") == 74
    assert compute(r"\max((5 - 1) \cdot 2 + 3 - 10,\ 0)") == 1
    with pytest.raises(AssertionError):
        equations(r"\left\lfloor \frac{150 + 0 + 0 - 3}{2} \right\rfloor + 1 = 75")


# Every layer of every variant
@pytest.mark.parametrize(("name", "size"), EVERY)
def test_formulas_give_the_traced_shapes(name: str, size: int | tuple[int, int]) -> None:
    for layer, why in explained(name, size):
        if layer.window:
            values = equations(why.formula)
            assert (values[r"\text{height}"], values[r"\text{width}"]) == layer.out_shape[1:]
            same = slides(layer.window)[0] == slides(layer.window)[1]
            assert ("aligned" not in why.formula) == same
        elif layer.op == "concat":
            assert equations(why.formula) == {"": layer.out_shape[0]}
            assert why.formula.startswith(" + ".join(str(shape[0]) for shape in layer.in_shapes))
        elif layer.op == "flatten":
            assert equations(why.formula) == {"": layer.out_shape[0]}
        elif layer.op == "residual sum":
            assert why.formula.count(rf"\underset{{{product(layer.out_shape)}}}") == 3
            assert f"shortcut + {layer.parts[0].scale:g} x residual" in why.sentence
            assert ("ReLU" in why.sentence) == (layer.parts[-1].op == "relu")
        elif layer.op == "linear":
            sizes = (*layer.out_shape, *layer.out_shape, *layer.in_shapes[0], *layer.in_shapes[0])
            assert list(map(int, re.findall(r"\d+", why.formula)))[:4] == list(sizes)
        else:
            assert layer.op in {"dropout", "l2 normalize"}
            assert not why.formula
        if not layer.window:
            assert not why.zeros
            assert not why.dropped


@pytest.mark.parametrize(("name", "size"), EVERY)
def test_parameters_and_macs_add_up_to_the_table(name: str, size: int | tuple[int, int]) -> None:
    for layer, why in explained(name, size):
        assert why.params.total == layer.params
        assert why.macs.total == layer.macs
        assert bool(why.params.latex) == bool(layer.params)
        assert bool(why.macs.latex) == bool(layer.macs)
        if layer.params:
            assert equations(why.params.latex) == {"": layer.params}
        if layer.macs:
            assert equations(why.macs.latex) == {"": layer.macs}


def product(sizes: Iterable[int]) -> str:
    return r" \times ".join(map(str, sizes))


@pytest.mark.parametrize("name", list_models())
def test_summands_are_the_weights_of_the_module(name: str) -> None:
    model = create_model(name, device="meta")
    for layer, why in explained(name, 75):
        expected = []
        for part in layer.parts:
            module: Any = model.get_submodule(part.path)
            if isinstance(module, nn.Conv2d):
                out, *kernel = module.weight.shape
                expected.append(rf"{out} \times ({product(kernel)})")
            elif isinstance(module, nn.Linear):
                expected.append(product(module.weight.shape))
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                expected.append(f"2 \\times {module.num_features}")
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                expected.append(str(len(module.bias)))
        assert why.params.latex.split(" = ")[0] == " + ".join(expected)


@cache
def read_by_torch(slide: Slide) -> frozenset[int]:
    """Positions that a convolution over the padded axis has a gradient of; nothing of ours but the numbers."""
    x = torch.zeros(1, 1, slide.before + slide.size + slide.after, requires_grad=True)
    y = F.conv1d(x, torch.ones(1, 1, slide.kernel), None, slide.stride, 0, slide.dilation)
    assert y.shape[-1] == slide.out
    y.sum().backward()
    assert x.grad is not None
    return frozenset(i - slide.before for i in torch.nonzero(x.grad[0, 0])[:, 0].tolist())


@pytest.mark.parametrize(("name", "size"), EVERY)
def test_dropped_rows_and_columns_are_those_without_gradient(name: str, size: int | tuple[int, int]) -> None:
    for layer, why in explained(name, size):
        if not layer.window:
            continue
        rows, columns = slides(layer.window)
        lost = []
        for slide in (rows, columns):
            assert slide.read == read_by_torch(slide)
            lost.append(len(set(range(slide.size)) - read_by_torch(slide)))
            assert slide.unread == tuple(range(slide.size - lost[-1], slide.size))
        assert layer.window.dropped == tuple(lost) == (rows.dropped, columns.dropped)
        assert ("no window reads" in why.dropped) == any(lost)
        for division, modulus, rest in re.findall(r"\(([-+ \d]+)\) mod (\d+) = (\d+)", why.dropped):
            assert eval(division) % int(modulus) == int(rest)


@pytest.mark.parametrize(("name", "size"), EVERY)
def test_zeros_are_those_that_make_up_the_difference(name: str, size: int | tuple[int, int]) -> None:
    for layer, why in explained(name, size):
        if layer.window and any(layer.window.pad):
            top, bottom, left, right = layer.window.pad
            height, width = layer.window.grid
            grown = f"grows from {height}x{width} to {height + top + bottom}x{width + left + right}"
            assert grown in why.zeros
        elif layer.window:
            assert why.zeros == "No zeros are added."


# What readers see
def test_first_convolution_without_and_with_loss() -> None:
    fits, loses = (find("inception_v4", size, "Conv2d_1a_3x3", "") for size in (299, 150))

    assert fits.formula == (
        r"\text{height} = \text{width} = \left\lfloor \frac{299 + 0 + 0 - 3}{2} \right\rfloor + 1 = 149"
    )
    assert fits.dropped == "Rows and columns: (299 - 3) mod 2 = 0, so none is lost."
    assert loses.dropped == "Rows and columns: (150 - 3) mod 2 = 1: no window reads the last one."
    assert "fits the 150x150 grid at 74x74 positions" in loses.sentence
    assert fits.params.latex == r"32 \times (3 \times 3 \times 3) + 2 \times 32 = 928"
    assert fits.macs.latex == r"864 \times (149 \times 149) = 19{,}181{,}664"


def test_terms_name_the_numbers_of_the_formula() -> None:
    assert find("inception_v4", 299, "Conv2d_1a_3x3", "").terms == (
        r"\text{output} = \left\lfloor \frac{\text{size} + \text{padding} - \text{kernel}}{\text{stride}} "
        r"\right\rfloor + 1"
    )
    gaps = trace(nn.Conv2d(1, 1, (3, 5), (2, 1), (1, 0), dilation=(2, 1)), (1, 16, 20)).layers[0]
    assert gaps.window is not None
    terms = why_this_shape(gaps).terms
    for slide, line in zip(slides(gaps.window), terms.split(r"\\"), strict=True):
        values = {
            "size": slide.size,
            "padding": slide.before + slide.after,
            "kernel": slide.kernel,
            "stride": slide.stride,
            "dilation": slide.dilation,
        }
        for name, value in values.items():
            line = line.replace(rf"\text{{{name}}}", str(value))
        assert compute(line.partition("=")[2].replace(r"\end{aligned}", "")) == slide.out


def test_rows_and_columns_apart_where_they_differ() -> None:
    why = find("inception_resnet_v2", (350, 400), "MaxPool_3a_3x3", "")

    assert why.dropped == (
        "Rows: (172 - 3) mod 2 = 1: no window reads the last one. Columns: (197 - 3) mod 2 = 0, so none is lost."
    )
    assert why.params.total == 0
    assert "largest number" in why.sentence


def test_factorised_kernel_has_zeros_on_two_sides() -> None:
    why = find("inception_v4", 299, "Mixed_4a", "Conv2d_0b_1x7", "Branch_1")

    assert why.zeros.endswith("73x73 to 73x79 by zeros: 3 columns on the left and 3 columns on the right.")
    assert r"\text{width} &= \left\lfloor \frac{73 + 3 + 3 - 7}{1} \right\rfloor + 1 = 73" in why.formula
    assert "thanks to the 6 columns of zeros" in why.sentence


def test_joins_and_head() -> None:
    concat = find("inception_resnet_v2", 299, "Mixed_5b", "concat")
    total = find("inception_resnet_v2", 299, "Block35_1", "residual sum")
    pool = find("inception_resnet_v2", 299, "Logits", "AvgPool_1a_8x8")
    logits = find("inception_resnet_v2", 299, "Logits", "Logits")

    assert concat.formula == "96 + 64 + 96 + 64 = 320"
    assert "the same 35x35 grid" in concat.sentence
    assert "must both be 320x35x35" in total.sentence
    assert "One window covers the whole 8x8 grid" in pool.sentence
    assert "1536x1x1" in pool.sentence
    assert pool.dropped == "Rows and columns: the one window reads them all."
    assert logits.params.latex == r"1000 \times 1536 + 1000 = 1{,}537{,}000"
    assert "plus a bias" in logits.sentence


def test_bias_under_batch_norm_is_called_what_it_is() -> None:
    with_bias = find("inception_resnet_v2.keras_blog", 299, "Conv2d_1a_3x3", "")
    without = find("inception_resnet_v2.paper", 299, "Conv2d_1a_3x3", "")

    assert with_bias.params.total == without.params.total + 32
    assert "could be left out" in with_bias.params.sentence
    assert "not needed" in without.params.sentence


def test_padding_of_an_average_pool_does_not_count() -> None:
    why = find("inception_v4", 299, "Mixed_5b", "AvgPool_0a_3x3", "Branch_3")

    assert "zeros" not in why.sentence + why.zeros + why.dropped
    assert "thanks to the 2 rows and 2 columns of padding" in why.sentence
    assert why.zeros == (
        "The grid grows from 35x35 to 37x37: a ring of padding, 1 cell wide. "
        "It does not count: a window at the edge averages the cells of the grid alone."
    )


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (nn.AvgPool2d(2, 2, 1), ["ring of zeros", "only zeros are left over"]),
        (nn.MaxPool2d(2, 2, 1), ["ring of padding", "minus infinity", "only padding is left over"]),
    ],
)
def test_padding_of_other_pools(pool: nn.Module, words: list[str]) -> None:
    why = why_this_shape(trace(nn.Sequential(nn.Conv2d(3, 4, 1), pool), 7).layers[-1])

    assert all(word in f"{why.zeros} {why.dropped}" for word in words)
    assert ("zeros" in why.zeros + why.dropped) == ("zeros" in words[0])


# Networks that are not ours
class Odd(nn.Module):
    """What our networks do not have."""

    def __init__(self) -> None:
        super().__init__()
        self.zeros_left = nn.Conv2d(3, 8, 7, 2, 3)
        self.ceil = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.gaps = nn.Conv2d(8, 8, 1, 2, bias=False)
        self.dilated = nn.Conv2d(8, 8, 3, dilation=2, padding=2, groups=4)
        self.norm = nn.BatchNorm2d(8)
        self.prelu = nn.PReLU()
        self.uneven = nn.AdaptiveAvgPool2d((3, 2))
        self.wide = nn.Conv2d(8, 8, (1, 2), (2, 1))
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        x = self.gaps(self.ceil(self.zeros_left(x)))
        x = self.dilated(self.dilated(x))
        x = self.prelu(self.norm(torch.cat([x, x + x.mean((2, 3), keepdim=True)], dim=2)[:, :, 4:]))
        return self.sigmoid(self.wide(self.uneven(x)))


def test_windows_of_other_networks() -> None:
    graph = trace(Odd(), (50, 38))
    by_name = {layer.layer: (layer, why_this_shape(layer)) for layer in graph.layers}

    for layer, why in by_name.values():
        if layer.window:
            values = equations(why.formula)
            assert (values[r"\text{height}"], values[r"\text{width}"]) == layer.out_shape[1:]
        if layer.params:
            assert equations(why.params.latex) == {"": layer.params}
        if layer.macs:
            assert equations(why.macs.latex) == {"": layer.macs}

    assert by_name["zeros_left"][1].dropped == (
        "Rows: (50 + 3 + 3 - 7) mod 2 = 1, but only zeros are left over: none is lost. "
        "Columns: (38 + 3 + 3 - 7) mod 2 = 1, but only zeros are left over: none is lost."
    )
    assert by_name["ceil"][1].dropped == "Rows and columns: the last window reaches 1 over the edge, so none is lost."
    assert by_name["gaps"][1].dropped == (
        "Rows: windows jump over 6 of 13. "
        "Columns: windows jump over 4 of 10. (10 - 1) mod 2 = 1: no window reads the last one either."
    )
    assert "2 rows or 1 column at a time" in by_name["wide"][1].sentence
    assert "5x5 from end to end" in by_name["dilated"][1].sentence


def test_layers_without_a_window_of_other_networks() -> None:
    layers = list(trace(Odd(), (50, 38)).layers)
    why = {layer.op: why_this_shape(layer) for layer in layers}
    first, again = (why_this_shape(layer) for layer in layers if layer.layer == "dilated")

    assert "8x7x5 becomes 8x1x1" in why["mean"].sentence
    assert "8x1x1 is repeated to 8x7x5" in why["sum"].sentence
    assert why["concat"].sentence.startswith("The rows of the 2 inputs add up, 7 + 7 = 14")
    assert why["avg pool"].formula == ""
    assert "3x2 windows" in why["avg pool"].sentence
    assert "Batch norm" in why["batch norm"].sentence
    assert why["batch norm"].params.sentence.endswith("8 batch-norm channels. 1 parameter of the prelu.")
    assert "4 groups" in first.params.sentence
    assert again.params.total == 0
    assert "earlier layer" in again.params.sentence


# The playground
axis = {
    "size": st.integers(1, 40),
    "kernel": st.integers(1, 9),
    "stride": st.integers(1, 6),
    "dilation": st.integers(1, 4),
}


def windows_of(size: int, stride: int, kernel: int, dilation: int, before: int, after: int) -> list[set[int]]:
    """The positions that each output of a convolution over an explicitly padded axis has a gradient of."""
    x = torch.zeros(1, 1, size + before + after, requires_grad=True)
    y = F.conv1d(x, torch.ones(1, 1, kernel), None, stride, 0, dilation)
    grads = (torch.autograd.grad(y[0, 0, i], x, retain_graph=True)[0][0, 0] for i in range(y.shape[-1]))
    return [{i - before for i in torch.nonzero(grad)[:, 0].tolist()} for grad in grads]


def assert_reads(slide: Slide, windows: list[set[int]]) -> None:
    assert slide.out == len(windows)
    assert list(slide.starts) == [min(window) for window in windows]
    assert slide.read == set().union(*windows)
    unread = [i for i in range(slide.size) if not any(i in window for window in windows)]
    assert list(slide.unread) == unread
    behind = max(map(max, windows)) + 1
    assert slide.behind == len(range(max(0, behind), slide.size))
    read = [i for window in windows for i in window if i < slide.size]
    assert slide.dropped == slide.size - 1 - max([-1, *read])
    assert equations(slide.formula) == {"": len(windows)}


@given(**axis)
@settings(deadline=None)
def test_tensorflow_same_is_the_least_padding_for_a_window_every_stride(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    result = playground(size, kernel, stride, "SAME", dilation)
    slide, wanted = result.tensorflow, math.ceil(size / stride)
    least = next(
        zeros
        for zeros in range(1000)
        if size + zeros > dilation * (kernel - 1)
        and F.conv1d(torch.zeros(1, 1, size + zeros), torch.ones(1, 1, kernel), None, stride, 0, dilation).shape[-1]
        >= wanted
    )

    assert (slide.before, slide.after) == (least // 2, least - least // 2)
    assert_reads(slide, windows_of(size, stride, kernel, dilation, slide.before, slide.after))
    outputs, zeros = result.rule.split(r"\\")
    assert list(equations(outputs.replace(r"\begin{aligned}", "")).values()) == [wanted]
    assert list(equations(zeros.replace(r"\end{aligned}", "")).values()) == [least]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@given(**axis, padding=st.sampled_from(["SAME", "VALID"]))
@settings(deadline=None)
def test_pytorch_side_is_what_pytorch_does(size: int, kernel: int, stride: int, dilation: int, padding: str) -> None:
    if padding == "VALID" and dilation * (kernel - 1) >= size:
        with pytest.raises(PlaygroundError, match="does not fit"):
            playground(size, kernel, stride, padding, dilation)
        return
    result = playground(size, kernel, stride, padding, dilation)
    argument = eval(result.pytorch_argument.removeprefix("padding="))
    conv = nn.Conv1d(1, 1, kernel, stride, argument, dilation, bias=False)
    x = torch.randn(1, 1, size)
    try:
        y = conv(x)
    except RuntimeError:
        assert result.pytorch is None
        assert "raises an error" in result.difference
        return

    slide = result.pytorch
    assert slide is not None
    padded = F.pad(x, (slide.before, slide.after))
    torch.testing.assert_close(y, F.conv1d(padded, conv.weight, None, stride, 0, dilation))
    assert_reads(slide, windows_of(size, stride, kernel, dilation, slide.before, slide.after))


@given(**axis)
@settings(deadline=None)
def test_the_difference_is_named(size: int, kernel: int, stride: int, dilation: int) -> None:
    result = playground(size, kernel, stride, "SAME", dilation)
    tensorflow, pytorch = result.tensorflow, result.pytorch

    assert ("agree" in result.difference) == (tensorflow == pytorch)
    assert ("refuse a stride and a dilation" in result.difference) == (stride > 1 and dilation > 1)
    if pytorch and pytorch.out != tensorflow.out:
        assert f"not {tensorflow.out}" in result.difference
        assert (tensorflow.before + tensorflow.after) % 2 == 1
    elif pytorch and pytorch != tensorflow:
        shifts = {a - b for a, b in zip(tensorflow.starts, pytorch.starts, strict=True)}
        assert len(shifts) == 1
        assert re.search(rf"starts {shifts.pop()} pixels? earlier", result.difference)
    if tensorflow != pytorch:
        assert f"F.pad(x, ({tensorflow.before}, {tensorflow.after}))" in result.difference


def test_stride_2_on_an_even_size_pads_the_end_only() -> None:
    """The known trap in moving weights from TensorFlow to PyTorch, with ResNet's first layers at 224 px."""
    for kernel, zeros in ((3, (0, 1)), (7, (2, 3))):
        result = playground(224, kernel, 2, "SAME")

        assert result.pytorch is not None
        assert (result.tensorflow.before, result.tensorflow.after) == zeros
        assert (result.pytorch.before, result.pytorch.after) == (zeros[1], zeros[1])
        assert result.tensorflow.out == result.pytorch.out == 112
        assert "starts 1 pixel earlier" in result.difference


def test_the_example_of_width_13_filter_6_stride_5() -> None:
    """The one that explains SAME and VALID all over the web: 2 pixels dropped, or zeros 1 before and 2 after."""
    valid, same = (playground(13, 6, 5, padding).tensorflow for padding in ("VALID", "SAME"))

    assert (valid.out, valid.unread, valid.dropped) == (2, (11, 12), 2)
    assert (same.out, same.before, same.after, list(same.starts)) == (3, 1, 2, [-1, 4, 9])


def test_stride_1_and_valid_agree() -> None:
    assert "agree" in playground(10, 4, 1, "SAME").difference
    assert playground(10, 4, 1, "SAME").tensorflow == Slide(10, 4, 1, 1, 1, 2, 10)
    assert "read the same pixels" in playground(10, 3, 2, "VALID").difference


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 3, 1, "SAME"), "size must be a whole number from 1 to 1,024, not 0."),
        ((1025, 3, 1, "SAME"), "size must be a whole number from 1 to 1,024, not 1025."),
        ((10, 2.5, 1, "SAME"), "kernel must be a whole number from 1 to 64, not 2.5."),
        ((10, 3, 0, "SAME"), "stride must be a whole number from 1 to 64, not 0."),
        ((10, 3, 1, "SAME", 65), "dilation must be a whole number from 1 to 64, not 65."),
        ((10, 3, 1, "FULL"), "padding must be VALID or SAME, not 'FULL'."),
        ((4, 3, 1, "VALID", 2), "A window that reaches over 5 pixels does not fit into 4 without zeros."),
    ],
)
def test_playground_refuses_in_one_sentence(arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(PlaygroundError) as error:
        playground(*arguments)
    assert str(error.value) == sentence
