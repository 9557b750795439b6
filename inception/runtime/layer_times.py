"""How long each layer of a network takes on this machine, measured in passes of one picture."""

from collections.abc import Mapping
from functools import partial
from statistics import median
from time import perf_counter

import torch
from PIL import Image
from torch import nn

from ..graph.layer_graph import LayerGraph
from .predictor import Predictor

RUNS = 5  # after one that is not measured


def layer_milliseconds(
    predictor: Predictor, prepared: Image.Image, graph: LayerGraph, runs: int = RUNS
) -> Mapping[int, float]:
    """By the index of each layer, the median milliseconds of its operations over the runs, one picture a pass.

    They are those of the eager network, layer by layer; what happens between layers belongs to none. Other people's
    work gets its turn between any two passes. Raises OutOfMemory.
    """
    wait = torch.get_device_module(predictor.device).synchronize
    spent: dict[str, float] = {}
    started: dict[str, float] = {}

    def start(path: str, _module: nn.Module, _inputs: object) -> None:
        wait()
        started[path] = perf_counter()

    def end(path: str, _module: nn.Module, _inputs: object, _output: object) -> None:
        wait()
        spent[path] = spent.get(path, 0.0) + perf_counter() - started[path]

    passes: list[dict[str, float]] = []
    for _pass in range(runs + 1):
        spent.clear()
        with predictor.turn() as model, torch.inference_mode():
            hooks = []
            for path in {part.path for layer in graph.layers for part in layer.parts}:
                module = model.get_submodule(path)
                hooks += [
                    module.register_forward_pre_hook(partial(start, path)),
                    module.register_forward_hook(partial(end, path)),
                ]
            try:
                model(predictor.to_input(prepared))
            finally:
                for hook in hooks:
                    hook.remove()
        passes.append(dict(spent))
    times = {path: 1e3 * median(one[path] for one in passes[1:]) for path in passes[-1]}
    return {layer.index: sum(times[part.path] for part in layer.parts) for layer in graph.layers}
