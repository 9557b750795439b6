"""Kinds of layer and of forward that other people's networks have, with the right numbers beside each.

A trace must give them, or a blank with a reason; never another number.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from inception import LayerGraph, TraceError, trace
from inception.graph.calls import is_matrix_work
from inception.graph.layer import Layer
from tests import reference

Conv = nn.Conv2d


def network(forward: Callable[..., Any], **parts: Any) -> nn.Module:
    """A module with these children and this forward."""

    class Case(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

    setattr(Case, "forward", forward)  # noqa: B010 (an assignment would be a method of another type)
    return Case().eval()


def last_field(graph: LayerGraph) -> tuple[str, str, str]:
    row = graph.table().iloc[-1]
    return row["rf"], row["rf_stride"], row["rf_offset"]


def assert_counts(module: nn.Module, graph: LayerGraph, *inputs: Tensor) -> None:
    """Parameters against `numel`, MACs against PyTorch's FLOP counter on a pass of its own."""
    assert graph.params + sum(unused.params for unused in graph.unused) == sum(p.numel() for p in module.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    assert graph.macs == counter.get_total_flops() // 2


def attention(self: Any, x: Tensor) -> Tensor:
    x = self.patches(x).flatten(2).transpose(1, 2)
    out: Tensor = self.attention(x, x, x)[0]
    return out


def optional_label(self: Any, x: Tensor, label: Tensor | None = None) -> Tensor:
    x = self.conv(x).mean((2, 3))
    out: Tensor = self.fc(x) if label is None else x
    return out


def windows(self: Any, x: Tensor) -> Tensor:
    out: Tensor = self.l(x.flatten(2).transpose(1, 2).reshape(64, 64, 3))
    return out


class FunctionalNorm(nn.BatchNorm2d):
    """As timm's BatchNormAct2d calls it."""

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


def test_attention_that_returns_a_tuple() -> None:
    parts = {"patches": Conv(3, 32, 16, 16), "attention": nn.MultiheadAttention(32, 4, batch_first=True)}
    module = network(attention, **parts)
    graph = trace(module, (3, 64, 64))
    assert graph.params == 28_832
    assert [layer.op for layer in graph.layers] == ["conv", "flatten", "transpose", "attention"]
    assert graph.output_shape == (16, 32)
    assert last_field(graph) == ("64x64", "0", "0")
    assert graph.layers[-1].field_note == "every cell depends on the whole picture"
    assert graph.layers[-2].out_shape == (16, 32)
    assert_counts(module.to("meta"), graph, torch.empty(1, 3, 64, 64, device="meta"))


def test_a_parameter_read_by_index() -> None:
    parts = {"w": nn.Parameter(torch.zeros(2, 3, 1, 1)), "c": Conv(3, 4, 1)}
    graph = trace(network(lambda s, x: s.c(x * s.w[0] + s.w[1]), **parts), 8)
    assert graph.params == 22
    assert [(layer.op, layer.params) for layer in graph.layers] == [("mul", 6), ("add", 0), ("conv", 16)]


def test_defaults_decide_as_in_any_call() -> None:
    assert trace(network(optional_label, conv=Conv(3, 8, 3), fc=nn.Linear(8, 10)), 16).params == 314


@pytest.mark.parametrize(
    ("module", "shape", "macs"),
    [
        (nn.ConvTranspose2d(3, 1, 2, 2), (3, 2, 2), 48),
        (nn.Conv1d(4, 6, 3, groups=2), (4, 10), 6 * 2 * 3 * 8),
        (nn.Conv3d(2, 3, 2), (2, 4, 4, 4), 3 * 2 * 8 * 27),
        (nn.ConvTranspose3d(2, 3, 2), (2, 4, 4, 4), 3 * 2 * 8 * 64),
        (network(windows, l=nn.Linear(3, 8)), (3, 64, 64), 98_304),
        (network(lambda s, x: x @ x.transpose(1, 2)), (5, 7), 5 * 5 * 7),
        (network(lambda s, x: torch.einsum("bic,bjc->bij", x, x)), (5, 7), 5 * 5 * 7),
        (network(lambda s, x: F.scaled_dot_product_attention(x, x, x)), (2, 6, 8), 2 * 2 * 6 * 6 * 8),
        (nn.LSTM(5, 4, batch_first=True, bidirectional=True), (6, 5), 2 * 6 * 4 * 4 * (5 + 4)),
        (nn.GRU(5, 4, 2, batch_first=True), (6, 5), 6 * 3 * 4 * (5 + 4 + 4 + 4)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)  # fmt: skip
def test_macs_of_matrix_work(module: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    graph = trace(module.eval(), [shape])
    assert graph.macs == macs
    assert graph.doubts == ()
    assert_counts(module.to("meta"), graph, torch.empty(1, *shape, device="meta"))


@pytest.mark.parametrize(
    ("forward", "parts", "size", "field"),
    [
        (lambda s, x: s.b(s.p(s.a(x))[0]), {"a": Conv(3, 8, 3, padding=1), "b": Conv(8, 8, 3, padding=1),
         "p": nn.MaxPool2d(2, 2, return_indices=True)}, 32, ("8x8", "2", "-3")),
        (lambda s, x: s.b(s.a(x)[:, :, ::2, ::2]), {"a": Conv(3, 8, 1), "b": Conv(8, 8, 3)}, 64, ("5x5", "2", "0")),
        (lambda s, x: s.c(x.chunk(2, 2)[1]), {"c": Conv(3, 8, 3)}, 32, ("3x3", "1", "16x0")),
        (lambda s, x: x[..., 4:-4, 6:], {}, 32, ("1x1", "1", "4x6")),
        (lambda s, x: F.pad(s.a(x), (1, 2, 3, 0)), {"a": Conv(3, 4, 2, 2)}, 32, ("2x2", "2", "-6x-2")),
        (lambda s, x: F.pixel_unshuffle(x, 4), {}, 32, ("4x4", "4", "0")),
        (lambda s, x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2), {}, 32, ("1x1", "1", "0")),
        (lambda s, x: s.p(F.interpolate(s.a(x), scale_factor=2)), {"a": Conv(3, 4, 3), "p": nn.AvgPool2d(2)}, 32,
         ("3x3", "1", "0")),
        (lambda s, x: s.p(s.a(x)), {"a": nn.ConvTranspose2d(3, 4, 4, 2, 1), "p": nn.AvgPool2d(2)}, 32,
         ("3x3", "1", "-1")),
        (lambda s, x: s.n(s.a(x)), {"a": Conv(3, 64, 3), "n": FunctionalNorm(64)}, 32, ("3x3", "1", "0")),
        (lambda s, x: torch.cat([s.a(x), x], 1).chunk(2, 1)[1], {"a": Conv(3, 3, 3, padding=1)}, 32, ("1x1", "1", "0")),
        (lambda s, x: s.n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), {"n": nn.LayerNorm(3)}, 32, ("1x1", "1", "0")),
        (lambda s, x: F.group_norm(x, 1), {}, 32, ("32x32", "0", "0")),
        (lambda s, x: x * x.mean((2, 3), keepdim=True), {}, 32, ("32x32", "0", "0")),
        (lambda s, x: F.silu(F.hardswish(F.mish(s.a(x)))), {"a": Conv(3, 4, 3, 2)}, 32, ("3x3", "2", "0")),
    ],
)  # fmt: skip
def test_fields(forward: Any, parts: dict[str, Any], size: int, field: tuple[str, str, str]) -> None:
    assert last_field(trace(network(forward, **parts), size)) == field


@pytest.mark.parametrize(
    ("forward", "why"),
    [
        (lambda s, x: F.interpolate(x, scale_factor=2), "several cells"),
        (lambda s, x: torch.roll(x, 3, 2), "different form"),
        (lambda s, x: F.adaptive_avg_pool2d(x, 5), "differ in width"),
        (lambda s, x: x[:, :, torch.randperm(32)], "numbers that are not known"),
        (lambda s, x: F.grid_sample(x, torch.zeros(1, 4, 4, 2), align_corners=False), "grid_sampler_2d"),
        (lambda s, x: torch.cumsum(x, 2), "cumsum"),
        (lambda s, x: torch.zeros_like(x), "does not depend on the picture"),
    ],
)
def test_where_no_box_fits_the_reason_says_so(forward: Any, why: str) -> None:
    graph = trace(network(forward), 32)
    layer = graph.layers[-1]
    assert layer.field is None
    assert why in layer.field_note
    assert why in layer.reason
    assert last_field(graph) == ("", "", "")


NORMS: list[tuple[Callable[..., nn.Module], tuple[int, ...]]] = [
    (nn.BatchNorm1d, (8, 10)),
    (nn.BatchNorm2d, (8, 6, 6)),
    (nn.BatchNorm3d, (8, 4, 4, 4)),
    (nn.SyncBatchNorm, (8, 6, 6)),
]


@pytest.mark.parametrize(("kind", "shape"), NORMS)
def test_keras_counts_every_batch_norm(kind: Callable[..., nn.Module], shape: tuple[int, ...]) -> None:
    options: dict[str, bool]
    for options, count in (({}, 32), ({"affine": False}, 16), ({"track_running_stats": False}, 32)):
        graph = trace(nn.Sequential(kind(8, **options)).eval(), [shape])
        assert graph.table(keras=True)["params"].sum() == count
    shared = kind(8)
    assert trace(nn.Sequential(shared, shared).eval(), [shape]).table(keras=True)["params"].sum() == 32


def test_kernel_and_stride_of_every_kind_of_window() -> None:
    flat = [nn.Conv1d(2, 4, 3, 2, 1), nn.MaxPool1d(2), nn.AvgPool1d(3, 1), nn.ConvTranspose1d(4, 2, 4, 2),
            nn.AdaptiveAvgPool1d(1)]  # fmt: skip
    table = trace(nn.Sequential(*flat), [(2, 64)]).table()
    assert table["kernel"].tolist() == ["3", "2", "3", "4", "30"]
    assert table["stride"].tolist() == ["2", "2", "1", "2", "30"]
    deep = [nn.Conv3d(1, 2, (1, 3, 3), (1, 2, 2)), nn.MaxPool3d(2), nn.ConvTranspose3d(2, 1, 2, (1, 2, 2))]
    table = trace(nn.Sequential(*deep), [(1, 8, 16, 16)]).table()
    assert table["kernel"].tolist() == ["1x3x3", "2x2x2", "2x2x2"]
    assert table["stride"].tolist() == ["1x2x2", "2x2x2", "1x2x2"]
    plane = [nn.ConvTranspose2d(3, 2, (4, 2), 2), nn.LPPool2d(2, 3), nn.AdaptiveMaxPool2d(2), nn.AdaptiveMaxPool2d(1)]
    table = trace(nn.Sequential(*plane), 15).table()
    assert table["kernel"].tolist() == ["4x2", "3x3", "5x5", "2x2"]
    assert table["stride"].tolist() == ["2x2", "3x3", "5x5", "2x2"]
    assert "pad" in table
    assert table["padding"].tolist() == ["", "", "VALID", "VALID"]


def test_matrix_work_is_counted_or_blank() -> None:
    """Each operation of PyTorch that multiplies matrices has a formula, or makes the row blank."""
    names = {name.split("::")[1].split(".")[0] for name in torch._C._dispatch_get_all_op_names() if "aten::" in name}
    assert {str(packet).removeprefix("aten.") for packet in flop_registry if "aten." in str(packet)} < names
    work = "mm matmul bmm addmm_ baddbmm_ mv dot _addmm_activation _trilinear _cdist_forward lstm mkldnn_rnn_layer"
    work += " _transformer_encoder_layer_fwd mkldnn_convolution conv_tbc _linalg_svd linalg_inv_ex _fft_r2c einsum"
    work += " _scaled_dot_product_flash_attention_for_cpu _int_mm _grouped_mm _native_multi_head_attention"
    for name in work.split():
        assert name in names
        assert is_matrix_work(name), name
    for name in ("native_batch_norm", "upsample_bilinear2d", "cummax", "lgamma", "linalg_vector_norm", "max_pool2d"):
        assert not is_matrix_work(name), name


def test_matrix_work_in_place_is_blank() -> None:
    def forward(self: Any, x: Tensor) -> Tensor:
        return x.new_zeros(x.shape[0], 5, 5).baddbmm_(x, x.transpose(1, 2))

    graph = trace(network(forward), [(5, 7)])
    assert "baddbmm_" in graph.layers[-1].reason


def test_what_the_flop_counter_does_not_know_is_blank() -> None:
    module = network(lambda s, x: s.c(x).mean(1) @ s.v, c=Conv(3, 4, 1), v=nn.Parameter(torch.ones(8)))
    graph = trace(module, 8)
    table = graph.table()
    assert graph.doubts == (graph.layers[-1],)
    assert "mv" in graph.layers[-1].reason
    assert table["macs"].tolist()[:-1] == [768, 0]
    assert table["macs"].isna().tolist() == [False, False, True]
    assert graph.table(flops=True, collapse=True)["flops"].sum() == 2 * 768 == 2 * graph.macs
    assert "nobody can vouch" in repr(graph)


# The batch
def test_the_batch_is_found_wherever_it_is() -> None:
    def sequence_first(self: Any, x: Tensor) -> Tensor:
        x = self.a(x).flatten(2).permute(2, 0, 1)
        out: Tensor = self.m(x, x, x)[0].permute(1, 2, 0)
        return out

    graph = trace(network(sequence_first, a=Conv(3, 8, 4, 4), m=nn.MultiheadAttention(8, 2)), 16)
    assert [layer.out_shape for layer in graph.layers] == [(8, 4, 4), (8, 16), (16, 8), (16, 8), (8, 16)]
    parts = network(lambda s, x: s.l(x.reshape(-1, 4, 3)), l=nn.Linear(3, 5))
    assert [layer.out_shape for layer in trace(parts, 8).layers] == [(16, 4, 3), (16, 4, 5)]


def two(self: Any, x: Tensor, y: Tensor) -> dict[str, Any]:
    return {"sum": self.a(x) + self.b(y)[:, :, None, None], "more": (self.b(y),)}


def test_several_inputs_and_outputs_in_a_dict() -> None:
    module = network(two, a=Conv(3, 4, 3), b=nn.Linear(5, 4))
    graph = trace(module, [(3, 8, 8), (5,)])
    assert graph.input_shape == (3, 8, 8)
    assert graph.more_inputs == ((5,),)
    assert graph.macs == 3 * 4 * 9 * 36 + 2 * 20
    assert graph.params == sum(p.numel() for p in module.parameters())
    assert graph.layers[1].field_note == "it does not depend on the picture"
    by_name = trace(module, {"y": torch.rand(2, 5), "x": torch.rand(2, 3, 8, 8)})
    assert by_name.output_shape == graph.output_shape == (4, 6, 6)
    words = trace(nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3)), torch.tensor([[1, 2, 3]]))
    assert words.output_shape == (3, 3)
    assert words.params == 9 * 4 + 15


