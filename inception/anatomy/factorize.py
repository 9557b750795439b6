"""What 1xk followed by kx1 saves against kxk: in general, in a network, and with square kernels put back.

The idea is from Szegedy et al. (2015), *Rethinking the Inception Architecture*, section 3.2. Three things with
similar names differ: the networks' 1xk -> batch norm -> ReLU -> kx1 is *factorised*, each half with its own weights
between all channels; it is no algebraic rewrite of a trained kxk kernel (`inception.vision.lowrank`), and not
*depthwise separable* (MobileNet), where each channel is filtered alone and a 1x1 mixes them.

Every count comes from a trace of modules that are really built, on the meta device unless they are run. A ratio
divides the square kernel's value by the row's own: above 1 the row is cheaper, below 1 dearer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from math import prod
from statistics import median
from time import perf_counter
from typing import Any, cast

import pandas as pd
import torch
from torch import nn

from ..models import create_model, get_variant
from ..models.layers import BATCH_NORM_EPS, Branch, ConvUnit, Kernel
from .graph import Layer, LayerGraph
from .table import shape_text
from .trace import trace
from .window import Pair

SQUARE, FACTORISED, STACKED, SEPARABLE = "square", "factorised", "stacked 3x3", "depthwise separable"

MAX_KERNEL = 31
MAX_CHANNELS = 16_384
MAX_SIZE = 4096  # rows or columns of the feature map
MAX_BYTES = 2**30  # of weights and activations in one measurement
MAX_MACS = 50_000_000_000  # of one run of everything in one measurement
WARM_UPS, MIN_RUNS, MAX_RUNS, BUDGET = 1, 3, 30, 1.5  # BUDGET: seconds after which no run is added to MIN_RUNS

PAIR_COLUMNS = {
    "pair": "int64",
    "stage": "str",
    "block": "str",
    "branch": "str",
    "first": "str",
    "second": "str",
    "first_path": "str",
    "second_path": "str",
    "kernel": "int64",
    "in_channels": "int64",
    "middle_channels": "int64",
    "out_channels": "int64",
    "grid": "str",
    "weights": "int64",
    "square_weights": "int64",
    "saving": "int64",
    "ratio": "float64",
    "macs": "int64",
    "square_macs": "int64",
}
SIDE_BY_SIDE_COLUMNS = {
    name: dtype
    for name, dtype in PAIR_COLUMNS.items()
    if name not in {"middle_channels", "square_weights", "saving", "ratio", "square_macs"}
}


class FactorizeError(ValueError):
    """A setting that cannot be built or measured, in one sentence."""


# The calculator


@dataclass(frozen=True)
class Setting:
    """What to compare. The defaults are the example that tutorials print: 256 channels, 7x7, 64x64.

    kernel: odd, from 3 to 31. in_channels, middle_channels, out_channels: 1 to 16,384; the middle is what stands
    between the layers of the pair and of the stack. size: (height, width) of the feature map, 1 to 4096 each.
    bias, batch_norm: of every convolution. Raises FactorizeError for anything else.
    """

    kernel: int = 7
    in_channels: int = 256
    middle_channels: int = 256
    out_channels: int = 256
    size: Pair = (64, 64)
    bias: bool = True
    batch_norm: bool = False

    def __post_init__(self) -> None:
        if not (_is_whole(self.kernel, 3, MAX_KERNEL) and self.kernel % 2):
            raise FactorizeError(f"kernel must be an odd number from 3 to {MAX_KERNEL}, not {self.kernel!r}.")
        for name in ("in_channels", "out_channels", "middle_channels"):
            if not _is_whole(getattr(self, name), 1, MAX_CHANNELS):
                value = getattr(self, name)
                raise FactorizeError(f"{name} must be a whole number from 1 to {MAX_CHANNELS:,}, not {value!r}.")
        if not (
            isinstance(self.size, tuple) and len(self.size) == 2 and all(_is_whole(n, 1, MAX_SIZE) for n in self.size)
        ):
            raise FactorizeError(
                f"size must be height and width as whole numbers from 1 to {MAX_SIZE}, not {self.size!r}."
            )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.in_channels, *self.size

    @property
    def simple_factor(self) -> float:
        """Half of k: how many times fewer weights the pair has where in, middle and out are equally wide."""
        return self.kernel / 2

    @property
    def title(self) -> str:
        """What is compared, for the head of a table: 7x7 window, 256 to 256 to 256 channels, 64x64 grid, bias."""
        channels = " to ".join(f"{n:,}" for n in (self.in_channels, self.middle_channels, self.out_channels))
        window = f"{self.kernel}x{self.kernel} window, {channels} channels, {shape_text(self.size)} grid"
        return window + self.bias * ", bias" + self.batch_norm * ", batch norm"


@dataclass(frozen=True)
class Option:
    """One way to look through a kxk window: its name, its trace, and its parameters written out as a sum."""

    name: str
    graph: LayerGraph
    arithmetic: str

    @property
    def layers(self) -> str:
        """Its kernels: 1x7 + 7x1."""
        return " + ".join(shape_text(layer.window.kernel) for layer in self.graph.layers if layer.window)

    @property
    def receptive_field(self) -> str:
        """Height x width in cells of the feature map: 7x7."""
        field = self.graph.receptive_fields[-1]
        return shape_text(field.size) if field else ""


@dataclass(frozen=True)
class BreakEven:
    """The largest middle width at which the pair has fewer parameters, or MACs, than the square; 0 where none has."""

    params: int
    macs: int


def build_options(setting: Setting, device: str | torch.device = "meta") -> dict[str, nn.Sequential]:
    """The real modules by name, the square kernel first; each maps (N, in, H, W) to (N, out, H, W).

    square: one kxk. factorised: 1xk, kx1. stacked 3x3: as many as see kxk. depthwise separable: kxk on each channel
    alone, then 1x1 (Howard et al. 2017, *MobileNets*). Every convolution is SAME, and batch norm (where the setting
    has it) and ReLU follow it.
    """
    k, inputs, middle, outputs = setting.kernel, setting.in_channels, setting.middle_channels, setting.out_channels
    depth = (k - 1) // 2
    widths = [inputs, *[middle] * (depth - 1), outputs]
    with torch.device(device):
        options = {
            SQUARE: [_unit(setting, inputs, outputs, k)],
            FACTORISED: [_unit(setting, inputs, middle, (1, k)), _unit(setting, middle, outputs, (k, 1))],
            STACKED: [_unit(setting, widths[i], widths[i + 1], 3) for i in range(depth)],
            SEPARABLE: [_unit(setting, inputs, inputs, k, groups=inputs), _unit(setting, inputs, outputs, 1)],
        }
        return {name: nn.Sequential(*units).eval() for name, units in options.items()}


def calculate(setting: Setting) -> tuple[Option, ...]:
    """The options for `setting`, the square kernel first, counted by tracing them."""
    return tuple(_option(setting, name, module) for name, module in build_options(setting).items())


def option_table(options: Sequence[Option]) -> pd.DataFrame:
    """One row an option, with its ratios to the first (the square kernel, as `calculate` returns them).

    Columns: option, layers (kernels, height x width), params, macs (batch 1), activation_bytes (of all its layers'
    outputs, float32), params_ratio, macs_ratio, activation_ratio, rf (receptive field, height x width in cells of
    the feature map), out_shape (channels x height x width), arithmetic (the parameters as a sum).
    """
    return pd.DataFrame(
        {
            "option": option.name,
            "layers": option.layers,
            **_counts(option.graph, options[0].graph),
            "rf": option.receptive_field,
            "out_shape": shape_text(option.graph.output_shape),
            "arithmetic": option.arithmetic,
        }
        for option in options
    )


def break_even(setting: Setting, options: Sequence[Option]) -> BreakEven:
    """How wide the middle of the pair may be before it costs as much as the square kernel.

    options: what `calculate` returned for the setting.
    """
    square = options[0].graph
    # Each middle channel adds the same amount, so two built pairs tell the cost of every other one.
    narrow = [replace(setting, middle_channels=middle) for middle in (1, 2)]
    one, two = (trace(build_options(each)[FACTORISED], each.input_shape) for each in narrow)

    def largest(at_one: int, at_two: int, limit: int) -> int:
        slope = at_two - at_one
        return max(0, (limit - 1 - (at_one - slope)) // slope)

    return BreakEven(
        params=largest(one.params, two.params, square.params), macs=largest(one.macs, two.macs, square.macs)
    )


def in_words(setting: Setting, options: Sequence[Option]) -> str:
    """What the pair saves against the square kernel, and up to which middle width it saves anything.

    options: what `calculate` returned for the setting.
    """
    square, pair = (option.graph for option in options[:2])
    saved = f"k / 2 = {setting.simple_factor:g} times fewer weights"
    if setting.in_channels == setting.middle_channels == setting.out_channels:
        factor = f"With all widths equal the pair has {saved} than the square kernel."
    else:
        # At stride 1 each weight is one multiply-accumulate for each cell.
        factor = (
            f"With all widths equal the pair would have {saved} than the square kernel; with these widths it has "
            f"{_times(square.macs / pair.macs)} weights."
        )
    even = break_even(setting, options)
    if even.params == even.macs:
        return f"{factor} {_up_to(even.params, 'parameters and MACs')}"
    return f"{factor} {_up_to(even.params, 'parameters')} {_up_to(even.macs, 'MACs')}"


def _times(ratio: float) -> str:
    if ratio == 1:
        return "as many"
    return f"{ratio:.2f} times fewer" if ratio > 1 else f"{1 / ratio:.2f} times as many"


def _up_to(width: int, what: str) -> str:
    if width == 0:
        return f"However narrow its middle, it never has fewer {what}."
    return (
        f"Up to {width:,} channel{'' if width == 1 else 's'} in the middle it has fewer {what}, from {width + 1:,} not."
    )


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _unit(setting: Setting, inputs: int, outputs: int, kernel: Kernel, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, padding="same", groups=groups, bias=setting.bias)
    norm = [nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS)] if setting.batch_norm else []
    return nn.Sequential(conv, *norm, nn.ReLU())


def _option(setting: Setting, name: str, module: nn.Module) -> Option:
    graph = trace(module, setting.input_shape)
    terms = Counter(_term(setting, conv) for conv in module.modules() if isinstance(conv, nn.Conv2d))
    written = " + ".join(term if count == 1 else f"{count}·{term}" for term, count in terms.items())
    return Option(name, graph, f"{written} = {graph.params:,}")


def _term(setting: Setting, conv: nn.Conv2d) -> str:
    """Parameters of one unit: outputs · (weights of one output + 1 for the bias + 2 for the batch norm)."""
    outputs, *window = conv.weight.shape
    summands = ["·".join(str(n) for n in window if n > 1) or "1"]
    summands += ["1"] * setting.bias + ["2"] * setting.batch_norm
    return f"{outputs}·({' + '.join(summands)})" if len(summands) > 1 else f"{outputs}·{summands[0]}"


def _counts(graph: LayerGraph, square: LayerGraph) -> dict[str, int | float]:
    return {
        "params": graph.params,
        "macs": graph.macs,
        "activation_bytes": _activation_bytes(graph),
        "params_ratio": square.params / graph.params,
        "macs_ratio": square.macs / graph.macs,
        "activation_ratio": _activation_bytes(square) / _activation_bytes(graph),
    }


def _activation_bytes(graph: LayerGraph) -> int:
    return sum(layer.activation_bytes for layer in graph.layers)


# In a network


@dataclass(frozen=True)
class FactorPair:
    """Two convolutions of a network, one 1xk and one kx1, in order of execution."""

    first: Layer
    second: Layer
    kernel: int


def find_pairs(graph: LayerGraph) -> tuple[FactorPair, ...]:
    """Every 1xk + kx1 in a row, in either order, in execution order.

    The first is read by the second alone, so that one kxk could stand in their place. A convolution belongs to one
    pair: 7x1, 1x7, 7x1, 1x7 are two. Grouped and depthwise convolutions do not count, because they do not mix all
    channels.
    """
    lines = _line_convolutions(graph)
    readers = Counter(source for source, _ in graph.edges)
    pairs = []
    for second in tuple(lines.values()):
        first = lines.get(second.inputs[0]) if len(second.inputs) == 1 else None
        if first and readers[first.index] == 1 and _kernel(first) == _kernel(second)[::-1]:
            pairs.append(FactorPair(first, second, max(_kernel(first))))
            del lines[second.index]  # it cannot be the first of another pair
    return tuple(pairs)


def find_side_by_side(graph: LayerGraph) -> tuple[FactorPair, ...]:
    """Every 1xk and kx1 that read the same layer and are read by the same ones (Inception-C of Inception-v4, Fig. 6).

    They widen the block instead of factorising a kernel: together they see a cross, not the square.
    """
    in_a_row = {layer.index for pair in find_pairs(graph) for layer in (pair.first, pair.second)}
    lines = {index: layer for index, layer in _line_convolutions(graph).items() if index not in in_a_row}
    pairs = []
    for first, second in combinations(tuple(lines.values()), 2):
        if (
            first.index in lines
            and second.index in lines
            and first.inputs == second.inputs
            and _readers(graph, first) == _readers(graph, second)
            and _kernel(first) == _kernel(second)[::-1]
        ):
            pairs.append(FactorPair(first, second, max(_kernel(first))))
            del lines[first.index], lines[second.index]
    return tuple(pairs)


def pair_table(graph: LayerGraph) -> pd.DataFrame:
    """One row for each of `find_pairs`, with the square kernel it replaces: in_channels to out_channels, kxk.

    Columns: pair (from 1), stage, block, branch, first and second (layers), first_path and second_path, kernel (k),
    in_channels, middle_channels, out_channels, grid (output, height x width), weights and square_weights (without
    biases and batch norm), saving (the difference), ratio (square / pair), macs and square_macs (batch 1).
    """
    rows = []
    for number, pair in enumerate(find_pairs(graph), 1):
        row = _pair_cells(number, pair)
        middle, outputs = pair.first.out_shape[0], pair.second.out_shape[0]
        square_weights, square_macs = _square_counts(
            row["in_channels"], outputs, pair.kernel, pair.second.out_shape[1:]
        )
        row |= {
            "middle_channels": middle,
            "out_channels": outputs,
            "square_weights": square_weights,
            "saving": square_weights - row["weights"],
            "ratio": square_weights / row["weights"],
            "square_macs": square_macs,
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS)).astype(PAIR_COLUMNS)


def pair_title(graph: LayerGraph) -> str:
    """The title of its tables of pairs: the network, its picture, and for each k pairs and weights."""
    sums = [
        f"{row.pairs} of k = {row.kernel} with {row.weights:,} weights for {row.square_weights:,}"
        for row in pair_totals(graph).itertuples()
    ]
    found = "; ".join(sums) or "none"
    return f"Pairs of 1xk and kx1 in {graph.name} at {shape_text(graph.input_size)} px: {found}"


def side_by_side_table(graph: LayerGraph) -> pd.DataFrame:
    """One row for each of `find_side_by_side`: the columns of `pair_table` that do not speak of a square kernel.

    out_channels are those of both together.
    """
    rows = []
    for number, pair in enumerate(find_side_by_side(graph), 1):
        rows.append({**_pair_cells(number, pair), "out_channels": pair.first.out_shape[0] + pair.second.out_shape[0]})
    return pd.DataFrame(rows, columns=list(SIDE_BY_SIDE_COLUMNS)).astype(SIDE_BY_SIDE_COLUMNS)


def pair_totals(graph: LayerGraph) -> pd.DataFrame:
    """One row for each k in `pair_table`, the largest first.

    Columns: kernel, pairs, weights, square_weights, saving, ratio, macs, square_macs.
    """
    totals = (
        pair_table(graph)
        .groupby("kernel", as_index=False)
        .agg(
            pairs=("pair", "count"),
            **{name: (name, "sum") for name in ("weights", "square_weights", "saving", "macs", "square_macs")},
        )
        .sort_values("kernel", ascending=False, ignore_index=True)
    )
    totals.insert(5, "ratio", totals["square_weights"] / totals["weights"])
    return totals


def _line_convolutions(graph: LayerGraph) -> dict[int, Layer]:
    """The 1xk and kx1 convolutions between all channels, by index."""
    return {
        layer.index: layer
        for layer in graph.layers
        if layer.op == "conv"
        and min(_kernel(layer)) == 1 < max(_kernel(layer))
        and _weights(layer) == layer.in_shapes[0][0] * layer.out_shape[0] * max(_kernel(layer))
    }


def _kernel(layer: Layer) -> Pair:
    return layer.window.kernel if layer.window else (1, 1)


def _weights(layer: Layer) -> int:
    """Each weight of a convolution is used once at every position, and its bias is not among the MACs."""
    return layer.macs // prod(layer.out_shape[1:])


def _readers(graph: LayerGraph, layer: Layer) -> set[int]:
    return {target for source, target in graph.edges if source == layer.index}


def _pair_cells(number: int, pair: FactorPair) -> dict[str, Any]:
    return {
        "pair": number,
        "stage": pair.first.stage,
        "block": pair.first.block,
        "branch": pair.first.branch,
        "first": pair.first.layer,
        "second": pair.second.layer,
        "first_path": pair.first.path,
        "second_path": pair.second.path,
        "kernel": pair.kernel,
        "in_channels": pair.first.in_shapes[0][0],
        "grid": shape_text(pair.second.out_shape[1:]),
        "weights": _weights(pair.first) + _weights(pair.second),
        "macs": pair.first.macs + pair.second.macs,
    }


@lru_cache(maxsize=512)
def _square_counts(inputs: int, outputs: int, kernel: int, grid: tuple[int, ...]) -> tuple[int, int]:
    """(weights, MACs) of the kxk convolution between all channels that yields `grid`."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding="same", bias=False, device="meta")
    graph = trace(nn.Sequential(conv), (inputs, *grid))
    return graph.params, graph.macs


