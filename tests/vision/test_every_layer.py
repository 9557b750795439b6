"""One pass with a look into layers: against the network's own activations, one layer at a time."""

import numpy as np
import pytest
from PIL import Image

from inception import LayerGraph, trace
from inception.graph.op import Op
from inception.runtime.predictor import Predictor
from inception.vision.every_layer import layers_to_look_into, run_picture
from inception.vision.inside import InsideError, inside_block

RESNET = "inception_resnet_v2.cifar10"


@pytest.fixture(scope="module")
def network() -> Predictor:
    return Predictor("inception_resnet_v2", RESNET)


@pytest.fixture(scope="module")
def graph(network: Predictor) -> LayerGraph:
    assert network.description
    return trace("inception_resnet_v2", (96, 112), **network.description.network)


@pytest.fixture(scope="module")
def prepared() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 112, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_maps_norms_and_output_are_the_network_s_own(
    network: Predictor, graph: LayerGraph, prepared: Image.Image
) -> None:
    layers = [graph.find_layer(key) for key in ("Block35_3", "Mixed_6a/Branch_1/Conv2d_0b_3x3", "Logits", 1)]
    run = run_picture(network, prepared, graph, layers)
    assert set(run.responses) == {layer.index for layer in layers}
    for layer in layers:
        response, wanted = run.responses[layer.index], network.activations(prepared, layer)
        assert response.norm == pytest.approx(float(np.linalg.norm(wanted)), rel=1e-4)
        assert response.rms == pytest.approx(float(np.sqrt((wanted**2).mean())), rel=1e-4)
        if wanted.ndim == 1:
            assert not response.channels
            continue
        means = wanted.reshape(len(wanted), -1).mean(axis=1)
        assert np.sort(means[list(response.channels)])[::-1] == pytest.approx(np.sort(means)[::-1][:3], rel=1e-4)
        assert response.maps == pytest.approx(wanted[list(response.channels)], rel=1e-4, abs=1e-5)
    assert run.output == pytest.approx(network.outputs([prepared])[0], rel=1e-4, abs=1e-4)
    assert not network.model.stem.Conv2d_1a_3x3.relu._forward_hooks  # type: ignore[union-attr]


def test_shares_and_summands_are_those_of_a_pass_that_keeps_everything(
    network: Predictor, graph: LayerGraph, prepared: Image.Image
) -> None:
    block = [layer for layer in graph.layers if layer.block == "Block17_2"]
    concat = next(layer for layer in block if layer.op == Op.CONCAT)
    total = next(layer for layer in block if layer.op == Op.RESIDUAL_SUM)
    run = run_picture(network, prepared, graph, layers_to_look_into(graph, [concat, total]))
    whole = inside_block(network, prepared, graph, "Block17_2")
    assert list(run.shares(concat).values()) == pytest.approx(whole.shares["share"].tolist(), rel=1e-3)
    joined, values = run.responses[concat.index], network.activations(prepared, concat)
    assert joined.norm == pytest.approx(float(np.linalg.norm(values)), rel=1e-4)
    means = values.mean(axis=(1, 2))
    assert means[list(joined.channels)] == pytest.approx(np.sort(means)[::-1][:3], rel=1e-4)
    found = run.summands(total)
    assert found
    assert whole.residual
    assert found.shortcut == pytest.approx(whole.residual.shortcut_norm, rel=1e-4)
    assert found.residual == pytest.approx(whole.residual.residual_norm, rel=1e-4)
    assert run.summands(concat) is None
    assert run_picture(network, prepared, graph, [concat]).shares(concat) == {}


def test_another_size_is_one_sentence(network: Predictor, graph: LayerGraph) -> None:
    with pytest.raises(InsideError, match="96x112"):
        run_picture(network, Image.new("RGB", (50, 50)), graph, graph.layers[:1])