# What needs data
class Decides(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = network(lambda s, x: s.c(x) if x.sum() > 0 else x, c=Conv(3, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gate(x)
        return out


def test_a_network_that_looks_at_its_values_runs_on_examples() -> None:
    with pytest.raises(TraceError, match=r"gate.*example") as caught:
        trace(Decides(), 8)
    reference.assert_one_sentence(caught.value)
    assert [layer.op for layer in trace(Decides(), torch.ones(1, 3, 8, 8)).layers][-1:] == ["conv"]
    assert trace(Decides(), -torch.ones(1, 3, 8, 8)).params == 0


# The reader's module
def test_the_module_is_left_as_it_was() -> None:
    class Keeps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = Conv(3, 3, 1)
            self.norm = nn.BatchNorm2d(3)
            self.seen: list[Tensor] = []
            self.calls = 0
            self.register_buffer("total", torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            x = F.dropout(self.norm(self.conv(x)))
            self.calls += 1
            self.seen.append(x)
            self.total += x.mean((0, 2, 3))  # type: ignore[operator]
            return x

    for inputs in (8, torch.rand(2, 3, 8, 8)):
        module = Keeps().train()
        before = {key: value.clone() for key, value in module.state_dict().items()}
        keys = {key: id(value) for key, value in module.__dict__.items()}
        torch.manual_seed(3)
        state = torch.get_rng_state()
        graph = trace(module, inputs)
        assert torch.equal(torch.get_rng_state(), state)
        assert (module.calls, module.seen, module.training) == (0, [], True)
        assert {key: id(value) for key, value in module.__dict__.items()} == keys
        assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
        assert graph.params == 18


def test_writing_in_place_is_seen() -> None:
    def writes(self: Any, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        y[:, :, 1:] = self.c(x)[:, :, :-1]
        return y

    graph = trace(network(writes, c=Conv(3, 3, 1)), 8)
    assert graph.params == 12
    assert graph.layers[-1].field is None
    relu = trace(nn.Sequential(Conv(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 2)), 8)
    assert [layer.inputs for layer in relu.layers] == [(0,), (1,), (2,)]


def layers_of(graph: LayerGraph, op: str) -> list[Layer]:
    return [layer for layer in graph.layers if layer.op == op]


def test_groups_stand_on_the_rows() -> None:
    graph = trace(nn.Sequential(Conv(8, 16, 3, groups=8), nn.SiLU(), Conv(16, 4, 1)), (8, 9, 9))
    assert [layer.parts[0].groups for layer in layers_of(graph, "conv")] == [8, 1]
    assert [part.op for part in graph.layers[0].parts] == ["conv", "silu"]
    assert [layer.parts[0].weights for layer in graph.layers] == [16 * 9, 64]
