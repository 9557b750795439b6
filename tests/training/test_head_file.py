"""A head in a file gives the same answers again, with the features it was made for, and anything else is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from inception.runtime.image import load_image
from inception.runtime.predictor import Predictor
from inception.training.features import NEW, VIEWS, examples_of, features_of, samples
from inception.training.head import Head, HeadError, HeadTraining
from inception.training.head_file import MOST_BYTES, Origin, read_head, write_head
from inception.zoo import create_model

MODEL, SIZE = "inception_resnet_v1", (112, 112)


@pytest.fixture(scope="module")
def network() -> Predictor:
    return Predictor(MODEL, f"{MODEL}.cifar10")


@pytest.fixture(scope="module")
def head(network: Predictor) -> Head:
    """Of the sample classes."""
    classes = {
        name: [features_of(network, load_image(path), SIZE) for path in files.values()]
        for name, files in samples().items()
        if name != NEW
    }
    assert [len(rows) for rows in classes.values()] == [5, 5, 5]
    training = HeadTraining.of(examples_of(classes)).run()
    assert training.share().pictures == 15
    assert training.share().interval[0] > 1 / 3, "the samples show something that works"
    return training.head


@pytest.fixture(scope="module")
def origin(network: Predictor) -> Origin:
    return Origin.of(network, SIZE)


def test_it_gives_the_same_answers_again(network: Predictor, head: Head, origin: Origin) -> None:
    again, whose = read_head(write_head(head, origin, "12 of 15"))
    whose.check(origin)
    assert whose == origin
    assert again.names == head.names
    for path in samples()[NEW].values():
        features = features_of(network, load_image(path), SIZE)[:1]
        assert (again.probabilities(features) == head.probabilities(features)).all()


def test_features_are_what_the_classifier_reads(network: Predictor) -> None:
    image = load_image(next(iter(samples()[NEW].values())))
    prepared = network.prepare(image, SIZE)
    classifier: Any = network.model.get_classifier()  # type: ignore[operator]
    features = network.features(prepared)
    logits = features @ classifier.weight.detach().numpy().T + classifier.bias.detach().numpy()
    assert logits == pytest.approx(network.outputs([prepared])[0], abs=1e-3)
    assert network.frozen_parameters == sum(p.numel() for p in network.model.parameters()) - 10 * (len(features) + 1)
    varied = features_of(network, image, SIZE, varied=True)
    assert varied.shape == (VIEWS, len(features))
    assert (varied[0] == features).all()
    assert len(np.unique(varied, axis=0)) == VIEWS


def test_a_fingerprint_is_that_of_the_features(network: Predictor) -> None:
    other = Predictor(MODEL, f"{MODEL}.cifar10")
    assert other.fingerprint == network.fingerprint
    other.model.reset_classifier(4)  # type: ignore[operator]
    del other.__dict__["fingerprint"]
    assert other.fingerprint == network.fingerprint, "the classifier is no part of it"
    next(other.model.parameters()).data[0, 0, 0, 0] += 1e-3
    del other.__dict__["fingerprint"]
    assert other.fingerprint != network.fingerprint


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": "inception_v4"}, "features of inception_resnet_v1, not of inception_v4"),
        ({"fingerprint": "0" * 64}, "with the weights “inception_resnet_v1.cifar10”, not with those"),
        ({"input_size": (160, 160)}, "112x112 px"),
    ],
)
def test_another_network_weights_or_size_are_refused(origin: Origin, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HeadError, match=sentence) as caught:
        origin.check(replace(origin, **change))
    assert str(caught.value).count(". ") == 0


def spoilt(head: Head, origin: Origin, tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
    """A head's file with other tensors and other metadata in it."""
    data = write_head(head, origin, "")
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])["__metadata__"]
    return save({"mean": head.mean, "weight": head.weight, "bias": head.bias, **tensors}, {**header, **metadata})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda head, origin: b"", "no .safetensors file"),
        (lambda head, origin: b"\x80\x04 a pickle", "no .safetensors file"),
        (lambda head, origin: write_head(head, origin, "")[:-40], "no .safetensors file"),
        (lambda head, origin: bytes(MOST_BYTES + 1), "larger than"),
        (lambda head, origin: save({"mean": head.mean}), "no head"),
        (lambda head, origin: save({"a": head.mean}, {"head_of": "inception_v4"}), "no head"),
        (lambda head, origin: spoilt(head, origin, {}, {"fingerprint": "no"}), "says of itself is damaged"),
        (lambda head, origin: spoilt(head, origin, {}, {"classes": '["one"]'}), "says of itself is damaged"),
        (lambda head, origin: spoilt(head, origin, {}, {"preprocessing": "[" * 500}), "says of itself is damaged"),
        (lambda head, origin: spoilt(head, origin, {}, {"classes": '["one", "two"]'}), "do not fit the classes"),
        (lambda head, origin: spoilt(head, origin, {"bias": np.zeros(3)}, {}), "do not fit the classes"),
        (lambda head, origin: spoilt(head, origin, {"mean": np.nan * head.mean}, {}), "what is no number"),
    ],
)
def test_what_is_no_head_is_one_sentence(
    head: Head, origin: Origin, make: Callable[[Head, Origin], bytes], sentence: str
) -> None:
    with pytest.raises(HeadError, match=sentence):
        read_head(make(head, origin))


def test_the_untrained_network_has_features_of_its_own(origin: Origin) -> None:
    random = Predictor(MODEL)
    assert Origin.of(random, SIZE).fingerprint != origin.fingerprint
    assert random.frozen_parameters == sum(p.numel() for p in create_model(MODEL, device="meta").parameters())
