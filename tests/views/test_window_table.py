"""The tables of windows, against what PyTorch's own convolution gives and what TensorFlow's rule adds."""

import torch

from inception.views.playground import playground
from inception.views.window_table import playground_table, window_table

from ..graphs import zoo_graph


def test_a_window_over_a_grid_that_it_does_not_fit() -> None:
    layer = zoo_graph("inception_v4", (300, 299)).layers[0]
    assert layer.window
    table = window_table(layer.window).set_index("axis")
    out = torch.nn.functional.conv2d(torch.zeros(1, 1, 300, 299), torch.zeros(1, 1, 3, 3), stride=2).shape[2:]
    assert tuple(table["out"]) == tuple(out)
    assert table["unread"].to_dict() == {"rows": 1, "columns": 0}


def test_the_zeros_of_both_libraries() -> None:
    table = playground_table(playground(10, 3, 2, "SAME")).set_index("axis")
    assert [*table.loc["TensorFlow", ["before", "after", "out"]]] == [0, 1, 5]
    assert [*table.loc["PyTorch", ["before", "after", "out"]]] == [1, 1, 5]
