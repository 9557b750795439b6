"""The scores of maps, and the map that they choose."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import inception
from inception.paths import MAP_SCORES, PHOTOGRAPHS
from inception.runtime.image import load_image
from inception.runtime.predictor import Predictor
from inception.vision.attributions.attribution import GRAD_CAM, LAYER_CAM, OCCLUSION
from inception.vision.attributions.choice import (
    CAMS,
    PASSES,
    by_chance,
    first_layer,
    first_method,
    scores,
    scores_of,
    takes_a_second,
)
from inception.vision.attributions.quality import (
    HIDDEN,
    RANDOM,
    SIZES,
    hidden,
    insertion,
    measure,
    methods,
    order_of,
    random_map,
)
from inception.weights.known import known_weights

BUNDLED = {known.variant: (tag, known) for tag, known in known_weights().items() if not known.published}


@cache
def table() -> pd.DataFrame:
    return pd.read_csv(MAP_SCORES)


# The scores
def test_the_most_important_pixels_come_first_and_equals_in_no_order() -> None:
    values = np.zeros((40, 50), dtype=np.float32)
    values[7, 9], values[30, 2] = 2, 1
    order = order_of(values)
    assert order[:2].tolist() == [7 * 50 + 9, 30 * 50 + 2]
    assert sorted(order) == list(range(2000))
    assert np.corrcoef(order[2:], np.arange(1998))[0, 1] == pytest.approx(0, abs=0.1)
    assert (order == order_of(values)).all()


def test_a_fifth_of_the_pixels_is_hidden() -> None:
    picture = Image.new("RGB", (50, 40), "red")
    values = np.arange(2000, dtype=np.float32).reshape(40, 50)
    pixels = np.array(hidden(picture, values))
    grey = (pixels == 127).all(axis=2)
    assert grey.mean() == HIDDEN
    assert grey[-8:].all(), "the last rows have the greatest values"


def test_insertion_rewards_a_map_that_knows() -> None:
    """Occlusion's map against itself upside down, which names the least important pixels first."""
    tag, known = BUNDLED["inception_v4"]
    network = Predictor(known.variant, tag)
    prepared = network.prepare(load_image(PHOTOGRAPHS / "bird" / "kingfisher.jpg"), (112, 112))
    target = int(network.classify(prepared)["index"].iloc[0])
    graph = inception.trace(known.variant, 112, **known.network)
    method = next(method for method in methods(network, graph) if method.name == OCCLUSION)
    (found,) = method.maps(prepared, target)
    good, chance, bad = (
        insertion(network, prepared, values, target)
        for values in (found.values, random_map(found.values.shape, 0), -found.values)
    )
    assert 1 >= good > chance > bad >= 0


def test_the_command_measures_every_row_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two photographs in place of all, one of which the network takes for something else."""
    chosen = {PHOTOGRAPHS / "bird" / name: "bird" for name in ("kingfisher.jpg", "heron.jpg")}
    monkeypatch.setattr("inception.vision.photographs.labelled", lambda: chosen)
    tag, known = BUNDLED["inception_v4"]
    found = measure(tag, 112)
    of_network = table()[(table()["model"] == known.variant) & (table()["size"] == 112)].reset_index(drop=True)
    same = ["model", "size", "trained", "method", "layer", "grid"]
    pd.testing.assert_frame_equal(found[same], of_network[same].fillna(""), check_dtype=False)
    assert set(found["photographs"]) == {1}
    assert set(found["of"]) == {2}
    assert found["insertion"].between(0, 1).all()


# The table
def test_the_table_has_every_network_and_size() -> None:
    assert set(table()["model"]) == set(BUNDLED)
    assert set(table()["size"]) == set(SIZES)
    assert len(table()) == len(BUNDLED) * len(SIZES) * 10
    assert (table()["photographs"] <= table()["of"]).all()
    for column in ("changed", "insertion", "dead"):
        assert table()[column].between(0, 1).all()


@pytest.mark.parametrize("model", BUNDLED)
def test_bundled_networks_open_on_what_the_table_says_is_best(model: str) -> None:
    """By both scores, in the mean and for this network alone."""
    _, known = BUNDLED[model]
    graph = inception.trace(model, known.input_size, **known.network)
    method = first_method(graph)
    assert method == OCCLUSION
    rows = table()[(table()["model"] == model) & (table()["size"] == known.input_size)]
    for score in ("changed", "insertion"):
        assert rows.sort_values(score)["method"].iloc[-1] == method
    everywhere = table()[(table()["size"] == known.input_size) & (table()["method"] == method)]
    found = scores_of(method, None, graph)
    assert found
    assert found.changed == pytest.approx(everywhere["changed"].mean())
    assert found.insertion == pytest.approx(everywhere["insertion"].mean())
    assert found.photographs == everywhere["photographs"].sum()


@pytest.mark.parametrize("model", ["inception_v4", "inception_resnet_v1", "inception_v3"])
def test_networks_of_full_width_open_on_the_best_that_takes_one_pass(model: str) -> None:
    graph = inception.trace(model)
    method = first_method(graph)
    trained = table()[(table()["size"] == table()["trained"]) & table()["method"].isin(CAMS)]
    best = (trained.groupby(["method", "back"])[["changed", "insertion"]].mean().sum(axis=1)).idxmax()
    assert best == (method, 2) == (LAYER_CAM, 2)
    assert not takes_a_second(OCCLUSION, graph)
    layer = first_layer(method, graph)
    assert layer.out_shape[1:] == (35, 35)
    assert scores_of(method, layer, graph)
    assert scores_of(method, graph.layers[0], graph) is None, "not measured there"


def test_the_order_puts_what_beats_chance_in_both_scores_first() -> None:
    chance = by_chance()
    assert chance.method == RANDOM
    better = [row.changed > chance.changed and row.insertion > chance.insertion for row in scores()]
    assert better == sorted(better, reverse=True)
    assert better[0]
    assert {row.method for row in scores()} >= set(PASSES)
    assert scores()[-1].insertion < 1
    assert GRAD_CAM in PASSES
