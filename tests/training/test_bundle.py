"""The file that a run ends in: it says what it holds, and its figures are what anyone would measure from it."""

import json
import shutil
import stat
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import inception
from inception.runtime.predictor import Predictor
from inception.training import bundle, recipe
from inception.training.augment import scale_up
from inception.training.cifar10 import CLASSES
from inception.weights.known import described

TINY = recipe.Recipe("inception_resnet_v1", width=0.0625, repeats=(1, 1, 1), size=80, epochs=3, seed=5)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run as `train` leaves it and the bundle made of it; tests get copies of both.

    The network is as initialised, with batch norm as of some pictures.
    """
    model = TINY.build()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            module.momentum = None
    with torch.no_grad():
        model.train()(scale_up(pictures(8, 2)[0], 80))
    home = tmp_path_factory.mktemp("untouched")
    folder = home / "run"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(asdict(TINY)), encoding="utf-8")
    torch.save({"model": model.state_dict()}, folder / "state.pt")
    (folder / "log.csv").write_text("epoch\n1\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recipe, "HELD_OUT", 40)
        bundle.write_bundle(folder, pictures(100, 0), pictures(60, 1), home / "out")
    return home


@pytest.fixture
def run(untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run, from which forty pictures are held out."""
    monkeypatch.setattr(recipe, "HELD_OUT", 40)
    return Path(shutil.copytree(untouched / "run", tmp_path / "run"))


def pictures(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    return images, torch.randint(0, 10, (count,), generator=generator)


@pytest.fixture
def written(run: Path, untouched: Path, tmp_path: Path) -> Path:
    """The file of weights of its bundle."""
    shutil.copytree(untouched / "out", tmp_path / "out")
    return tmp_path / "out" / "inception_resnet_v1.cifar10.safetensors"


def test_figures_are_what_the_file_gives(written: Path) -> None:
    weights = described(written)
    assert weights is not None
    model = inception.create_model("inception_resnet_v1", weights=str(written))
    images, labels = pictures(60, 1)
    resized = [
        np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).resize((80, 80), Image.Resampling.BICUBIC))
        for image in images
    ]
    with torch.inference_mode():
        x = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float()
        logits = model((x - 127.5) / 127.5)
    accuracy = float((logits.argmax(1) == labels).double().mean())
    assert float(weights.training["test_accuracy"]) == pytest.approx(accuracy, abs=1e-4)
    assert f"{accuracy:.2%}" in weights.accuracy
    confusion = pd.read_csv(written.with_suffix(".confusion.csv"), index_col="class")
    assert list(confusion.columns) == list(confusion.index) == list(CLASSES)
    assert confusion.to_numpy().sum() == 60
    assert np.trace(confusion.to_numpy()) == round(60 * accuracy)
    assert confusion.sum(axis=1).tolist() == torch.bincount(labels, minlength=10).tolist()


def test_nine_of_ten_held_out_pictures_pass_the_threshold(written: Path) -> None:
    network = Predictor("inception_resnet_v1", str(written))
    images, _ = recipe.split(pictures(100, 0))[1]
    assert len(images) == 40
    none = 0
    for image in images:
        picture = Image.fromarray(image.permute(1, 2, 0).numpy())
        none += network.is_none(network.classify(network.prepare(picture, (80, 80))))
    assert none == 4


def test_it_says_where_it_comes_from(written: Path) -> None:
    with safe_open(written, "pt") as file:
        metadata = file.metadata()
    assert metadata["variant"] == "inception_resnet_v1"
    assert metadata["width"] == "0.0625"
    assert json.loads(metadata["classes"]) == list(CLASSES)
    assert json.loads(metadata["preprocessing"])["detail"] == 32
    assert (metadata["epochs"], metadata["seed"], metadata["pictures"]) == ("3", "5", "60")
    assert metadata["data"].startswith("CIFAR-10")
    assert metadata["licence"] == "Apache-2.0"
    assert recipe.Recipe(**{**json.loads(metadata["recipe"]), "repeats": (1, 1, 1)}) == TINY
    text = written.with_suffix(".md").read_text(encoding="utf-8")
    assert f"{float(metadata['test_accuracy']):.2%}" in text
    assert all(name in text for name in CLASSES)


