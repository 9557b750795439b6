"""What every network that the pool gives out promises, whatever runs it: one suite, for this process and for an engine.

What is right comes from PyTorch alone: the plain module, asked by hand.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import inception
from inception.errors import InputError
from inception.models.network import Network
from inception.runtime.predictor import SEED, Predictor

SIZE = (75, 75)
EMBEDS: tuple[str, str | None] = ("inception_resnet_v1", None)
CLASSIFIES: tuple[str, str | None] = ("inception_v4", "inception_v4.cifar10")
CLOSE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}

Open = Callable[[str, str | None], Predictor]
Plain = Callable[[str, str | None], Network]


def picture(seed: int = 0) -> Image.Image:
    """120x90 pixels of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def built(name: str, weights: str | None) -> Network:
    """The module as it is written down."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return inception.create_model(name, weights)


def asked(module: Network, network: Predictor, images: list[Image.Image]) -> NDArray[np.float32]:
    """What the plain module gives for prepared pictures, normalised by hand as the network says."""
    mean, std = (
        torch.tensor(each).reshape(-1, 1, 1) for each in (network.preprocessing.mean, network.preprocessing.std)
    )
    pixels = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images])
    with torch.inference_mode():
        return module((pixels - mean) / std).numpy()


class PredictorSuite:
    """Its subclasses have a fixture `opened`: what gives the network of a name with its weights."""

    @pytest.fixture(scope="class")
    @classmethod
    def plain(cls) -> Plain:
        """What builds the module of a name with its weights."""
        return cache(built)

    @pytest.fixture
    def embeds(self, opened: Open) -> Predictor:
        """A network that embeds."""
        return opened(*EMBEDS)

    @pytest.fixture
    def classifies(self, opened: Open) -> Predictor:
        """A network of ten classes."""
        return opened(*CLASSIFIES)

    def test_outputs_are_those_of_the_plain_module(self, opened: Open, plain: Plain) -> None:
        """Of pictures alone and together."""
        for which in (EMBEDS, CLASSIFIES):
            network = opened(*which)
            prepared = [network.prepare(picture(seed), SIZE) for seed in range(3)]
            together = network.outputs(prepared)
            np.testing.assert_allclose(together, asked(plain(*which), network, prepared), **CLOSE)
            for image, output in zip(prepared, together, strict=True):
                np.testing.assert_allclose(network.outputs([image])[0], output, **CLOSE)

    def test_activations_have_the_traced_shapes(self, embeds: Predictor) -> None:
        graph = inception.trace(EMBEDS[0], SIZE)
        prepared = embeds.prepare(picture(), SIZE)
        paths = ["stem.Conv2d_1a_3x3", "stem.MaxPool_3a_3x3", "inception_resnet_a.Block35_1.concat", "head.Bottleneck"]
        for path in [*paths, "inception_resnet_a.Block35_1.residual_sum", "inception_resnet_c.Block8.residual_sum"]:
            layer = graph.layer_at(path)
            assert layer is not None
            activations = embeds.activations(prepared, layer)
            assert activations.shape == layer.out_shape
            if path.endswith("Block35_1.residual_sum"):
                assert activations.min() == 0, "the ReLU belongs to the sum"
            if path.endswith("Block8.residual_sum"):
                assert activations.min() < 0, "the last block has no ReLU"

    def test_sessions_do_not_see_each_others_pictures(self, embeds: Predictor) -> None:
        layer = inception.trace(EMBEDS[0], SIZE).layers[5]
        prepared = [embeds.prepare(picture(seed), SIZE) for seed in range(4)]
        for ask in (lambda image: embeds.activations(image, layer), lambda image: embeds.outputs([image])[0]):
            alone = [ask(image) for image in prepared]
            with ThreadPoolExecutor(len(prepared)) as threads:
                together = list(threads.map(ask, prepared))
            np.testing.assert_allclose(together, alone, **CLOSE)
            assert not np.allclose(alone[0], alone[1], **CLOSE), "pictures that give the same would show nothing"

    def test_classes_come_with_names_and_embeddings_without(self, embeds: Predictor, classifies: Predictor) -> None:
        assert (embeds.embeds, embeds.labels) == (True, [])
        prepared = embeds.prepare(picture(), SIZE)
        with pytest.raises(InputError, match="gives an embedding, not classes"):
            embeds.classify(prepared)
        embedding = embeds.embed(prepared)
        assert embedding.shape == (512,)
        assert embedding.dtype == np.float32
        assert np.linalg.norm(embedding) == pytest.approx(1)

        assert not classifies.embeds
        with pytest.raises(InputError, match="gives classes, not an embedding"):
            classifies.embed(prepared)
        table = classifies.classify(classifies.prepare(picture(), SIZE))
        assert sorted(table["label"]) == sorted(classifies.labels)
        assert (len(table), table["label"].dtype.kind in "OU") == (10, True)
        assert table["probability"].is_monotonic_decreasing
        assert table["probability"].sum() == pytest.approx(1)
        assert isinstance(classifies.is_none(table), bool)

    def test_features_are_what_the_classifier_reads(self, classifies: Predictor, plain: Plain) -> None:
        prepared = classifies.prepare(picture(), SIZE)
        classifier = plain(*CLASSIFIES).get_classifier()
        with torch.inference_mode():
            logits = classifier(torch.tensor(classifies.features(prepared)))
        np.testing.assert_allclose(logits, classifies.outputs([prepared])[0], **CLOSE)

    def test_weight_bytes_are_those_of_the_state_dict(self, opened: Open, plain: Plain) -> None:
        for name, weights in (EMBEDS, CLASSIFIES):
            network = opened(name, weights)
            assert network.nbytes == sum(tensor.nbytes for tensor in plain(name, weights).state_dict().values())
            assert network.trained is (weights is not None)

    def test_passes_are_timed_by_shape_and_the_first_does_not_count(self, embeds: Predictor) -> None:
        height, width = 75, 79  # which no other test asks for
        prepared = embeds.prepare(picture(), (height, width))
        one, two = (1, 3, height, width), (2, 3, height, width)
        assert embeds.milliseconds(one) == []
        embeds.outputs([prepared])
        assert embeds.milliseconds(one) == [], "the first pass of a shape prepares memory"
        embeds.outputs([prepared])
        embeds.outputs([prepared, prepared])
        assert [len(embeds.milliseconds(shape)) for shape in (one, two)] == [1, 0]
        assert embeds.milliseconds(one)[0] > 0
        assert embeds.peak_bytes is None, "the CPU does not count"

    def test_one_number_is_explained(self, classifies: Predictor, plain: Plain) -> None:
        layer = inception.trace(plain(*CLASSIFIES), SIZE).find_layer("Mixed_6b/Branch_0/Conv2d_0a_1x1")
        prepared = classifies.prepare(picture(), SIZE)
        value = classifies.activations(prepared, layer)[7, 1, 2]
        cell = classifies.explain_cell(prepared, layer.path, 7, 1, 2)
        assert cell.value == pytest.approx(value, abs=1e-5)
        assert cell.steps[-1].value == pytest.approx(value, abs=1e-5)
