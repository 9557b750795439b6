"""Networks that are not ours on the command line: the reader's own, timm's and torchvision's."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import openpyxl
import pypdf
import pytest
import torch

from inception.cli import main as cli
from inception.cli import models

from ..reference import assert_one_sentence

OWN = """
import torch
from torch import nn

print("what foreign code prints does not stand in a table")

class Tiny(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.SiLU())
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.grouped = nn.Conv2d(channels, channels, 3, padding=1, groups=4)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1), nn.Sigmoid())
        self.head = nn.Linear(channels, 10)

    def forward(self, x):
        x = self.grouped(self.depthwise(self.stem(x)))
        x = x * self.gate(x)
        return self.head(x.mean((2, 3)))

def wrong():
    return Tiny(channels=-1)

def number():
    return 3

def by_value():
    return nn.Conv2d(3, int(torch.linspace(4, 8, 2)[1].item()), 1)

ready = Tiny(8)

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(100, 8)
        self.body = nn.Conv1d(4, 8, 3)

    def forward(self, sound, words):
        return self.body(sound).mean(2) + self.words(words).mean(1)
"""
PARAMS = sum((3 * 16 * 9 + 16 + 32, 16 * 9 + 16, 16 * 4 * 9 + 16, 16 * 16 + 16, 16 * 10 + 10))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a network of one's own, in which the command is called."""
    (tmp_path / "own_net.py").write_text(OWN)
    (tmp_path / "needs.py").write_text("import no_such_package\n")
    (tmp_path / "typo.py").write_text("def f(:\n")
    (tmp_path / "quits.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.chdir(tmp_path)
    before = sys.path.copy()
    yield tmp_path
    sys.path[:] = before
    for name in ("own_net", "needs", "typo", "quits"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*argv: str) -> tuple[int, str, str]:
        status = cli.main(argv)
        return status, *capfd.readouterr()

    return run


def test_from_nothing_to_excel_and_pdf(folder: Path, run: Run) -> None:
    assert run("table", "own_net:Tiny", "--split", "-o", "t.xlsx")[0] == 0
    head, *rows = openpyxl.load_workbook("t.xlsx")["Table"].iter_rows(values_only=True)
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert sum(row["params"] for row in table) == PARAMS
    assert (table[0]["kernel_h"], table[0]["out_h"]) == (3, 112)
    assert run("diagram", "own_net:Tiny", "--legend", "--overlay", "params", "-o", "d.pdf")[0] == 0
    text = " ".join(pypdf.PdfReader("d.pdf").pages[0].extract_text().split())
    for words in ("3x3 depthwise conv", "3x3 grouped conv", "4 groups", "silu", "sigmoid", "480 parameters"):
        assert words in text, words
    assert "All layers of own_net:Tiny (input 3x224x224)" in text
    assert "1x1 convolution" in text  # the legend


@pytest.mark.usefixtures("folder")
def test_all_commands_take_a_network_of_one_s_own(run: Run) -> None:
    status, out, _ = run("table", "own_net:ready", "--size", "64x32", "--columns", "layer,out_shape", "--top", "1")
    assert (status, out) == (0, "layer,out_shape\nstem,8x32x16\n")
    status, out, err = run("summary", "own_net:Tiny", "--input", "3x64x64")
    assert status == 0
    assert f"Total params: {PARAMS:,}\n" in out
    assert "what foreign code prints" not in out + "".join(err.splitlines()[1:])
    two = ("own_net:Two", "--input", "4x50", "--input", "12")  # neither is a picture, and the words are whole numbers
    status, out, _ = run("table", *two, "--columns", "op,kernel,out_shape,params")
    assert out.splitlines()[1:3] == ["conv,3,8x48,104", "mean,,8,0"]
    assert "embedding,,12x8,800" in out
    assert "Total params: 904\n" in run("summary", *two)[1]
    status, _, err = run("table", "own_net:Two")
    assert status == 2
    assert "missing a required argument: 'words'): give the shape of each without the batch, e.g. --input" in err
    status, out, _ = run("compare", "own_net:Tiny", "own_net:ready")
    assert status == 0
    assert {line.split(",")[1] for line in out.splitlines()[1:]} == {"own_net:Tiny", "own_net:ready"}
    by_value = run("table", "own_net:by_value", "--columns", "out_shape")  # which no tensor without data can build
    assert by_value[:2] == (0, "out_shape\n8x224x224\n")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("own_net:wrong", r"own_net:wrong cannot be built: \w+: .* \(own_net.py, line 10\)"),
        ("own_net:number", "own_net:number makes int, not an nn.Module"),
        ("own_net:nothing", "own_net has no 'nothing'; it has Tiny, wrong, number, by_value, ready, Two"),
        ("own_net:torch", "own_net:torch is neither a network nor something that makes one, but module"),
        ("needs:f", r"needs cannot be imported: .*no_such_package.* \(needs.py, line 1\)"),
        ("typo:f", r"typo cannot be imported: SyntaxError: invalid syntax \(typo.py, line 1\)"),
        ("quits:f", r"quits cannot be imported: SystemExit: 3 \(quits.py, line 2\)"),
        ("no_such_module:f", "there is no module 'no_such_module', neither in this directory nor installed"),
        ("own_net.py:Tiny", "own_net.py is a file; give the module, own_net:Tiny"),
        ("resnet50", "unknown model 'resnet50'.*package.module:factory.*timm:NAME"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_no_network_gets_one_sentence(run: Run, name: str, says: str) -> None:
    for command in ("table", "diagram"):
        status, out, err = run(command, name)
        line = err.splitlines()[-1]
        assert (status, out) == (2, "")
        assert re.fullmatch(f"python -m inception: .*{says}.*", line), line
        assert_one_sentence(ValueError(line))


@pytest.mark.usefixtures("folder")
def test_a_forward_that_fails_is_one_sentence(run: Run, folder: Path) -> None:
    (folder / "own_net.py").write_text(
        "from torch import nn\nclass Bad(nn.Module):\n def forward(self, x):\n  raise ValueError('not today')\n"
    )
    status, _, err = run("table", "own_net:Bad")
    assert status == 2
    assert re.fullmatch(r"python -m inception: .*not today \(own_net.py, line 4\)\n", err), err


@pytest.mark.parametrize("library", models.LIBRARIES)
def test_a_library_that_is_not_installed_is_one_pip_command(
    run: Run, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    status, _, err = run("table", f"{library}:resnet18")
    assert status == 2
    assert err == f"python -m inception: {library}: networks need the package {library}; pip install {library}\n"


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("timm") or not find_spec("torchvision"), reason="needs timm and torchvision")
def test_networks_of_timm_and_torchvision(run: Run, tmp_path: Path) -> None:
    for name in ("timm:mobilenetv3_small_050", "torchvision:squeezenet1_1"):
        model = models.named_model(name).model
        assert isinstance(model, torch.nn.Module)
        status, out, _ = run("table", name, "--columns", "params,in_shape")
        assert status == 0
        rows = [line.split(",") for line in out.splitlines()[1:]]
        assert sum(int(row[0]) for row in rows) == sum(weights.numel() for weights in model.parameters())
        assert rows[0][1] == "3x224x224"
    assert run("diagram", "timm:mobilenetv3_small_050", "--block", "blocks.1.0", "-o", str(tmp_path / "b.pdf"))[0] == 0
    text = " ".join(pypdf.PdfReader(tmp_path / "b.pdf").pages[0].extract_text().split())
    assert "depthwise conv" in text
    assert "blocks.1.0 of timm:mobilenetv3_small_050" in text
    assert "did you mean resnet1" in run("table", "torchvision:resnet19")[2]
    assert "timm has no network 'resnet500'" in run("table", "timm:resnet500")[2]


def test_networks_are_built_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = models._built(lambda: torch.nn.Linear(10**6, 10**6), "large")  # 4 TB
    assert next(model.parameters()).is_meta