# The counterfactual


def square_network(
    name: str, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32, **overrides: Any
) -> nn.Module:
    """The network of that name with a kxk kernel in place of every 1xk + kx1 pair of `find_pairs`, in eval mode.

    The first unit of a pair becomes convolution kxk (in to out, SAME), batch norm and ReLU, and the second goes: one
    kernel is one unit, so the batch norm and ReLU between the halves go with it, as in a network that was never
    factorised. Shapes and receptive fields outside the pairs stay as they were. Side-by-side pairs stay, for they
    replace no square kernel. Weights are PyTorch's random initialisation: trained halves do not multiply to a kernel.
    overrides and errors as in `create_model`.
    """
    model = create_model(name, None, device, dtype, **overrides)
    for pair in find_pairs(trace(model, get_variant(name).input_size)):
        _put_square(model, pair)
    return model.to(dtype).eval()


def compare_networks(name: str, input_size: int | Pair | None = None, **overrides: Any) -> pd.DataFrame:
    """The network of that name and its `square_network`, a row each, both built on the meta device and traced.

    input_size: pixels of a square picture or (H, W); the variant's own by default. Columns: network, convs, params,
    macs, activation_bytes, params_ratio, macs_ratio, activation_ratio, rf (the largest of a convolution,
    height x width in pixels of the picture), out_shape. Raises TraceError for a picture that is too small.
    """
    graphs = _network_graphs(name, input_size, **overrides)
    rows = []
    for title, graph in graphs.items():
        convs = [layer for layer in graph.layers if layer.op == "conv"]
        sizes = [field.size for layer in convs if (field := graph.receptive_fields[layer.index])]
        rows.append(
            {
                "network": title,
                "convs": len(convs),
                **_counts(graph, graphs[SQUARE]),
                "rf": shape_text((max(h for h, _ in sizes), max(w for _, w in sizes))),
                "out_shape": shape_text(graph.output_shape),
            }
        )
    return pd.DataFrame(rows)


