"""What is said of pictures of none of the classes, and the lists that measure it."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inception.paths import ASSETS, BUNDLED, ROOT, TOGETHER
from inception.runtime.image import load_image
from inception.runtime.pool import networks
from inception.runtime.predictor import Predictor
from inception.training.bundle import card_file
from inception.training.cifar10 import CLASSES
from inception.vision import none_of_them
from inception.vision.none_of_them import (
    CHOICE,
    QUOTED,
    Refusals,
    Together,
    answers,
    classified,
    others_table,
    partners,
    refusals,
    says_none,
    together,
    wrong_refusals,
)
from inception.vision.photographs import OTHER
from inception.vision.samples import Group, one_of_each, sample_table, samples
from inception.weights.known import known_weights
from inception.words import speaking
from tools.measure_pictures import written_card

TAGS = sorted(tag for tag, weights in known_weights().items() if not weights.published)
# What `?picture=` could be in a link before there were more.
FIRST = {
    "astronaut",
    "baseball",
    "cat",
    "coffee_cup",
    "koala",
    "macaw",
    "photographer",
    "red_panda",
    "rocket",
    "temple",
}


@pytest.fixture(scope="module")
def others() -> pd.DataFrame:
    return others_table()


@pytest.fixture(scope="module")
def bundled() -> list[Predictor]:
    return [networks.predictor(known_weights()[tag].variant, tag) for tag in TAGS]


def test_samples_are_answered_as_the_list_says(bundled: list[Predictor]) -> None:
    said = sample_table()
    pictures = [load_image(ASSETS / file) for file in said["file"]]
    found = answers(bundled, [classified(network, pictures) for network in bundled], together())
    assert set(found.columns) == set(said.columns) - {"name", "file", "shows"}
    for tag in TAGS:
        # Another processor rounds otherwise, which can turn a close call round.
        assert (said[f"{tag} answer"] == found[f"{tag} answer"]).mean() >= 0.95
        assert (said[f"{tag} certainty"] - found[f"{tag} certainty"]).abs().median() < 0.01
        assert (said[f"{tag} probability"] - found[f"{tag} probability"]).abs().median() < 0.01
    assert (said["together none"] == found["together none"]).mean() >= 0.9


def test_there_are_two_samples_or_more_of_each_class_that_all_networks_know() -> None:
    known = Counter(sample.shows for sample in samples().values() if sample.group is Group.KNOWN)
    assert set(known) == set(CLASSES)
    assert min(known.values()) >= 2
    said = sample_table().set_index("name")
    for sample in samples().values():
        row = said.loc[sample.name]
        right = all(row[f"{tag} answer"] == sample.shows and not row[f"{tag} none"] for tag in TAGS)
        assert (sample.group is Group.KNOWN) == (right and not row["together none"])
        assert (sample.group is Group.NONE) == (sample.shows == OTHER)


def test_old_links_open_and_a_cat_that_all_know_comes_first() -> None:
    offered = samples()
    assert set(offered) >= FIRST
    first = next(iter(offered.values()))
    assert (first.name, first.group) == ("cat", Group.KNOWN)
    assert all(sample.path.is_file() for sample in offered.values())
    assert [sample.shows for sample in one_of_each()] == list(dict.fromkeys(s.shows for s in one_of_each()))
    assert {sample.shows for sample in one_of_each()} == set(CLASSES)


def test_enough_pictures_of_other_things_had_no_say(others: pd.DataFrame) -> None:
    quoted = others[(others["use"] == QUOTED) & (others["shows"] == OTHER)]
    assert len(quoted) >= 137
    assert set(others["use"]) == {CHOICE, QUOTED}
    assert set(others["shows"]) <= {*CLASSES, OTHER}
    assert not others.duplicated(["package", "file"]).any()
    looked_at = (ASSETS / "photographs" / "photographs.csv").read_text() + (ASSETS / "CREDITS.md").read_text()
    assert [file for file in quoted["file"] if file in looked_at] == []
    assert not set(quoted["package"]) & set(others.loc[others["use"] == CHOICE, "package"])


def test_every_picture_of_a_package_is_credited(others: pd.DataFrame) -> None:
    foreign = others[others["package"] != ""]
    assert (foreign[["author", "licence"]] != "").all(axis=None)
    free = r"public domain|CC0-1\.0|CC-BY(-SA)?[ -][234]\.0|GPL-2|GPLv2\+"
    assert [licence for licence in set(foreign["licence"]) if not re.fullmatch(free, licence, re.IGNORECASE)] == []
    mine = others[others["package"] == ""]
    assert all((ASSETS / file).is_file() for file in mine["file"])


def test_refused_is_what_is_below_the_thresholds(others: pd.DataFrame) -> None:
    for table in (others, sample_table()):
        for tag in TAGS:
            sure = table[f"{tag} certainty"]
            clear = (sure - known_weights()[tag].threshold).abs() > 1e-4
            assert (table[f"{tag} none"] == (sure < known_weights()[tag].threshold))[clear].all()
        least = table.filter(regex=" certainty$").min(axis=1)
        clear = (least - together().threshold).abs() > 1e-4
        assert (table["together none"] == (least < together().threshold))[clear].all()


def test_the_lists_and_the_photographs_of_a_network_say_the_same(others: pd.DataFrame) -> None:
    mine = others.set_index("file")
    for tag in TAGS:
        said = pd.read_csv(BUNDLED / f"{tag}.photographs.csv")
        rows = mine.loc[[f"photographs/{file}" for file in said["file"]]]
        assert rows[f"{tag} none"].tolist() == said["none"].tolist()
        assert rows[f"{tag} answer"].tolist() == said["answer"].tolist()


def test_the_rule_was_set_with_the_networks_that_are_here() -> None:
    """Networks that were trained anew need `python -m tools.measure_pictures`."""
    rule = json.loads(TOGETHER.read_text(encoding="utf-8"))
    assert rule["weights"] == {
        tag: hashlib.sha256((BUNDLED / f"{tag}.safetensors").read_bytes()).hexdigest() for tag in TAGS
    }
    assert len({(known_weights()[tag].input_size, known_weights()[tag].preprocessing) for tag in TAGS}) == 1


def test_together_they_notice_more_than_the_one_the_app_opens_on(others: pd.DataFrame) -> None:
    alone = "inception_v4.cifar10"
    assert refusals(others, "together").interval[0] > refusals(others, alone).share
    assert wrong_refusals(others, "together").share <= wrong_refusals(others, alone).share
    quoted = others[(others["use"] == QUOTED) & (others["shows"] == OTHER)]
    assert refusals(others, "together") == Refusals(len(quoted), int(quoted["together none"].sum()))
    known = pd.read_csv(BUNDLED / f"{alone}.photographs.csv")
    assert wrong_refusals(others, alone).pictures == (known["label"] != OTHER).sum()


@pytest.mark.parametrize("tag", TAGS)
def test_the_cards_say_what_was_measured(tag: str, others: pd.DataFrame) -> None:
    text = (BUNDLED / f"{tag}.md").read_text(encoding="utf-8")
    assert text == written_card(known_weights()[tag], others)
    with speaking("zh_CN"):
        text_zh = (BUNDLED / card_file(tag)).read_text(encoding="utf-8")
        assert text_zh == written_card(known_weights()[tag], others)
    figures = re.compile(r"`[^`]*`|\d[\d.,]*%")
    assert sorted(figures.findall(text_zh)) == sorted(figures.findall(text))
    assert str(refusals(others, tag)) in text
    assert str(refusals(others, "together")) in text


def test_the_experiment_that_chose_the_rule_says_what_the_list_says(others: pd.DataFrame) -> None:
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    none, choice = others["shows"] == OTHER, others["use"] == CHOICE
    sure = others.filter(regex=" certainty$").min(axis=1).to_numpy()
    area = (sure[~none & choice][:, None] > sure[none & choice]).mean()
    for name, column in {
        "**together: least certainty**": "together none",
        "Inception-v4 alone: certainty": "inception_v4.cifar10 none",
        "Inception-ResNet-v1 alone: certainty": "inception_resnet_v1.cifar10 none",
        "Inception-ResNet-v2 alone: certainty": "inception_resnet_v2.cifar10 none",
    }.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        parts = [cell.strip("* ") for cell in row.strip("|").split("|")]
        shares = [others.loc[part, column].mean() for part in (none & choice, ~none & choice, none & ~choice)]
        assert [parts[1], parts[2], parts[4]] == [f"{share:.1%}" for share in shares]
        if column == "together none":
            assert parts[3] == f"{area:.3f}"


def test_intervals_are_wilsons() -> None:
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, table I: 81 of 263 and 0 of 20."""
    assert Refusals(263, 81).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert Refusals(20, 0).interval == pytest.approx((0.0000, 0.1611), abs=5e-5)
    assert str(Refusals(263, 81)) == "31% (263 pictures, 95% interval 26% to 37%)"


