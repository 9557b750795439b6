"""The strip of Home shows what the network makes of the picture."""

import re

import numpy as np
import pytest

import inception
from inception.runtime.predictor import Predictor
from inception.size import Size
from inception.vision.light_strip import MAPS, light_strip, strip_html
from inception.vision.maps import heat_map
from inception.vision.samples import samples


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2"])
def test_the_strip_is_the_networks_own(name: str) -> None:
    network = Predictor(name, f"{name}.cifar10")
    assert network.description is not None
    graph = inception.trace(name, Size.square(network.input_size), **network.description.network)
    prepared = network.prepare(inception.load_image(samples()["cat"].path), graph.input_size)
    strip = light_strip(network, prepared, graph)
    assert (strip.label, strip.probability) == tuple(network.classify(prepared).iloc[0][["label", "probability"]])
    stages = [stop.layer.stage for stop in strip.stops]
    assert stages[:3] == ["Stem"] * 3
    assert stages[-1] in ("Inception-C", "Head")
    for stop in strip.stops:
        channels, height, width = stop.layer.out_shape
        assert stop.sheet.size == (width, height * min(MAPS, channels))
    last = strip.stops[-2]
    activations = network.activations(prepared, last.layer)
    strongest = activations[np.argmax(activations.mean(axis=(1, 2)))]
    top = np.asarray(last.sheet)[: last.layer.out_shape[1]].astype(int)
    assert np.abs(top - np.asarray(heat_map(strongest, 0, float(strongest.max()))).astype(int)).max() <= 1

    html = strip_html(strip, "cat")
    assert html.count("<figure") == len(strip.stops) + 2
    assert "first 3x3 convolution" in html
    assert html.count("<b>Stem</b>") == html.count("<b>Stem, halfway</b>") == 1, "no two stops have one name"
    assert re.search(rf"{strip.label} \d+%</b>", html)
    assert 'alt="cat"' in html
