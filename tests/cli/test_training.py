"""`train` and `evaluate` on the command line: what they write, measure again, and say about bad input."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import inception
from inception.cli import training
from inception.cli.main import main
from inception.paths import BUNDLED
from inception.training import cifar10, own_pictures, recipe
from inception.training.features import NEW, samples
from inception.training.own_pictures import class_folders
from inception.weights.known import described, known_weights

MODEL = "inception_resnet_v1"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like CIFAR-10's, with a handful of flat pictures in each file."""
    folder = tmp_path / "data"
    folder.mkdir()
    for files in (cifar10.TRAINING_FILES, cifar10.TEST_FILES):
        for name in files:
            labels = np.arange(10, dtype=np.uint8)
            records = np.repeat((25 * labels)[:, None], 3073, axis=1)
            records[:, 0] = labels
            (folder / name).write_bytes(records.tobytes())
            monkeypatch.setitem(files, name, hashlib.sha256(records.tobytes()).hexdigest())
    monkeypatch.setattr(recipe, "HELD_OUT", 10)
    monkeypatch.setattr(recipe, "MIXED_ON_CPU", False)  # see test_recipe.py
    return folder


def train(data: Path, folder: Path, *more: str) -> int:
    options = ["--width", "0.03", "--size", "75", "--epochs", "1", "--batch", "20"]
    return main(["train", MODEL, "--data", str(data), "--folder", str(folder), *options, *more])