def test_every_use_of_the_test_pictures_is_noted(written: Path, run: Path) -> None:
    card = written.with_suffix(".md")
    accuracy = float(dict(described(written).training)["test_accuracy"])  # type: ignore[union-attr]
    assert "They were used this once." in card.read_text(encoding="utf-8")
    longer = replace(TINY, cycles=2)
    (run / "recipe.json").write_text(json.dumps(asdict(longer)), encoding="utf-8")
    bundle.write_bundle(run, pictures(100, 0), pictures(60, 1), written.parent)
    tests = pd.read_csv(written.with_suffix(".tests.csv"))
    assert tests["epochs"].tolist() == [3, 6]
    assert tests["test_accuracy"].tolist() == pytest.approx([accuracy] * 2)
    assert tests["command"].tolist() == [TINY.command, longer.command]
    assert f"They had been used before: {accuracy:.2%} after 3 epochs." in card.read_text(encoding="utf-8")
    other = replace(TINY, seed=6)
    (run / "recipe.json").write_text(json.dumps(asdict(other)), encoding="utf-8")
    bundle.write_bundle(run, pictures(100, 0), pictures(60, 1), written.parent)
    text = card.read_text(encoding="utf-8")
    assert "They were used this once for this run" in text
    assert f"measured on them too: {accuracy:.2%} after 3 epochs, {accuracy:.2%} after 6 epochs." in text
    assert "it had been" not in text, "photographs that another network recognised are no history of this one"
    (run / "recipe.json").write_text(json.dumps(asdict(longer)), encoding="utf-8")
    bundle.write_bundle(run, pictures(100, 0), pictures(60, 1), written.parent)
    text = card.read_text(encoding="utf-8")
    assert f"They had been used before: {accuracy:.2%} after 3 epochs, {accuracy:.2%} after 6 epochs." in text
    assert f"Runs from other seeds were measured on them too: {accuracy:.2%} after 3 epochs." in text


def test_a_card_tells_of_outliers_where_there_were_some(written: Path, run: Path) -> None:
    assert "unsure" not in written.with_suffix(".md").read_text(encoding="utf-8")
    (run / "recipe.json").write_text(json.dumps(asdict(replace(TINY, outliers=8))), encoding="utf-8")
    bundle.write_bundle(run, pictures(100, 0), pictures(60, 1), written.parent)
    text = written.with_suffix(".md").read_text(encoding="utf-8")
    assert f"unsure** of 8 drawn pictures beside every {TINY.batch}" in text


def test_a_card_tells_how_often_pictures_were_seen_at_which_size(written: Path, run: Path) -> None:
    assert "scaled up to 80 px, 3 times\n  each" in written.with_suffix(".md").read_text(encoding="utf-8")
    growing = replace(TINY, cycle_size=75, finish=2)
    (run / "recipe.json").write_text(json.dumps(asdict(growing)), encoding="utf-8")
    bundle.write_bundle(run, pictures(100, 0), pictures(60, 1), written.parent)
    assert "to 75 px, 3 times and to 80 px, 2 times\n  each" in written.with_suffix(".md").read_text(encoding="utf-8")


def test_convolutions_are_halved_and_batch_norm_is_not(written: Path, run: Path) -> None:
    with safe_open(written, "pt") as file:
        kinds = {key: file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118  # not a dictionary
    assert {kind for key, kind in kinds.items() if ".bn." in key} == {torch.float32}
    assert {kind for key, kind in kinds.items() if key.endswith("conv.weight")} == {torch.float16}
    assert written.stat().st_size < 0.6 * (run / "state.pt").stat().st_size
    assert stat.S_IMODE(written.stat().st_mode) == 0o644


def test_a_failure_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "scores", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bundle.write_bundle(run, pictures(100, 0), pictures(60, 1), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_other_classes_are_not_evaluated(written: Path) -> None:
    network = Predictor("inception_resnet_v1", str(written))
    network.labels = [f"class {i}" for i in range(10)]
    with pytest.raises(ValueError, match="ten classes"):
        bundle.evaluate(network, pictures(4, 0))


def test_scores_by_hand() -> None:
    logits = torch.full((3, 10), -20.0)
    logits[0, 3] = logits[1, 5] = logits[2, 9] = 20.0
    found = bundle.scores(logits, torch.tensor([3, 3, 9]), 1.0)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.calibration_error == pytest.approx(1 / 3, abs=1e-6)
    assert found.confusion.loc["cat", "dog"] == 1
    assert found.confusion.loc["truck", "truck"] == 1
