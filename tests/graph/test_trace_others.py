"""The trace of networks that are not ours, and one sentence for what cannot run."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inception import TraceError, trace
from tests import reference


class BasicBlock(nn.Module):
    """As in torchvision's ResNet-18, with functional ReLU."""

    def __init__(self, channels: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + shortcut)


class ResNet(nn.Module):
    """A ResNet of three blocks. `ending` is one of the ways in which people leave the grid."""

    def __init__(self, ending: Callable[[Tensor], Tensor]):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(BasicBlock(16, 16, 1))
        self.layer2 = nn.Sequential(BasicBlock(16, 32, 2), BasicBlock(32, 32, 1))
        self.fc = nn.Linear(32, 10)
        self.ending = ending

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer2(self.layer1(x))
        return self.fc(self.ending(x))


def pool_and_view(x: Tensor) -> Tensor:
    x = F.adaptive_avg_pool2d(x, 1)
    return x.view(x.size(0), -1)


def pool_and_flatten(x: Tensor) -> Tensor:
    return torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1)


def pool_and_reshape(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, kernel_size=8).reshape(x.shape[0], 32)


ENDINGS = [pool_and_view, pool_and_flatten, pool_and_reshape]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("training", [True, False])
def test_resnet_style(ending: Callable[[Tensor], Tensor], training: bool) -> None:
    model = ResNet(ending).train(training)

    graph = trace(model, 64)
    table = graph.table()

    # op, kernel, stride, pad, in, out, params (convolution and batch norm), macs, inputs: worked out by hand.
    expected: list[tuple[str, str, str, str, str, str, int, int, tuple[int, ...]]] = [
        ("conv", "7x7", "2x2", "3,3,3,3", "3x64x64", "16x32x32", 147 * 16 + 32, 147 * 16 * 1024, (0,)),
        ("max pool", "3x3", "2x2", "1,1,1,1", "16x32x32", "16x16x16", 0, 0, (1,)),
        ("conv", "3x3", "1x1", "1,1,1,1", "16x16x16", "16x16x16", 144 * 16 + 32, 144 * 16 * 256, (2,)),
        ("conv", "3x3", "1x1", "1,1,1,1", "16x16x16", "16x16x16", 144 * 16 + 32, 144 * 16 * 256, (3,)),
        ("sum", "", "", "", "16x16x16 + 16x16x16", "16x16x16", 0, 0, (4, 2)),
        ("conv", "1x1", "2x2", "0,0,0,0", "16x16x16", "32x8x8", 16 * 32 + 64, 16 * 32 * 64, (5,)),
        ("conv", "3x3", "2x2", "1,1,1,1", "16x16x16", "32x8x8", 144 * 32 + 64, 144 * 32 * 64, (5,)),
        ("conv", "3x3", "1x1", "1,1,1,1", "32x8x8", "32x8x8", 288 * 32 + 64, 288 * 32 * 64, (7,)),
        ("sum", "", "", "", "32x8x8 + 32x8x8", "32x8x8", 0, 0, (8, 6)),
        ("conv", "3x3", "1x1", "1,1,1,1", "32x8x8", "32x8x8", 288 * 32 + 64, 288 * 32 * 64, (9,)),
        ("conv", "3x3", "1x1", "1,1,1,1", "32x8x8", "32x8x8", 288 * 32 + 64, 288 * 32 * 64, (10,)),
        ("sum", "", "", "", "32x8x8 + 32x8x8", "32x8x8", 0, 0, (11, 9)),
        ("avg pool", "8x8", "8x8", "0,0,0,0", "32x8x8", "32x1x1", 0, 0, (12,)),
        ("flatten", "", "", "", "32x1x1", "32", 0, 0, (13,)),
        ("linear", "", "", "", "32", "10", 330, 320, (14,)),
    ]
    columns = ["op", "kernel", "stride", "pad", "in_shape", "out_shape", "params", "macs"]
    rows = table[columns].itertuples(index=False)
    assert [(*row, layer.inputs) for row, layer in zip(rows, graph.layers, strict=True)] == expected
    assert graph.params == sum(p.numel() for p in model.parameters())
    assert model.training is training
    assert all(int(m.num_batches_tracked or 0) == 0 for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    assert list(table["block"])[2] == "layer1.0"
    assert list(table["layer"])[2] == "conv1"
    # ResNet's receptive field, from the formula of Araujo et al. for its longest path.
    assert table["rf"][0] == "7x7"
    assert table["rf"][11] == "83x83"
    assert table["rf_stride"][11] == "8"


@pytest.mark.parametrize("ending", ENDINGS)
def test_resnet_style_rows_equal_a_real_run(ending: Callable[[Tensor], Tensor]) -> None:
    assert_shapes_of_a_real_run(ResNet(ending).eval(), 64)


def assert_shapes_of_a_real_run(model: nn.Module, size: int) -> None:
    """Hooks on every leaf module see the shapes that the trace says, in its order, and totals hold."""
    seen: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    leaves = {path: module for path, module in model.named_modules() if path and not list(module.children())}
    hooks = []
    for path, module in leaves.items():

        def note(module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor, path: str = path) -> None:
            seen.append((path, tuple(inputs[0].shape[1:]), tuple(out.shape[1:])))

        hooks.append(module.register_forward_hook(note))
    with torch.inference_mode():
        out = model(torch.rand(2, 3, size, size))
    for hook in hooks:
        hook.remove()
    graph = trace(model, size)
    parts = [part for layer in graph.layers for part in layer.parts]

    assert [(p.path, p.in_shapes[0], p.out_shape) for p in parts if p.path in leaves] == seen
    assert graph.output_shape == tuple(out.shape[1:])
    assert graph.params == sum(p.numel() for p in model.parameters())


def test_plain_chain() -> None:
    """In the style of VGG: names are the numbers of nn.Sequential."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, 2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(16 * 8 * 8, 10),
    )

    graph = trace(model, (32, 35))

    rows = [(layer.op, layer.path, layer.out_shape, layer.params, layer.macs) for layer in graph.layers]
    assert rows == [
        ("conv", "0", (8, 32, 35), 224, 216 * 32 * 35),
        ("max pool", "2", (8, 16, 17), 0, 0),
        ("conv", "3", (16, 16, 17), 1168, 1152 * 16 * 17),
        ("max pool", "5", (16, 8, 8), 0, 0),
        ("flatten", "6", (1024,), 0, 0),
        ("dropout", "7", (1024,), 0, 0),
        ("linear", "8", (10,), 10_250, 10_240),
    ]
    assert graph.edges == [(i, i + 1) for i in range(7)]
    assert list(graph.table()["dropped"])[:4] == ["", "0x1", "", "0x1"]
    assert [part.op for part in graph.layers[0].parts] == ["conv", "relu"]
    assert_shapes_of_a_real_run(model, 32)


class PreActivation(nn.Module):
    """He et al. 2016, *Identity Mappings*: batch norm and ReLU stand before the convolution."""

    def __init__(self, channels: int):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv(self.relu(self.bn(x)))
        return out


def test_pre_activation() -> None:
    """The batch norm must not be folded into the convolution before it: the shortcut reads that one too."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), PreActivation(4), PreActivation(4))

    graph = trace(model, 16)

    assert [[part.op for part in layer.parts] for layer in graph.layers] == [
        ["conv"], ["batch norm", "relu"], ["conv"], ["sum"], ["batch norm", "relu"], ["conv"], ["sum"],
    ]  # fmt: skip
    assert [layer.inputs for layer in graph.layers] == [(0,), (1,), (2,), (1, 3), (4,), (5,), (4, 6)]
    assert graph.params == sum(p.numel() for p in model.parameters())
    assert_shapes_of_a_real_run(model, 16)


def test_activation_read_by_two_is_folded_but_the_convolution_read_by_two_is_not() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            y = self.relu(x)
            return torch.cat([x, y, y], 1)

    graph = trace(Net(), 8)

    assert [layer.op for layer in graph.layers] == ["conv", "relu", "concat"]
    assert graph.layers[-1].inputs[:2] == (1, 2)
    assert graph.output_shape == (12, 8, 8)


class Recurrent(nn.Module):
    """Calls one convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.shared = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        out: Tensor = self.relu(self.shared(self.relu(self.shared(x))))
        return out


def test_shared_module_is_counted_once_and_worked_twice() -> None:
    model = Recurrent()

    graph = trace(model, 10)

    assert [layer.path for layer in graph.layers] == ["first", "shared", "shared"]
    assert [layer.params for layer in graph.layers] == [112, 148, 0]
    assert [layer.macs for layer in graph.layers] == [10_800, 14_400, 14_400]
    assert graph.params == graph.table()["params"].sum() == sum(p.numel() for p in model.parameters())
    assert graph.layers[-1].out_shape == (4, 10, 10)


class TiedWeights(nn.Module):
    """Two modules with the same parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 3, padding=1)
        self.b = nn.Conv2d(3, 3, 3, padding=1)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.b(self.a(x))
        return out


