"""Parameters that a pass does not use have a name, and together with the rows they are all that a module has."""

import pytest
import torch
from torch import Tensor, nn

from inception import LayerGraph, list_models, trace
from inception.models.layers import Stage
from inception.views.charts import main_path
from inception.views.export import layer_title
from inception.views.overview import HEAD, overview_boxes
from inception.zoo import create_model
from tests.graph.widening import Widening

from ..graphs import zoo_graph


def total(graph: LayerGraph) -> int:
    return graph.params + sum(unused.params for unused in graph.unused)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("name", list_models())
def test_all_of_our_networks_run(name: str) -> None:
    graph = zoo_graph(name, 160)
    assert graph.unused == ()
    assert graph.unused_text == ""
    assert graph.table(unused=True).equals(graph.table())
    assert total(graph) == parameters(create_model(name, device="meta"))


def test_a_head_for_training_only_is_named() -> None:
    model = Widening().eval()
    graph = trace(model, 16)
    params = parameters(model.aux)
    assert [(unused.title, unused.path, unused.params) for unused in graph.unused] == [
        ("Auxiliary head (training only)", "aux", params)
    ]
    assert total(graph) == parameters(model)
    sentence = f"Auxiliary head (training only): {params} parameters do not run"
    assert graph.unused_text == sentence
    assert sentence in repr(graph)
    assert layer_title(graph).endswith(f"MACs. {sentence}")


@pytest.mark.parametrize("options", [{}, {"collapse": True}, {"units": False}, {"flops": True}])
def test_the_table_can_show_it(options: dict[str, bool]) -> None:
    model = Widening().eval()
    graph = trace(model, 16)
    table = graph.table(unused=True, **options)
    row = table.iloc[-1]
    assert table.iloc[:-1].equals(graph.table(**options))
    assert (row["stage"], row["path"]) == ("Auxiliary head (training only)", "aux")
    assert table["params"].sum() == parameters(model)
    assert row["op"] == "unused"
    assert row["activation_bytes"] == row["flops" if "flops" in options else "macs"] == 0
    assert not any(row[column] for column in ("in_shape", "out_shape", "kernel", "rf", "dropped"))


def test_keras_counts_what_does_not_run_in_its_own_way() -> None:
    """The batch norm has 3 channels: Keras adds mean and variance."""
    graph = trace(Widening().eval(), 16)
    rows = [graph.table(unused=True, keras=keras)["params"].iloc[-1] for keras in (False, True)]
    assert rows[1] - rows[0] == 2 * 3


def test_in_training_mode_the_forward_decides() -> None:
    model = Widening().train()
    graph = trace(model, 16)
    assert model.training
    assert graph.unused == ()
    assert total(graph) == parameters(model)
    assert graph.layers[-1].stage == "Auxiliary head (training only)"
    assert [graph.layers[i - 1].path for i in graph.outputs] == ["head.Logits.Fc", "aux.AuxLogits.Fc"]
    heads = [box.stage for box in overview_boxes(graph, "stage") if box.kind is HEAD]
    assert heads == ["Head", "Auxiliary head (training only)"]
    in_eval = trace(model.eval(), 16)
    assert graph.output_shape == in_eval.output_shape == (5,)
    assert main_path(graph) == main_path(in_eval)


class Several(nn.Module):
    """Returns what it is told to of a convolution, its sum with the picture and a pool."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> object:
        first = self.conv(x)
        second = self.pool(first + x)
        return {
            "tuple": (first, second),
            "nested": [{"last": second}, (first,)],
            "dict": {"a": first, "b": second},
            "picture": (x, second),
        }[self.kind]


@pytest.mark.parametrize(
    ("kind", "outputs", "shape"),
    [
        ("tuple", (1, 3), (3, 8, 8)),
        ("nested", (3, 1), (3, 4, 4)),
        ("dict", (1, 3), (3, 8, 8)),
        ("picture", (0, 3), (3, 8, 8)),
    ],
)
def test_networks_with_several_outputs(kind: str, outputs: tuple[int, ...], shape: tuple[int, ...]) -> None:
    graph = trace(Several(kind), 8)
    assert [layer.op for layer in graph.layers] == ["conv", "sum", "max pool"]
    assert graph.outputs == outputs
    assert graph.output_shape == shape


class Scattered(nn.Module):
    """Uses some of what it has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.gain = nn.Parameter(torch.ones(2, 4, 1, 1))
        self.left = nn.Parameter(torch.ones(7))
        self.block = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)))
        self.tied = nn.Conv2d(3, 4, 1)
        self.tied.weight = self.conv.weight
        self.rnn = nn.GRU(5, 6)

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = self.gain.chunk(2)  # a tuple has no row; the row that reads it has the parameters
        x = self.block[0](self.conv(x) * scale + shift)
        out: Tensor = self.rnn(x.mean(1))[0]
        return out


def test_what_ran_and_what_did_not_add_up() -> None:
    model = Scattered()
    graph = trace(model, (3, 4, 5))
    assert {unused.path: unused.params for unused in graph.unused} == {"left": 7, "block.1": 28, "tied.bias": 4}
    assert total(graph) == parameters(model)
    rows = graph.table().set_index("op")["params"]
    assert rows["mul"] == 8  # of both halves, where they are first used
    assert rows["gru"] == parameters(model.rnn)


def test_of_many_the_first_is_named() -> None:
    class Many(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, *rest = (nn.Linear(3, 3) for _ in range(6))
            self.a, self.b, self.c, self.d, self.e = rest

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    assert trace(Many(), (3, 3, 3)).unused_text == "a and 4 others: 60 parameters do not run"


def test_a_stage_of_ours_in_part() -> None:
    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stage = Stage("Stem", One=nn.Conv2d(3, 3, 1), Two=nn.Conv2d(3, 3, 1))

        def forward(self, x: Tensor) -> Tensor:
            return self.stage.One(x)  # type: ignore[operator]

    (unused,) = trace(Part(), 4).unused
    assert (unused.stage, unused.title, unused.path, unused.params) == ("Stem", "stage.Two", "stage.Two", 12)
