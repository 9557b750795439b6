"""The wheel, installed without the checkout and used from an empty folder. tests/browser/test_installed.py: its app."""

import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

import inception

from .wheel import ROOT

Run = Callable[..., str]


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a command of the environment in an empty folder, and returns what it writes to standard output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(command: str, *arguments: str) -> str:
        done = subprocess.run(
            [installed / command, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert list(tmp_path.iterdir()) == []
        return done.stdout

    return run


def test_the_installed_package_is_imported_and_finds_its_files(run: Run, installed: Path) -> None:
    """In one process, because each takes seconds to load torch; and in that of the command, which prints a label."""
    code = """
import inception, torch
from inception.paths import SAMPLES
from inception.weights.labels import class_labels

model = inception.create_model("inception_v4", weights="inception_v4.cifar10")
assert model(torch.zeros(1, 3, 96, 96)).shape == (1, 10)
assert "tabby" in class_labels(1000)[281]
print(inception.__file__, inception.__version__, SAMPLES / "cat.jpg", *inception.list_models(), sep="\\n")
"""
    file, version, sample, *models = run("python", "-c", code).splitlines()
    assert Path(file).is_relative_to(installed.parent)
    assert version == inception.__version__
    assert models == inception.list_models()
    (entry,) = json.loads(run("python", "-m", "inception", "predict", sample, "--json"))
    assert entry["weights"] == "inception_v4.cifar10", "weights that come with the package name a sample that does"
    assert entry["top"][0]["label"] == "cat"


def test_the_other_way_to_the_command_line(run: Run) -> None:
    assert "diagram" in run("inception-explorer", "--help")


def test_it_carries_every_file_of_the_package_the_app_and_the_assets(built_wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    homes = {"inception": "inception", "assets": "inception/assets"}
    homes |= {part: f"inception/app/{part}" for part in ("app.py", "pages", "static", ".streamlit")}
    expected = set()
    for name in listed.stdout.split("\0"):
        first, slash, rest = name.partition("/")
        if first in homes and (ROOT / name).is_file():
            expected.add(homes[first] + slash + rest)
    with zipfile.ZipFile(built_wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == expected


def test_what_it_says_of_itself(built_wheel: Path) -> None:
    with zipfile.ZipFile(built_wheel) as archive:
        (info,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
        licence = archive.read(f"{info}/licenses/LICENSE")
        credits = archive.read(f"{info}/licenses/assets/CREDITS.md")
        assert "inception/py.typed" in archive.namelist()
    assert metadata["Name"] == "inception-explorer"
    assert metadata["Version"] == inception.__version__
    assert set(metadata.get_all("Provides-Extra", [])) == {"app", "openvino", "keras", "serve", "dev"}
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert credits == (ROOT / "assets" / "CREDITS.md").read_bytes()
