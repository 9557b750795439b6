"""The forms that our rules give are PyTorch's own, and what a rule does not know it leaves to PyTorch."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

import inception
from inception.graph.calls import form_of, key_of, kind
from inception.graph.shape_rules import RULES, form_of_output


class Comparison(TorchDispatchMode):
    """Compares the rule with PyTorch for each operation that runs; notes which rules said something."""

    def __init__(self) -> None:
        super().__init__()
        self.ruled: set[str] = set()
        self.left: set[str] = set()
        self.seen: set[Any] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out, name = func(*args, **(kwargs or {})), kind(func).name
        key = (func, *map(key_of, args))
        if not kwargs and name in RULES and key not in self.seen:
            self.seen.add(key)
            form, expected = form_of_output(name, args), form_of(out)
            if form is None:
                self.left.add(name)
            elif name == "native_batch_norm":
                assert form[0] == expected[0], (name, key)
            else:
                assert form == expected, (name, key)
            if form is not None:
                self.ruled.add(name)
        return out


def test_all_operations_of_the_zoo() -> None:
    with torch.no_grad(), Comparison() as comparison:
        for name in inception.list_models():
            model = inception.create_model(name, device="meta")
            model(torch.empty(1, 3, 171, 150, device="meta"))
        model(torch.empty(2, 3, 160, 160, device="meta"))
    assert comparison.ruled == set(RULES)
    assert comparison.left == set(), "each of these would load the compiler"


@pytest.mark.parametrize("change", [lambda x: x, lambda x: x.permute(0, 1, 3, 2), lambda x: x[:, ::2]])
def test_unusual_arguments(change: Any) -> None:
    """Whatever a rule says of them is right."""
    x: Tensor = change(torch.empty(2, 4, 9, 12, device="meta"))
    channels, row = x.shape[1], x[:, :, :1]
    with torch.no_grad(), Comparison(), torch.device("meta"):
        for padding, stride, dilation in (("same", 1, 2), ((1, 0), (2, 3), 1), (3, 1, (1, 2))):
            nn.Conv2d(channels, 6, 3, stride, padding, dilation)(x)
        nn.Conv2d(channels, channels * 2, (1, 5), groups=channels, bias=False)(x)
        nn.ConvTranspose2d(channels, 6, 3, 2, output_padding=1)(x)
        nn.Conv1d(channels, 6, 3)(x[:, :, 0])
        nn.Conv3d(1, 6, (2, 3, 3))(x[:, None])
        for ceil in (False, True):
            F.max_pool2d(x, 3, 2, 1, ceil_mode=ceil)
            F.max_pool2d(x[0], (2, 3), dilation=2, ceil_mode=ceil)
            F.avg_pool2d(x, (3, 2), None, (1, 0), ceil, False, 5)
        for other in (2, 0.5, x, row.expand_as(x), x.half(), x.long(), torch.empty(()), row, x[0], True, 2j):
            for first, second in ((x, other), (other, x)):
                first + second, first * second, first / second
        x.half() + torch.empty(())
        x.long() / 2
        for dim in (0, 1, -1, -4):
            torch.cat([x, x], dim)
            torch.cat([x, x.double()], dim)
        torch.cat([x, row], 2)
        torch.cat([x, torch.empty(0)])
        torch.cat([x[0, 0, 0], x[0, 0, 1]])
        for keepdim in (False, True):
            x.mean((1, -1), keepdim)
            x.mean((), keepdim)
            torch.linalg.vector_norm(x, 1, (0,), keepdim)
            torch.linalg.vector_norm(x, 1, None, keepdim)
        F.linear(x[0, 0], torch.empty(5, x.shape[3]), torch.empty(5))
        F.linear(x[0, 0], torch.empty(5, x.shape[3]))
        F.batch_norm(x, torch.empty(channels), torch.empty(channels))
        F.relu(x), F.relu(x.long()), x.clamp_min(0), x.long().clamp_min(0.5)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("convolution", ((1, 3, 5, 5), (8, 4, 3, 3), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)),
        ("convolution", ((1, 4, 5, 5), (8, 4, 7, 7), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)),
        ("convolution", ((1, 4, 5, 5), (8, 4, 3, 3), None, [0, 1], [0, 0], [1, 1], False, [0, 0], 1)),
        ("convolution", ((1, 4, 5, 5), (8, 4, 3, 3), None, [1, 1], [-1, 0], [1, 1], False, [0, 0], 1)),
        ("max_pool2d_with_indices", ((1, 3, 5, 5), [7, 7], [2, 2])),
        ("max_pool2d_with_indices", ((1, 3, 5, 5), [3, 3], [2, 2], [2, 2])),
        ("avg_pool2d", ((1, 3, 5, 5), [3, 3], [2, 2], [0, 0], False, True, 0)),
        ("cat", ([(2, 3), (2, 3)], 2)),
        ("cat", ([(2, 3), (3, 4)], 1)),
        ("mm", ((2, 3), (4, 5))),
        ("addmm", ((4,), (2, 3), (3, 5))),
        ("mean", ((2, 3), [2])),
        ("mean", ((2, 3), [1, -1])),
        ("add", ((2, 3), (3, 2))),
    ],
)
def test_what_does_not_fit_is_left_to_pytorch(name: str, args: Any) -> None:
    def made(arg: Any) -> Any:
        if isinstance(arg, list):
            return [made(each) for each in arg]
        return torch.empty(arg, device="meta") if isinstance(arg, tuple) else arg

    assert form_of_output(name, tuple(map(made, args))) is None
