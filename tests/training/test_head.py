"""A head learns, is measured on what it did not learn from, and says how little that proves."""

from dataclasses import replace

import numpy as np
import pytest

from inception.training.head import DRAWS, FOLDS, Examples, HeadError, HeadTraining, Share, learning_curve

NAMES = ("cup", "key", "shoe")


def examples(counts: tuple[int, ...] = (5, 5, 5), apart: float = 3.0, views: int = 1, seed: int = 0) -> Examples:
    """Clouds of features round a point for each class, as far apart as asked."""
    generator = np.random.default_rng(seed)
    classes = np.repeat(np.arange(len(counts)), counts)
    centres = apart * generator.standard_normal((len(counts), 1, 64))
    features = centres[classes] + generator.standard_normal((len(classes), views, 64))
    return Examples(features.astype(np.float32), classes, NAMES[: len(counts)])


def test_wilson_interval() -> None:
    """Its ends are the shares from which the result lies 1.96 standard deviations away: that is its definition."""
    for right, pictures in ((9, 15), (1, 40), (14, 15), (150, 300)):
        share = Share(right, pictures)
        for end in share.interval:
            assert abs(share.value - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / pictures), abs=1e-6)
    assert Share(0, 10).interval[0] == pytest.approx(0)
    assert Share(15, 15).interval[1] == pytest.approx(1)
    assert Share(0, 0).interval == (0, 1)
    assert np.isnan(Share(0, 0).value)


@pytest.mark.parametrize(("counts", "heads"), [((5, 5, 5), 6), ((2, 5, 3), 6), ((30, 12, 25), 1 + FOLDS)])
def test_every_picture_is_left_out_once_and_every_class_stays(counts: tuple[int, ...], heads: int) -> None:
    found = examples(counts)
    training = HeadTraining.of(found)
    left_out = training.left_out.numpy()
    assert left_out.shape == (heads, sum(counts))
    assert (left_out.sum(0) == 1).all()
    assert not left_out[0].any(), "the head itself learns from all"
    for fold in left_out[1:]:
        assert set(found.classes[~fold]) == {0, 1, 2}
    pictures, _ = training.answers()
    assert pictures.tolist() == list(range(sum(counts)))


def test_what_is_apart_is_learnt_and_told_apart() -> None:
    training = HeadTraining.of(examples())
    steps = list(training.steps())
    assert [step.number for step in steps] == list(range(len(steps)))
    assert steps[0].accuracy == steps[0].left_out_accuracy == pytest.approx(1 / 3)
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert steps[-1].left_out_accuracy == 1
    assert training.share() == Share(15, 15)
    assert training.confusion().tolist() == [[5, 0, 0], [0, 5, 0], [0, 0, 5]]
    assert training.most_mixed_up() == ([], 0)


def test_of_noise_everything_is_learnt_and_nothing_known() -> None:
    """Left-out accuracy is that of guessing, not less, as it would be if one class lacked a picture in each fold."""
    shares = []
    for seed in range(20):
        training = HeadTraining.of(examples(apart=0, seed=seed)).run()
        assert training.now().accuracy == 1
        shares.append(training.share().value)
    assert np.mean(shares) == pytest.approx(1 / 3, abs=0.08)
    confusion, (worst, count) = training.confusion(), training.most_mixed_up()
    beside = [(i, j) for i in range(3) for j in range(3) if i != j]
    assert count == max(confusion[pair] for pair in beside)
    assert worst == [pair for pair in beside if confusion[pair] == count], "all that tie"


def test_a_head_knows_nothing_of_what_was_left_out() -> None:
    """Neither its name nor its looks: the heads that did not learn from a picture answer about the rest as before."""
    found = examples(apart=0.7)
    left_out = np.zeros((1, 15), dtype=bool)
    left_out[0, :3] = True
    before = HeadTraining(found, ~left_out, left_out).run()
    features, classes = found.features.copy(), found.classes.copy()
    features[:2] *= 20
    classes[:2] = 2
    after = HeadTraining(replace(found, features=features, classes=classes), ~left_out, left_out).run()
    for name in ("mean", "weight", "bias"):
        assert getattr(after.head, name) == pytest.approx(getattr(before.head, name), abs=1e-3)
    assert after.answers()[1][2] == before.answers()[1][2]


def test_the_head_answers_for_raw_features_as_it_did_in_training() -> None:
    found = examples(apart=0.5)
    training = HeadTraining.of(found).run()
    probabilities = training.head.probabilities(found.features[:, 0])
    assert probabilities.sum(1) == pytest.approx(1, abs=1e-5)
    loss = -np.log(probabilities[np.arange(15), found.classes]).mean()
    assert loss == pytest.approx(training.now().loss, rel=1e-3)


def test_features_that_hardly_differ_are_learnt_as_well() -> None:
    """An untrained network's do, and float32 loses the difference where they are squared as they are."""
    found = examples()
    flat = replace(found, features=(1 + 1e-5 * found.features.astype(np.float64)).astype(np.float32))
    training = HeadTraining.of(flat).run()
    assert training.share().right >= 14
    assert (training.head.probabilities(flat.features[:, 0]).argmax(1) == flat.classes).all()


def test_further_views_are_learnt_from_and_not_counted() -> None:
    found = examples(views=3)
    training = HeadTraining.of(found).run()
    assert training.share() == Share(15, 15)
    assert training.answers()[0].tolist() == list(range(15))
    odd = replace(found, features=np.concatenate([found.features[:, :1], -found.features[:, :1]], axis=1))
    assert HeadTraining.of(odd).run().share().right < 15


def test_it_stops_and_goes_on_where_it_was() -> None:
    whole, parts = HeadTraining.of(examples(apart=0.5)).run(), HeadTraining.of(examples(apart=0.5))
    for step in parts.steps():
        if step.number == 7:
            break
    assert not parts.done
    parts.run()
    assert parts.head.weight == pytest.approx(whole.head.weight)


def test_from_the_first_pictures_of_each_class() -> None:
    training = HeadTraining.of(examples(), pictures=2).run()
    assert training.share().pictures == 9
    assert training.now().accuracy == 1


def test_a_class_of_one_picture_leaves_nothing_out() -> None:
    training = HeadTraining.of(examples((1, 5, 5))).run()
    assert training.share() == Share(0, 0)
    assert np.isnan(training.now().left_out_accuracy)
    assert training.now().accuracy == 1


def test_few_pictures_are_learnt_by_heart() -> None:
    found = examples(apart=0.4)
    points, shuffled = learning_curve(found), learning_curve(found, shuffled=True)
    assert [point.pictures for point in points] == [1, 2, 3, 4]
    assert all(point.learnt == 1 for point in [*points, *shuffled])
    assert all(point.low <= point.left_out <= point.high for point in points)
    assert points[-1].left_out > points[0].left_out
    pooled = np.mean([point.left_out for point in shuffled])
    assert pooled == pytest.approx(1 / 3, abs=0.12), f"{DRAWS} draws each, of what cannot be known"
    assert learning_curve(examples((1, 4))) == []


def test_what_cannot_be_learnt_is_one_sentence() -> None:
    found = examples()
    with pytest.raises(HeadError, match="two classes at least"):
        replace(found, names=("cup",))
    with pytest.raises(HeadError, match="same name"):
        replace(found, names=("cup", "key", "cup"))
    with pytest.raises(HeadError, match="class hat has no pictures"):
        replace(found, names=(*NAMES, "hat"))
