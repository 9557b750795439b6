"""The layer table: golden files, a published table row by row, and sums that do not depend on the view.

`python -m tests.graph.test_table` writes the golden files anew. Look at the difference before you commit it: a
changed row is a changed network, unless a column was added.
"""

import csv
from pathlib import Path

import pandas as pd
import pytest

import inception
from inception.graph.table import search
from inception.views.export import export_table

from ..graphs import zoo_graph

GOLDEN = Path(__file__).parent / "golden_tables"
FACEID = Path(__file__).parents[1] / "reference" / "faceid_v2_160.table.csv"


def golden_table(name: str) -> bytes:
    return export_table(zoo_graph(name).table(collapse=True), "csv")


@pytest.mark.parametrize("name", inception.list_models())
def test_golden_table(name: str) -> None:
    assert golden_table(name).decode().splitlines() == (GOLDEN / f"{name}.csv").read_text().splitlines()


def published_rows() -> list[dict[str, str]]:
    """Rows of the published face recognition table, its slips corrected."""
    with FACEID.open(newline="") as file:
        rows = list(csv.DictReader(file))
    seventh = [row for row in rows if row["name"] == "Mixed_7a" and row["branch"] == "Branch_2"]
    for row, layer in zip(seventh, ["Conv2d_0a_1x1", "Conv2d_0b_3x3", "Conv2d_1a_3x3"], strict=True):
        row["layer"] = layer
    for row in rows:
        if row["layer"] == "concat":
            row["branch"] = ""
        if row["name"] == "Logits AvgPool_1a_8x8":
            row["kernel"] = "3x3"
    return rows


# How the published table names what TF-Slim names otherwise: (name, branch, layer) to (block, branch, layer).
RENAMED = {
    ("Logits AvgPool_1a_8x8", "", ""): ("Logits", "", "AvgPool_1a_8x8"),
    ("Logits flatten", "", ""): ("Logits", "", "Flatten"),
    ("Logits Dropout", "", ""): ("Logits", "", "Dropout"),
    ("Bottleneck fully_connected", "", ""): ("Bottleneck", "", ""),
}


def test_every_row_of_the_published_face_recognition_table() -> None:
    table = zoo_graph("inception_resnet_v2.faceid", 160).table(collapse=True)
    ours = table.to_dict("records")
    published = published_rows()
    assert published[0]["name"] == "inputs"
    assert published[0]["out_shape"] == ours[0]["in_shape"]
    position = 0
    for row in published[1:]:
        layer = row["layer"].replace("input + scale*up", "residual sum")
        key = RENAMED.get((row["name"], row["branch"], layer), (row["name"], row["branch"], layer))
        mine = ours[position]
        assert (mine["block"], mine["branch"], mine["layer"]) == key
        assert mine["out_shape"] == row["out_shape"]
        if row["kernel"]:
            assert mine["kernel"] == row["kernel"]
        if row["stride"] and "AvgPool_1a" not in mine["layer"]:
            assert mine["stride"] == f"{row['stride']}x{row['stride']}"
        assert mine["padding"] == row["padding"]
        if row["dropped_rows"]:
            assert mine["dropped"] == f"{row['dropped_rows']}x{row['dropped_cols']}"
        elif mine["op"] in ("conv", "max pool"):
            assert mine["dropped"] == ""
        top, bottom, left, right = map(int, mine["pad"].split(",")) if mine["pad"] else (0, 0, 0, 0)
        assert (top + bottom, left + right) == (int(row["padded_rows"] or 0), int(row["padded_cols"] or 0))
        position += 1
        # The last of the ten Block8 has neither ReLU nor scale, so ours stands in rows of its own.
        if row["name"] == "Block8" and layer == "residual sum":
            assert mine["repeat"] == 9
            last = ours[position : position + 7]
            assert [r["layer"] for r in last] == [r["layer"] for r in ours[position - 7 : position]]
            assert {r["repeat"] for r in last} == {1}
            position += 7
        elif row["repeat"] and row["name"] != "Block8":
            assert mine["repeat"] == int(row["repeat"])
    assert [row["op"] for row in ours[position:]] == ["l2 normalize"]


@pytest.mark.parametrize("name", inception.list_models())
def test_columns_add_up_in_every_view(name: str) -> None:
    graph = zoo_graph(name, 150)
    plain = graph.table()
    for options in ({}, {"collapse": True}, {"units": False}, {"collapse": True, "units": False}):
        table = graph.table(**options)
        assert table["params"].sum() == graph.params
        assert table["macs"].sum() == graph.macs
        assert table["index"].tolist() == list(range(1, len(table) + 1))
    assert graph.table(flops=True)["flops"].sum() == 2 * graph.macs
    assert "macs" not in graph.table(flops=True)
    assert graph.table(collapse=True)["activation_bytes"].sum() == plain["activation_bytes"].sum()
    folded = graph.table(collapse=True)
    assert len(folded.loc[folded.index.repeat(folded["repeat"])]) == len(plain)


def test_opened_units_show_convolution_batch_norm_and_relu() -> None:
    table = zoo_graph("inception_v4", 299).table(units=False)
    assert table["op"].head(3).tolist() == ["conv", "batch norm", "relu"]
    assert table["params"].head(3).tolist() == [864, 64, 0]


@pytest.mark.parametrize(
    ("name", "params"),
    [("inception_resnet_v2", 55_873_736), ("inception_resnet_v2.keras_blog", 59_577_864)],
)
def test_keras_parameter_counts(name: str, params: int) -> None:
    """Keras Applications publishes 55,873,736 for the released network. It counts running statistics and, where it is
    trained, gamma: the tutorial's network has batch norms with all four numbers.
    """
    graph = zoo_graph(name, 299)
    channels = sum(part.params // 2 for layer in graph.layers for part in layer.parts if part.op == "batch norm")
    assert graph.table(keras=True)["params"].sum() == params
    assert params == graph.params + channels * (2 if graph.keras_gamma else 1)


def test_search_takes_every_word() -> None:
    table = zoo_graph("inception_v4", 299).table()
    assert set(search(table, "conv2d 1X7")["kernel"]) == {"1x7"}
    assert "1x7" not in set(search(table, "71x71")["kernel"])
    assert set(search(table, "mixed_6a concat")["block"]) == {"Mixed_6a"}
    assert search(table, "no such layer").empty
    pd.testing.assert_frame_equal(search(table, "  "), table)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for variant in inception.list_models():
        (GOLDEN / f"{variant}.csv").write_bytes(golden_table(variant))