class LayerScale(nn.Module):
    """A parameter that belongs to no PyTorch module, as in ConvNeXt."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.gamma = nn.Parameter(torch.ones(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) * self.gamma
        return out


class FunctionalConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


class Blur(nn.Module):
    """A fixed kernel, as in anti-aliased networks: a convolution without parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.register_buffer("kernel", torch.ones(3, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(self.conv(x), self.get_buffer("kernel"), stride=2, groups=3)


def test_fixed_kernel() -> None:
    graph = trace(Blur(), 12)

    assert graph.params == 84
    assert graph.output_shape == (3, 4, 4)
    assert graph.layers[-1].in_shapes == ((3, 10, 10),)


def test_weight_normalised_convolution() -> None:
    """Its weight is computed from two parameters, and its bias comes first among them."""
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 3)))

    graph = trace(model, 10)

    assert graph.params == sum(p.numel() for p in model.parameters())
    assert graph.macs == 8 * 27 * 64


@pytest.mark.parametrize("make", [TiedWeights, LayerScale, FunctionalConvolution])
def test_every_parameter_is_counted_once(make: Callable[[], nn.Module]) -> None:
    """Where it cannot be counted, a sentence is right and a wrong total is not."""
    model = make()

    try:
        graph = trace(model, 12)
    except TraceError as error:
        reference.assert_one_sentence(error)
    else:
        assert graph.params == sum(p.numel() for p in model.parameters())


