"""Milliseconds of factorised and square kernels, measured on this machine."""

from collections.abc import Mapping, Sequence
from math import prod
from statistics import median
from time import perf_counter
from typing import Any

import pandas as pd
import torch
from torch import nn

from ..graph.layer_graph import LayerGraph
from ..graph.window import Pair
from ..runtime.devices import check_device
from ..words import _
from ..zoo import create_model
from .factorize import FACTORISED, SQUARE, FactorizeError, Setting, activation_bytes_of, build_options, calculate
from .square_network import network_graphs, square_network

MAX_BYTES = 2**30  # of weights and activations in one measurement
MAX_MACS = 50_000_000_000  # of one run of everything in one measurement
WARM_UPS, MIN_RUNS, MAX_RUNS, BUDGET = 1, 3, 30, 1.5  # BUDGET: seconds after which no run is added to MIN_RUNS


# Measured time
def measure_options(setting: Setting, device: str = "cpu") -> pd.DataFrame:
    """Milliseconds of each option of `build_options` on one feature map of the setting, float32.

    device: cpu, cuda or mps. Columns: option, milliseconds (median after a warm-up), ratio, runs. Options take
    turns, so that a busy moment hits all of them. Takes seconds: at least 3 runs of each, more within 1.5 s. Raises
    DeviceError for a device that is not there, FactorizeError above 1 GiB or 50 GMACs in one run of everything.
    """
    check_device(device, torch.float32)
    _check_affordable([option.graph for option in calculate(setting)])
    return _measure("option", build_options(setting, device), setting.input_shape, device)


def measure_networks(
    name: str, input_size: int | Pair | None = None, device: str = "cpu", **overrides: Any
) -> pd.DataFrame:
    """Milliseconds of the network of that name and of its `square_network` on one picture, float32.

    Columns: network, milliseconds, ratio, runs; else as `measure_options`.
    """
    check_device(device, torch.float32)
    graphs = network_graphs(name, input_size, **overrides)
    _check_affordable(list(graphs.values()))
    modules = {
        FACTORISED: create_model(name, device=device, **overrides),
        SQUARE: square_network(name, device, **overrides),
    }
    return _measure("network", modules, graphs[SQUARE].input_shape, device)


def _check_affordable(graphs: Sequence[LayerGraph]) -> None:
    # All weights are there at once, the activations of one after the other.
    size = 4 * sum(graph.params for graph in graphs) + max(
        4 * prod(graph.input_shape) + activation_bytes_of(graph) for graph in graphs
    )
    macs = sum(graph.macs for graph in graphs)
    if size > MAX_BYTES:
        sentence = _(
            "Measuring this needs {size:.1f} GiB of weights and activations, and the limit is {most:.0f} GiB; choose "
            "fewer channels or a smaller grid."
        )
        raise FactorizeError(sentence.format(size=size / 2**30, most=MAX_BYTES / 2**30))
    if macs > MAX_MACS:
        sentence = _(
            "Measuring this needs {macs:,.0f} GMACs a run, and the limit is {most:.0f} GMACs; choose fewer channels or "
            "a smaller grid."
        )
        raise FactorizeError(sentence.format(macs=macs / 1e9, most=MAX_MACS / 1e9))


def _measure(column: str, modules: Mapping[str, nn.Module], input_shape: tuple[int, ...], device: str) -> pd.DataFrame:
    x = torch.rand(1, *input_shape, device=device)
    times: dict[str, list[float]] = {name: [] for name in modules}
    with torch.inference_mode():
        for _turn in range(WARM_UPS):
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
    device = torch.get_device_module(x.device)
    device.synchronize()
    start = perf_counter()
    module(x)
    device.synchronize()  # a GPU works on after the call has returned
    return 1000 * (perf_counter() - start)