@pytest.mark.parametrize("tag", [tag for tag, weights in known_weights().items() if not weights.published])
def test_the_command_on_a_card_is_the_recipe_of_its_file(tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[recipe.Recipe] = []

    def noted(given: recipe.Recipe, *_: object) -> tuple[()]:
        asked.append(given)
        return ()

    monkeypatch.setattr(training, "epochs_of", noted)
    monkeypatch.setattr(training, "write_bundle", lambda *_: known_weights()[tag])
    for name in ("fetch", "training_pictures", "test_pictures"):
        monkeypatch.setattr(cifar10, name, lambda folder: None)
    (command,) = re.findall(r"^`python -m inception (train .*)`$", (BUNDLED / f"{tag}.md").read_text(), re.MULTILINE)
    assert main(command.split()) == 0
    assert asked == [recipe.Recipe(**json.loads(known_weights()[tag].training["recipe"]))]


@pytest.mark.slow
def test_a_run_ends_in_a_file_that_evaluate_finds_as_good(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert train(data, folder) == 0
    out, err = capsys.readouterr()
    assert "epoch 1 of 1" in err
    file = folder / f"{MODEL}.cifar10.safetensors"
    assert out.startswith(f"{file}: ")
    assert {path.name.rpartition("cifar10.")[2] for path in folder.glob("*cifar10*")} == {
        "safetensors",
        "md",
        "zh_CN.md",
        "confusion.csv",
        "photographs.csv",
        "tests.csv",
        "log.csv",
    }
    assert main(["evaluate", MODEL, "--weights", str(file), "--data", str(data), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["model"] == MODEL
    assert entry["pictures"] == 10
    assert f"{entry['accuracy']:.2%}" in out
    assert 0 <= entry["expected_calibration_error"] <= 1
    again = tmp_path / "again"
    assert main(["evaluate", MODEL, "--weights", str(file), "--data", str(data), "-o", str(again)]) == 0
    assert f"{entry['accuracy']:.2%} top-1" in capsys.readouterr().out
    for table in ("confusion", "photographs"):
        name = f"{MODEL}.cifar10.{table}.csv"
        assert (again / name).read_text() == (folder / name).read_text()


@pytest.mark.slow
def test_another_recipe_does_not_go_on(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(data, tmp_path / "run") == 0
    capsys.readouterr()
    assert train(data, tmp_path / "run", "--seed", "1") == 2
    assert "another recipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "resnet50"], "unknown model"),
        (["train", MODEL, "--size", "20"], "cannot take 20x20 px"),
        (["train", MODEL, "--cycle-size", "20", "--finish", "1"], "cannot take 20x20 px"),
        (["train", MODEL, "--cycle-size", "80"], "need a finish"),
        (["train", MODEL, "--epochs", "0"], "at least"),
        (["train", MODEL, "--width", "-1"], "width"),
        (["train", MODEL, "--learning-rate", "nan"], "learning rate"),
        (["train", MODEL, "--init", "xavier"], "one of default, he"),
        (["train", MODEL, "--device", "nowhere"], "cpu, cuda or mps"),
        (["evaluate", "--weights", "x"], "needs a MODEL"),
        (["evaluate", "inception_resnet_v2.paper"], "come with this project"),
        (["evaluate", MODEL, "--weights", "absent.safetensors"], "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    where = ["--data", str(data)] + (["--folder", str(tmp_path / "run")] if arguments[0] == "train" else [])
    assert main([*arguments, *where]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_other_classes_cannot_be_evaluated(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    file = tmp_path / "seven.safetensors"
    save_file(inception.create_model("inception_v4", num_classes=7).state_dict(), file)
    assert main(["evaluate", "inception_v4", "--weights", str(file), "--data", str(data)]) == 2
    assert "ten classes" in capsys.readouterr().err


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """A folder of class folders with three pictures each, and files that are none."""
    folder = tmp_path / "things"
    for name in ("fish", "hammer", "windmill"):
        (folder / name).mkdir(parents=True)
        for path in list(samples()[name].values())[:3]:
            (folder / name / path.name).write_bytes(path.read_bytes())
    (folder / "fish" / "notes.txt").write_text("no picture")
    (folder / "hammer" / ".hidden").write_text("not looked at")
    (folder / ".cache").mkdir()
    return folder


@pytest.mark.parametrize("more", [(), ("--all", "--epochs", "1", "--batch", "4")])
def test_a_folder_of_classes_is_learnt(
    things: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    file = tmp_path / "out" / "mine.safetensors"
    assert main(["train", MODEL, "--data", str(things), "-o", str(file), *more]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(rf"{file}: \d of 3 held-out pictures right: .* fish, hammer and windmill\n", out)
    assert "fish: notes.txt is not a JPEG" in err
    assert "hidden" not in err
    assert "starts again" in err
    assert list(file.parent.iterdir()) == [file]
    pictures = [str(path) for path in samples()[NEW].values()]
    assert main(["predict", *pictures, "--model", MODEL, "--weights", str(file), "--top", "3", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {row["label"] for row in entries[0]["top"]} == {"fish", "hammer", "windmill"}
    assert sum(row["probability"] for row in entries[0]["top"]) == pytest.approx(1)
    known = described(file)
    assert known
    assert known.preprocessing == known_weights()[f"{MODEL}.cifar10"].preprocessing
    assert known.accuracy in out
    ours, base = (inception.create_model(MODEL, path).state_dict() for path in (file, f"{MODEL}.cifar10"))
    changed = {key for key in ours if not torch.equal(ours[key], base[key])}
    path = inception.create_model(MODEL, device="meta").classifier_path
    classifier = {key for key in ours if key.startswith(path)}
    assert changed >= classifier
    assert (changed == classifier) is (not more), "without --all nothing else learns"


def test_the_same_seed_holds_out_the_same_pictures(things: Path) -> None:
    first, second = (own_pictures.find_pictures(things, 3, lambda _: None) for _ in range(2))
    assert first == second
    assert len(first.held_out) == 3
    assert {number for _, number in first.held_out} == {0, 1, 2}
    assert not {path for path, _ in first.held_out} & {path for path, _ in first.learnt}
    others = [own_pictures.find_pictures(things, seed, lambda _: None).held_out for seed in range(4, 9)]
    assert any(other != first.held_out for other in others)


def test_an_interrupted_run_leaves_no_file(
    things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(own_pictures, "_head", interrupted)
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"before")
    assert main(["train", MODEL, "--data", str(things), "-o", str(file)]) == 130
    assert file.read_bytes() == b"before"
    assert {path.name for path in tmp_path.iterdir()} == {"things", "mine.safetensors"}


@pytest.mark.parametrize(
    ("spoil", "arguments", "sentence"),
    [
        (
            lambda things: [(things / "fish" / path).unlink() for path in ("perch.jpg", "boarfish.jpg")],
            [],
            "this one has 1",
        ),
        (lambda things: [path.rename(things.parent / path.name) for path in class_folders(things)[1:]], [], "it has 1"),
        (lambda things: None, ["--width", "0.5"], "--width is not for a classifier alone"),
        (lambda things: None, ["--epochs", "3"], "--epochs is not for a classifier alone"),
        (lambda things: None, ["--all", "--size", "96"], "--size is not for your own pictures"),
        (lambda things: None, ["--all", "--learning-rate", "0"], "learning rate"),
        (lambda things: None, ["--weights", "nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
def test_what_cannot_be_learnt_of_a_folder_is_one_sentence(
    things: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], object],
    arguments: list[str],
    sentence: str,
) -> None:
    spoil(things)
    assert main(["train", MODEL, "--data", str(things), *arguments]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert sentence in error


def test_a_folder_of_something_else_gets_no_cifar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"")
    assert main(["train", MODEL, "--data", str(tmp_path)]) == 2
    assert "neither folders of pictures" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["cat.jpg"]
    assert main(["train", MODEL, "--data", str(tmp_path / "absent"), "--all"]) == 2
    assert "are for a folder of class folders" in capsys.readouterr().err
