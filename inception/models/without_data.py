"""Builds modules in less time, where the numbers that PyTorch gives new weights are not needed."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.utils._device import DeviceContext

RANDOM = {init.kaiming_uniform_, init.uniform_}
# What gives new weights their numbers. Without data there is nothing to write, which takes a third of the building.
WRITING = {*RANDOM, Tensor.fill_, Tensor.zero_}


class WithoutRandom(DeviceContext):
    """A context for a network that is given weights next: new tensors get no random numbers, which take most time."""

    left_out = RANDOM

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self.left_out:
            return args[0] if args else kwargs["tensor"]
        return super().__torch_function__(func, types, args, kwargs)


class WithoutData(WithoutRandom):
    """A context in which new tensors are on the meta device, in less time than ``torch.device("meta")`` takes."""

    left_out = WRITING

    def __init__(self) -> None:
        super().__init__(torch.device("meta"))