def test_the_least_sure_decides() -> None:
    rule = Together(4.0, {})
    assert rule.is_none([9.0, 3.9, 9.0])
    assert not rule.is_none([4.0, 4.1])


def test_bundled_networks_are_asked_together_and_others_alone(bundled: list[Predictor], tmp_path: Path) -> None:
    network = next(network for network in bundled if network.name == "inception_v4")
    size = network.input_size, network.input_size
    prepared = network.prepare(load_image(samples()["astronaut"].path), size)
    classes = network.classify(prepared)
    assert partners(network, size) == [tag for tag in TAGS if tag != network.weights.name]
    assert not network.is_none(classes), "alone it is sure"
    assert says_none(network, classes, prepared)
    assert partners(network, (96, 96)) == [], "no one knows how they do at another size"
    small = network.prepare(load_image(samples()["astronaut"].path), (96, 96))
    assert says_none(network, network.classify(small), small) == network.is_none(network.classify(small))
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes((BUNDLED / "inception_resnet_v1.cifar10.safetensors").read_bytes())
    assert partners(Predictor("inception_resnet_v1", str(copy)), size) == []


def test_where_a_bundled_network_is_missing_one_judges_alone(
    bundled: list[Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = {tag: weights for tag, weights in known_weights().items() if tag != TAGS[0]}
    monkeypatch.setattr(none_of_them, "known_weights", lambda: fewer)
    assert partners(bundled[1], (bundled[1].input_size,) * 2) == []


def test_answers_by_hand(bundled: list[Predictor]) -> None:
    table = pd.DataFrame({"label": ["cat", "dog"], "probability": [0.75, 0.25], "logit": [np.log(3), 0.0]})
    found = answers(bundled[:1], [[table]], Together(2.0, {}))
    assert found.iloc[0].tolist() == ["cat", 0.75, round(float(np.log(4)), 4), True, True]