def _network_graphs(name: str, input_size: int | Pair | None, **overrides: Any) -> dict[str, LayerGraph]:
    size = get_variant(name).input_size if input_size is None else input_size
    return {
        FACTORISED: trace(name, size, **overrides),
        SQUARE: trace(square_network(name, "meta", **overrides), size),
    }


def _put_square(model: nn.Module, pair: FactorPair) -> None:
    branch_path, _, first = pair.first.path.rpartition(".")
    second = pair.second.path.rpartition(".")[2]
    parent_path, _, branch_name = branch_path.rpartition(".")
    branch = model.get_submodule(branch_path)
    old = cast(ConvUnit, branch.get_submodule(first)).conv
    with torch.device(old.weight.device):
        square = ConvUnit(old.in_channels, pair.second.out_shape[0], pair.kernel, bias=old.bias is not None)
    layers: dict[str, nn.Module] = {}
    for name, layer in branch.named_children():
        if name == first:
            layers[f"{name.rpartition('_')[0]}_{pair.kernel}x{pair.kernel}"] = square
        elif name != second:
            layers[name] = layer
    setattr(model.get_submodule(parent_path), branch_name, Branch(**layers))


# Measured time


def measure_options(setting: Setting, device: str = "cpu") -> pd.DataFrame:
    """Milliseconds of each option of `build_options` on one feature map of the setting, float32.

    device: cpu, cuda or mps. Columns: option, milliseconds (median after a warm-up), ratio, runs. Options take
    turns, so that a busy moment hits all of them. Takes seconds: at least 3 runs of each, more within 1.5 s. Raises
    FactorizeError for a device that is not there, and above 1 GiB or 50 GMACs in one run of everything.
    """
    _check_device(device)
    _check_affordable([option.graph for option in calculate(setting)])
    return _measure("option", build_options(setting, device), setting.input_shape, device)