def test_rounded_up_and_rounded_down_pools_differ() -> None:
    """nn.AvgPool2d does not say ceil_mode in its repr."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.AvgPool2d(2)
            self.up = nn.AvgPool2d(2, ceil_mode=True)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.down(x).flatten(1), self.up(x).flatten(1)], 1)

    graph = trace(Net(), 7)

    assert [layer.out_shape for layer in graph.layers if layer.op == "avg pool"] == [(3, 3, 3), (3, 4, 4)]


def test_keyword_arguments() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = F.max_pool2d(self.relu(input=self.conv(input=x)), kernel_size=3, stride=2)
            return torch.cat(tensors=(x, x), dim=1)

    graph = trace(Net(), 11)

    assert [(layer.op, layer.out_shape) for layer in graph.layers] == [
        ("conv", (4, 9, 9)),
        ("max pool", (4, 4, 4)),
        ("concat", (8, 4, 4)),
    ]


def test_grouped_and_dilated_convolutions() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 16, (1, 3), (2, 1), (0, 2), (1, 2), bias=False))

    graph = trace(model, (8, 20, 22))
    table = graph.table()

    assert list(table["params"]) == [80, 384]
    assert list(table["macs"]) == [72 * 18 * 20, 384 * 9 * 20]
    assert list(table["out_shape"]) == ["8x18x20", "16x9x20"]
    assert list(table["pad"]) == ["0,0,0,0", "0,0,2,2"]
    assert list(table["rf"]) == ["3x3", "3x7"]
    assert list(table["rf_stride"]) == ["1", "2x1"]


@pytest.mark.parametrize("model", [nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)], ids=["conv", "max pool"])
def test_a_single_layer_is_a_network_too(model: nn.Module) -> None:
    layer = trace(model, 8).layers[0]

    assert layer.op == ("conv" if isinstance(model, nn.Conv2d) else "max pool")
    assert layer.params == sum(p.numel() for p in model.parameters())
    assert model.get_submodule(layer.path) is model


def test_symbolically_traced_and_nested_modules() -> None:
    model = ResNet(pool_and_view).eval()
    plain = trace(model, 64)

    assert [layer.out_shape for layer in trace(torch.fx.symbolic_trace(model), 64).layers] == [
        layer.out_shape for layer in plain.layers
    ]
    wrapped = trace(nn.Sequential(model), 64)
    assert [layer.path for layer in wrapped.layers if layer.op == "conv"] == [
        f"0.{layer.path}" for layer in plain.layers if layer.op == "conv"
    ]


# What cannot be traced
class TwoInputs(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask


class DependsOnData(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("first line\n\nsecond line\n  with a hint. And another sentence.")


class DoesNotFit(nn.Sequential):
    """The linear layer is made for another picture."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, 10))


class NoForward(nn.Module):
    pass


@pytest.mark.parametrize("make", [TwoInputs, DependsOnData, Raises, DoesNotFit, NoForward])
def test_what_cannot_be_traced(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(TraceError, match=make.__name__) as caught:
        trace(make(), 32)
    reference.assert_one_sentence(caught.value)


def test_misfit_names_the_layer() -> None:
    with pytest.raises(TraceError, match=r"DoesNotFit.*\b2\b"):
        trace(DoesNotFit(), 32)


def test_optional_second_input_keeps_its_default() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor, scale: float = 2.0, extra: Any = None) -> Tensor:
            out: Tensor = self.conv(x) * scale
            return out

    assert trace(Net(), 9).output_shape == (4, 7, 7)
