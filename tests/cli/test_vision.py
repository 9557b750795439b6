"""`predict` and `similarity`: their JSON, their lines, and one sentence for whatever is wrong."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import inception
from inception.cli.main import main
from inception.paths import PHOTOGRAPHS, ROOT, SAMPLES
from inception.runtime.crop import Crop, Fit
from inception.runtime.predictor import Predictor
from inception.weights.choice import WeightsChoice
from inception.weights.known import known_weights
from inception.zoo import available_weights

Run = Callable[..., tuple[int, str, str]]


@lru_cache(maxsize=4)
def built(name: str, weights: WeightsChoice, changed: int | None, *more: Any) -> Predictor:
    return Predictor(name, weights, *more)


def network_once(name: str, weights: WeightsChoice, *more: Any) -> Predictor:
    """As `Predictor`, which every command would build anew: the same one until the file of weights changes."""
    path = weights.file
    return built(name, weights, path.stat().st_mtime_ns if path and path.exists() else None, *more)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a machine without weights: exit status, standard output, standard error."""
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("inception.cli.vision.available_weights", lambda _: [])
    monkeypatch.setattr("inception.cli.vision.Predictor", network_once)

    def command(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        out, err = capfdbinary.readouterr()
        return status, out.decode(), err.decode()

    return command


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "ramp.png"
    Image.linear_gradient("L").convert("RGB").save(path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of Inception-v4 with three classes, of which the last always wins."""
    torch.manual_seed(0)
    model = inception.create_model("inception_v4", num_classes=3)
    state = model.state_dict()
    state["head.Logits.Logits.bias"] = torch.tensor([0.0, 0.0, 20.0])
    path = tmp_path_factory.mktemp("weights") / "three.safetensors"
    save_file(state, path)
    return path


def test_predict_as_json(run: Run, picture: Path, checkpoint: Path) -> None:
    status, out, _ = run("predict", picture, picture, "--weights", checkpoint, "--top", 2, "--json")
    assert status == 0
    entries = json.loads(out)
    assert [list(entry) for entry in entries] == [["file", "model", "weights", "device", "ms", "top"]] * 2
    entry = entries[0]
    assert (entry["file"], entry["model"], entry["device"]) == (str(picture), "inception_v4", "cpu")
    assert entry["weights"] == str(checkpoint)
    assert entry["ms"] > 0
    assert [list(row) for row in entry["top"]] == [["label", "index", "probability"]] * 2
    assert entry["top"][0]["index"] == 2
    assert entry["top"][0]["probability"] == pytest.approx(1, abs=1e-4)


def test_predict_as_lines(run: Run, picture: Path, checkpoint: Path) -> None:
    status, out, _ = run("predict", picture, "--weights", checkpoint, "--top", 1)
    assert status == 0
    assert out.startswith(f"{picture} (")
    assert "100.00%  class 2" in out
    assert "untrained" not in out


def test_predict_takes_a_box_and_how_to_fit_it(run: Run, tmp_path: Path) -> None:
    """The middle of a long car alone is none; the car is found in a photograph as well by its box."""
    photograph, long = ROOT / "assets" / "photographs" / "automobile" / "minivan.jpg", tmp_path / "long.png"
    with Image.open(photograph) as whole:
        whole.crop((47, 62, 267, 128)).save(long)

    def best(*words: object) -> tuple[str, float]:
        status, out, _ = run("predict", *words, "--weights", "inception_v4.cifar10", "--json")
        assert status == 0
        top = json.loads(out)[0]["top"][0]
        return top["label"], top["probability"]

    assert best(long)[0] != "automobile"
    label, probability = best(long, "--fit", "pad")
    assert label == "automobile"
    boxed = best(photograph, "--fit", "pad", "--box", "47,62,267,128")
    assert boxed[0] == label
    assert boxed[1] == pytest.approx(probability, abs=0.02)
    assert best(long, "--fit", "squash")[0] == "automobile"


ASTRONAUT, PHOTOGRAPHER, CAT = (SAMPLES / f"{name}.jpg" for name in ("astronaut", "photographer", "cat"))
BAND = PHOTOGRAPHS / "other" / "mariachi.jpg"


def test_untrained_weights_give_no_verdict(run: Run) -> None:
    status, out, _ = run("similarity", ASTRONAUT, PHOTOGRAPHER, "--weights", "untrained")
    assert status == 0
    first, second, distance, verdict = out.splitlines()
    assert first.startswith(f"{ASTRONAUT}: face found at 1")
    assert second.startswith(f"{PHOTOGRAPHER}: face found at ")
    assert distance.startswith("distance 0.0")
    assert verdict.startswith("no verdict: the weights are untrained")
    assert "person" not in out
    _, out, _ = run("similarity", ASTRONAUT, PHOTOGRAPHER, "--weights", "untrained", "--lang", "zh_CN")
    assert out.splitlines()[0].startswith(f"{ASTRONAUT}：人脸位于 1")
    assert out.splitlines()[3] == "无法判断：权重未经训练，距离没有意义"


def test_similarity_is_that_of_the_faces(run: Run, tmp_path: Path) -> None:
    """The verdict is that of the crops: stretched boxes with a margin, not the pictures' centres."""
    weights = tmp_path / "spread.safetensors"
    state = inception.create_model("inception_resnet_v1").state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(0.02)
    save_file(state, weights)
    status, out, _ = run("similarity", ASTRONAUT, PHOTOGRAPHER, "--weights", weights, "--json")
    assert status == 0
    found = json.loads(out)
    assert list(found) == ["distance", "cosine", "same", "threshold", "pictures"]

    network = Predictor("inception_resnet_v1", weights)
    points = []
    for path, entry in zip((ASTRONAUT, PHOTOGRAPHER), found["pictures"], strict=True):
        picture = inception.load_image(path)
        (face,) = inception.find_faces(picture)
        assert (entry["file"], entry["faces"], entry["origin"]) == (str(path), 1, "found")
        assert tuple(entry["box"]) == pytest.approx(face.with_margin(picture.size))
        points.append(network.embed(network.prepare(picture, (160, 160), Crop(tuple(entry["box"]), Fit.SQUASH))))
    first, second = points
    assert found["distance"] == pytest.approx(float(np.linalg.norm(first - second)), abs=1e-5)
    assert found["cosine"] == pytest.approx(float(first @ second), abs=1e-5)
    assert found["same"] is (found["distance"] <= found["threshold"])
    _, lines, _ = run("similarity", ASTRONAUT, PHOTOGRAPHER, "--weights", weights)
    assert lines.splitlines()[-1].startswith("the same person" if found["same"] else "different persons")


def test_a_face_is_named_by_its_number_or_drawn(run: Run, tmp_path: Path) -> None:
    words = ("--weights", "untrained", "--json")
    _, out, _ = run("similarity", BAND, BAND, "--second-face", 4, *words)
    first, second = json.loads(out)["pictures"]
    assert (first["faces"], second["faces"]) == (5, 5)
    assert first["box"][2] - first["box"][0] > second["box"][2] - second["box"][0], "at first the largest"
    _, lines, _ = run("similarity", BAND, BAND, "--weights", "untrained")
    assert lines.splitlines()[0].endswith("one of 5 faces")
    _, out, _ = run("similarity", CAT, ASTRONAUT, "--first-box", "150,50,290,190", *words)
    first, second = json.loads(out)["pictures"]
    assert (first["box"], first["origin"], second["origin"]) == ([150, 50, 290, 190], "drawn", "found")
    _, out, _ = run("similarity", CAT, CAT, "--cropped", *words)
    found = json.loads(out)
    assert found["distance"] == pytest.approx(0, abs=1e-5)
    assert found["pictures"][0]["box"] == [0, 0, 451, 300]
    # A photograph of more than a megapixel is looked at in a smaller size; the box is one of the photograph.
    large = tmp_path / "large.png"
    inception.load_image(ASTRONAUT).resize((1536, 1536)).save(large)
    _, out, _ = run("similarity", ASTRONAUT, large, *words)
    small, same = (entry["box"] for entry in json.loads(out)["pictures"])
    assert same == pytest.approx([3 * edge for edge in small], abs=30)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["predict", "PICTURE"], "no weights for inception_v4 are on this machine"),
        (["predict", "nowhere.jpg"], "nowhere.jpg cannot be read"),
        (["predict", "PICTURE", "--model", "resnet"], "unknown model 'resnet'"),
        (["predict", "PICTURE", "--weights", "nowhere.pt"], "nowhere.pt"),
        (["predict", "PICTURE", "--weights", "untrained", "--model", "inception_resnet_v1"], "gives embeddings"),
        (["predict", "PICTURE", "--weights", "untrained", "--top", "0"], "--top must be at least 1"),
        (["predict", "PICTURE", "--fit", "middle"], "'middle' is none of centre, pad, squash"),
        (["predict", "PICTURE", "--box", "1,2,3"], "'1,2,3' is no box"),
        (["predict", "PICTURE", "--weights", "untrained", "--box", "0,0,999,9"], "does not lie inside the picture"),
        (["predict", "PICTURE", "--weights", "untrained", "--device", "tpu"], "device must be cpu, cuda or mps"),
        (
            ["similarity", str(ASTRONAUT), str(ASTRONAUT), "--weights", "untrained", "--model", "inception_v4"],
            "no embed",
        ),
        (["similarity", str(ASTRONAUT), "PICTURE", "--weights", "untrained"], "no face was found; draw a box"),
        (["similarity", str(CAT), str(CAT), "--first-face", "1"], "faces found: 0, so there is no face number 1"),
        (["similarity", str(BAND), str(BAND), "--second-face", "0"], "faces found: 5, so there is no face number 0"),
        (["similarity", "PICTURE", "PICTURE", "--first-box", "1,2,3"], "'1,2,3' is no box"),
        (["similarity", "PICTURE", "PICTURE", "--first-box", "0,0,900,900"], "does not lie inside the picture"),
        (["similarity", "PICTURE", "PICTURE", "--cropped", "--first-face", "1"], "choose one of the three"),
    ],
)
def test_what_is_wrong_is_one_sentence(run: Run, picture: Path, words: list[str], sentence: str) -> None:
    status, out, err = run(*(str(picture) if word == "PICTURE" else word for word in words))
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_predict_with_names_for_the_classes(run: Run, picture: Path, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("pear\nplum\nfig\n")
    words = ["predict", picture, "--weights", checkpoint, "--top", 1, "--labels"]
    _, out, _ = run(*words, tmp_path / "names.txt")
    assert "100.00%  fig" in out
    status, out, err = run(*words, picture)
    assert (status, out, err.count("\n")) == (2, "", 1)
    (tmp_path / "two.json").write_text('["pear", "plum"]')
    assert "two.json: 2 names, but the network tells 3 classes apart" in run(*words, tmp_path / "two.json")[2]


def test_predict_says_which_of_two_sets_of_weights_it_took(run: Run, picture: Path, tmp_path: Path) -> None:
    state = inception.create_model("inception_v3", num_classes=3).state_dict()
    words = ["predict", picture, "--model", "inception_v3", "--weights", tmp_path / "training.pt"]
    torch.save({"state_dict": state, "state_dict_ema": state}, tmp_path / "training.pt")
    _, out, _ = run(*words)
    assert out.startswith("It holds averaged weights (state_dict_ema)")
    _, out, _ = run(*words, "--json")
    remark = json.loads(out)[0]["remarks"][0]
    assert "state_dict_ema" in remark
    _, out, _ = run(*words, "--lang", "zh_CN")
    assert out.startswith("其中除了最后的权重（state_dict）还有平均后的权重（state_dict_ema）")
    _, out, _ = run(*words, "--json", "--lang", "zh_CN")
    assert json.loads(out)[0]["remarks"] == [remark]


def test_known_weights_that_are_not_here_name_the_option(
    run: Run, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    tag = "inception_v4.tf_in1k"
    words = ["predict", picture, "--weights", tag]
    status, _, err = run(*words)
    assert status == 2
    assert f"{tag}: not on this machine" in err
    assert "or with --download" in err
    assert "download=True" not in err
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    status, _, err = run(*words, "--download")
    assert (status, err.count("\n")) == (2, 1)
    assert "HF_HUB_OFFLINE" in err


def test_faces_do_not_displace_the_network_that_names_classes(
    run: Run, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CASIA's file in the folder `predict` goes on to name classes, and `similarity` takes that file."""
    tag = "20180408-102900-casia-webface"
    path = tmp_path / "weights" / f"{tag}.pt"
    path.parent.mkdir()
    torch.save(inception.create_model("inception_resnet_v1").state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(known_weights(), tag, replace(known_weights()[tag], sha256=digest))
    monkeypatch.setattr("inception.cli.vision.available_weights", available_weights)
    _, out, _ = run("predict", picture, "--model", "inception_resnet_v1", "--json")
    assert json.loads(out)[0]["weights"] == "inception_resnet_v1.cifar10"
    status, _, err = run("similarity", picture, picture, "--cropped", "--json")
    assert status == 0, err
    monkeypatch.setitem(known_weights(), tag, replace(known_weights()[tag], sha256="0" * 64))
    assert WeightsChoice.of(path) in available_weights("inception_resnet_v1"), "the reader's own"


def test_a_cell_as_json_lines_and_files(run: Run, tmp_path: Path) -> None:
    bundled = "inception_v4.cifar10"
    words = ("cell", SAMPLES / "cat.jpg", "--weights", bundled, "--layer", "stem.Conv2d_2a_3x3")
    place = ("--channel", 5, "--row", 7, "--column", 9)
    status, out, _ = run(*words, *place, "--json")
    assert status == 0
    entry = json.loads(out)
    network = Predictor("inception_v4", bundled)
    prepared = network.prepare(inception.load_image(SAMPLES / "cat.jpg"), (112, 112))
    layer = inception.trace(network.model, 112).layer_at("stem.Conv2d_2a_3x3")
    assert layer is not None
    assert entry["value"] == pytest.approx(float(network.activations(prepared, layer)[5, 7, 9]), rel=1e-4)
    assert entry["steps"][-1]["value"] == entry["value"]
    parts = sum(term["value"] for term in entry["terms"]) + entry["rest"]
    assert parts == pytest.approx(entry["steps"][0]["value"], rel=1e-6)

    status, out, _ = run(*words, *place)
    assert status == 0
    assert out.startswith("Conv2d_2a_3x3, channel 5, row 7, column 9: ")
    assert "channels together" in out
    for file in ("cell.csv", "cell.png", "cell.json"):
        status, out, _ = run(*words, *place, "-o", tmp_path / file)
        assert (status, out) == (0, "")
    table = pd.read_csv(tmp_path / "cell.csv")
    assert len(table) == 8 * 9
    assert table["product"].sum() == pytest.approx(entry["steps"][0]["value"], rel=1e-6)
    assert Image.open(tmp_path / "cell.png").format == "PNG"
    assert json.loads((tmp_path / "cell.json").read_text()) == entry


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--layer", "stem.nowhere", "--channel", 0), "has no layer 'stem.nowhere'"),
        (("--layer", "stem.Conv2d_1a_3x3", "--channel", 8), "has channels 0 to 7, no channel 8"),
        (("--layer", "stem.Conv2d_1a_3x3", "--channel", 0, "--row", 55), "has rows 0 to 54, no row 55"),
        (("--layer", "stem.Conv2d_1a_3x3", "--channel", 0, "--column", -1), "has columns 0 to 54, no column -1"),
        (("--layer", "stem.Conv2d_1a_3x3", "--channel", 0, "-o", "cell.gif"), "none of the suffixes .csv, .png, .json"),
    ],
)
def test_a_cell_that_is_not_there_is_one_sentence(run: Run, asked: tuple[object, ...], sentence: str) -> None:
    status, out, err = run("cell", SAMPLES / "cat.jpg", "--weights", "inception_v4.cifar10", *asked)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