def measure_networks(
    name: str, input_size: int | Pair | None = None, device: str = "cpu", **overrides: Any
) -> pd.DataFrame:
    """Milliseconds of the network of that name and of its `square_network` on one picture, float32.

    Columns: network, milliseconds, ratio, runs; else as `measure_options`.
    """
    _check_device(device)
    graphs = _network_graphs(name, input_size, **overrides)
    _check_affordable(list(graphs.values()))
    modules = {
        FACTORISED: create_model(name, device=device, **overrides),
        SQUARE: square_network(name, device, **overrides),
    }
    return _measure("network", modules, graphs[SQUARE].input_shape, device)


def devices() -> list[str]:
    """The devices of this machine on which milliseconds can be measured."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return ["cpu", *(device for device, available in found.items() if available)]


def _check_device(device: str) -> None:
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device not in available:
        raise FactorizeError(f"device must be cpu, cuda or mps, not {device!r}.")
    if not available[device]:
        raise FactorizeError(f"PyTorch finds no {device} device on this machine.")


def _check_affordable(graphs: Sequence[LayerGraph]) -> None:
    # All weights are there at once, the activations of one after the other.
    size = 4 * sum(graph.params for graph in graphs) + max(
        4 * prod(graph.input_shape) + _activation_bytes(graph) for graph in graphs
    )
    macs = sum(graph.macs for graph in graphs)
    if size > MAX_BYTES:
        raise FactorizeError(
            f"Measuring this needs {size / 2**30:.1f} GiB of weights and activations and stops at "
            f"{MAX_BYTES / 2**30:.0f} GiB; choose fewer channels or a smaller grid."
        )
    if macs > MAX_MACS:
        raise FactorizeError(
            f"Measuring this needs {macs / 1e9:,.0f} GMACs a run and stops at {MAX_MACS / 1e9:.0f}; "
            f"choose fewer channels or a smaller grid."
        )


def _measure(column: str, modules: Mapping[str, nn.Module], input_shape: tuple[int, ...], device: str) -> pd.DataFrame:
    x = torch.rand(1, *input_shape, device=device)
    times: dict[str, list[float]] = {name: [] for name in modules}
    with torch.inference_mode():
        for _ in range(WARM_UPS):
            for module in modules.values():
                _milliseconds(module, x)
        start = perf_counter()
        for run in range(MAX_RUNS):
            if run >= MIN_RUNS and perf_counter() - start > BUDGET:
                break
            for name, module in modules.items():
                times[name].append(_milliseconds(module, x))
    medians = {name: median(values) for name, values in times.items()}
    return pd.DataFrame(
        {
            column: name,
            "milliseconds": medians[name],
            "ratio": medians[SQUARE] / medians[name],
            "runs": len(times[name]),
        }
        for name in modules
    )


def _milliseconds(module: nn.Module, x: torch.Tensor) -> float:
    _wait(x.device.type)
    start = perf_counter()
    module(x)
    _wait(x.device.type)
    return 1000 * (perf_counter() - start)


def _wait(device: str) -> None:
    """Until the device has done what it was given; a GPU works on after the call has returned."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
