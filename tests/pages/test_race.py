"""The race's page says what the table says, whatever came out, and its live race starts, pauses, goes on and stops."""

import gc
import json
import math
import threading
import time
import weakref
from base64 import b64decode
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn

from inception.runtime.turns import Places
from inception.training import twins
from inception.training.race import COMPETITORS
from inception.training.race_results import compare, race_summary
from inception.training.twins import History, Setting, Step, Training, train, twin_of
from pages.figures.race import live_figure, logs_figure, style_of
from pages.parts import race_live
from pages.parts.race_live import Live, crops, go_on

from .conftest import app_on

ROOT = Path(__file__).parents[2]
EPOCH = 1000  # pictures


@pytest.fixture
def app(in_the_frame: None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(ROOT)
    return app_on("race")


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    assert not app.error
    return app


Write = Callable[..., pd.DataFrame]


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a table of a race as if the competitors' runs had had these accuracies, epoch by epoch."""
    monkeypatch.setattr("inception.paths.RACE_CURVES", tmp_path / "curves.csv")

    def write(**runs: list[list[float]]) -> pd.DataFrame:
        rows = [
            {
                "run": f"{key}-{seed}",
                "competitor": key,
                "epoch": epoch,
                "size": 112,
                "parameters": 12_345,
                "pictures": EPOCH * epoch,
                "macs": 3 * 10**9 * EPOCH * epoch,
                "seconds": 10.0 * epoch,
                "training_loss": 2 - accuracy,
                "held_out_accuracy": accuracy,
            }
            for key, accuracies in runs.items()
            for seed, run in enumerate(accuracies)
            for epoch, accuracy in enumerate(run, 1)
        ]
        pd.DataFrame(rows).to_csv(tmp_path / "curves.csv", index=False)
        return pd.DataFrame(rows)

    return write


FAST = [[0.3, 0.5, 0.6], [0.3, 0.52, 0.62], [0.31, 0.51, 0.61]]
SLOW = [[0.1, 0.2, 0.42], [0.1, 0.22, 0.44], [0.1, 0.21, 0.43]]
NEVER = [[0.1, 0.1, 0.2], [0.1, 0.1, 0.22], [0.1, 0.1, 0.21]]


def text(app: AppTest) -> str:
    return "\n".join(part.value for part in app.markdown)


def test_nothing_measured_yet_is_one_sentence_and_the_claim_stands(app: AppTest, measured: Write) -> None:
    healthy(app.run())
    assert app.header[0].value == "Do shortcuts make Inception train faster?"
    assert "python -m inception race" in app.info[0].value
    assert "(abstract)" in text(app)
    assert not app.dataframe


def test_what_supports_the_claim_is_said(app: AppTest, measured: Write) -> None:
    curves = measured(v4=SLOW, v1=FAST, v2=FAST, v2_cut=NEVER, v2_unscaled=SLOW)
    healthy(app.run())
    target = app.select_slider[0].value
    assert target == 0.4, "the slowest run of the paper's networks reached 42 %"
    assert "3 of 3 comparisons **support** the paper's claim." in text(app)
    to_v4 = compare(curves, "v2", "v4", target)
    times = [f"{round(pictures, -2):,.0f} pictures" for pictures in to_v4.pictures]
    assert (
        f"**Inception-ResNet-v2 was faster than Inception-v4.** Inception-ResNet-v2 got there after {times[0]}. "
        f"Inception-v4 got there after {times[1]}. At the end Inception-ResNet-v2 is 18.0 points ahead, with every run."
    ) in text(app)
    assert "v2 without shortcuts got there in 0 of 3 runs." in text(app)


def test_what_contradicts_the_claim_is_said(app: AppTest, measured: Write) -> None:
    measured(v4=FAST, v1=SLOW, v2=SLOW, v2_cut=FAST, v2_unscaled=SLOW)
    healthy(app.run())
    assert "0 of 3 comparisons **support** the paper's claim. 3 **contradict** it." in text(app)
    assert "**v2 without shortcuts was faster than Inception-ResNet-v2.**" in text(app)
    assert "At the end v2 without shortcuts is 18.0 points ahead" in text(app)


def test_what_is_unclear_is_said(app: AppTest, measured: Write) -> None:
    measured(v4=FAST, v1=SLOW, v2=[FAST[0], SLOW[0], FAST[1]], v2_cut=SLOW, v2_unscaled=FAST)
    healthy(app.run())
    assert "0 of 3 comparisons **support** the paper's claim. 1 **contradicts** it. 2 show **no clear" in text(app)
    assert "**Inception-ResNet-v2 and Inception-v4: no clear difference**" in text(app)
    assert "their runs overlap." in text(app)


def test_the_table_is_the_summary(app: AppTest, measured: Write) -> None:
    curves = measured(v4=SLOW, v1=FAST, v2=FAST, v2_cut=NEVER, v2_unscaled=SLOW)
    healthy(app.run())
    table = app.dataframe[0].value
    summary = race_summary(curves, 0.4)
    assert table["Network"].tolist() == summary["title"].tolist()
    assert table["Reached 40 %"].tolist() == ["3 of 3 runs"] * 3 + ["0 of 3 runs", "3 of 3 runs"]
    assert table["Accuracy at the end"].iloc[0] == "43.0 ± 1.0 %"
    assert table["after pictures"].iloc[1] == f"{summary['pictures'][1]:,.0f} ± {summary['pictures_spread'][1]:,.0f}"
    assert table["after seconds"].iloc[3] == "–"
    assert table["MACs a picture"].iloc[0] == "1.00 G"
    healthy(app.select_slider[0].set_value(0.45).run())
    slow, fast = "0 of 3 runs", "3 of 3 runs"
    assert app.dataframe[0].value["Reached 45 %"].tolist() == [slow, fast, fast, slow, slow]


@pytest.mark.parametrize("effort", ["pictures", "macs", "seconds"])
@pytest.mark.parametrize("quantity", ["held_out_accuracy", "training_loss"])
def test_every_axis(app: AppTest, measured: Write, effort: str, quantity: str) -> None:
    measured(v4=SLOW, v1=FAST, v2=FAST, v2_cut=NEVER, v2_unscaled=SLOW)
    app.run()
    against, curve = (control for control in app.segmented_control if control.label in ("Against", "Curve"))
    healthy(curve.set_value(quantity).run())
    healthy(against.set_value(effort).run())
    assert len(app.get("plotly_chart")) >= 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Competitors that take a step in some hundredths of a second."""
    tiny = {key: replace(recipe, width=0.05, repeats=(1, 1, 1)) for key, recipe in COMPETITORS.items()}
    monkeypatch.setattr(race_live, "COMPETITORS", tiny)
    return tiny


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that add up what the networks were given, in no time: what training makes of it is tested elsewhere."""

    def step(twin: int, number: int, model: nn.Module, _: torch.optim.RMSprop, pictures: Tensor, *__: object) -> Step:
        total = next(model.parameters()).data.add_(pictures.mean()).sum().item()
        return Step(twin, number, total, abs(total) % 1, 1.0, math.nan, pd.DataFrame())

    monkeypatch.setattr(twins, "_step", step)


def setting_of(small: dict[str, Any], **changes: Any) -> Setting:
    return Setting((twin_of(small["v2"]), twin_of(small["v2_cut"])), **{"steps": 50, **changes})


def press(app: AppTest, label: str) -> AppTest:
    return healthy(next(button for button in app.button if button.label == label).click().run())


def usable(app: AppTest) -> list[str]:
    names = ("Start", "Pause", "Go on", "Stop race")
    return [button.label for button in app.button if button.label in names and not button.disabled]


def state(app: AppTest) -> str:
    return next(caption.value for caption in app.caption if " steps. " in caption.value)


@pytest.fixture
def live(app: AppTest) -> AppTest:
    app.query_params["race_view"] = "Live"
    return app


@pytest.mark.usefixtures("quick")
def test_a_live_race_from_start_to_end(live: AppTest, small: dict[str, Any]) -> None:
    healthy(live.run())
    assert usable(live) == ["Start"]
    assert "**Start** trains Inception-ResNet-v2 and v2 without shortcuts" in live.info[0].value
    next(slider for slider in live.slider if slider.label == "Steps").set_value(50)
    live.number_input[0].set_value(3)
    next(box for box in live.selectbox if box.label == "Second network").set_value("Inception-v4")
    press(live, "Start")
    assert state(live).startswith(
        "Done after 50 of 50 steps. Each step takes 16 of 1,000 crops of 75x75 px; learning rate 0.045,"
    )
    assert "seed 3" in state(live)
    assert usable(live) == ["Start"]
    history = live.session_state["race_live"].history
    twins = (twin_of(small["v2"]), twin_of(small["v4"]))
    expected = [(step.twin, step.loss) for step in train(Setting(twins, steps=50, seed=3), crops())]
    assert [(row["twin"], row["loss"]) for row in history.rows] == expected
    latest = history.smooth(20).groupby("twin")["accuracy"].last()
    assert [metric.value for metric in live.metric] == [
        f"{100 * share:.1f}".removesuffix(".0") + " %" for share in latest
    ]


def paused(small: dict[str, Any], steps: int) -> Live:
    """A race that was paused after some steps."""
    here = Live(("v2", "v2_cut"), History(setting_of(small)), running=False)
    here.training = Training(here.history.setting, crops())
    run = here.training.steps()
    for _ in range(steps):
        for step in next(run):
            here.history.add(step)
    run.close()
    return here


@pytest.mark.usefixtures("quick")
def test_a_paused_race_waits_and_goes_on_as_if_it_had_not(live: AppTest, small: dict[str, Any]) -> None:
    here = paused(small, 7)
    live.session_state["race_live"] = here
    healthy(live.run())
    healthy(live.run())
    assert state(live).startswith("Paused after 7 of 50 steps")
    assert here.history.steps == 7
    assert usable(live) == ["Start", "Go on", "Stop race"]
    press(live, "Go on")
    assert state(live).startswith("Done after 50 of 50 steps")
    expected = [step.loss for step in train(setting_of(small), crops())]
    assert [row["loss"] for row in here.history.rows] == expected


@pytest.mark.usefixtures("quick")
def test_a_pause_waits_for_the_run_it_ends(live: AppTest, small: dict[str, Any]) -> None:
    """A button starts the next run of the script while the one before still takes a step, and shows that one too."""
    healthy(live.run())
    here = paused(small, 7)
    here.running = True
    live.session_state["race_live"] = here
    live.session_state["race_wish"] = "Pause"
    before: threading.Lock = live.session_state["race_lock"]
    before.acquire()

    def end() -> None:
        time.sleep(1)
        assert here.training is not None
        with closing(here.training.steps()) as run:
            for step in next(run):
                here.history.add(step)
        before.release()

    thread = threading.Thread(target=end)
    thread.start()
    healthy(live.run())
    thread.join()
    assert state(live).startswith("Paused after 8 of 50 steps")
    lines = json.loads(live.get("plotly_chart")[0].proto.spec)["data"][:2]
    assert [len(np.frombuffer(b64decode(line["x"]["bdata"]), line["x"]["dtype"])) for line in lines] == [8, 8]
    assert usable(live) == ["Start", "Go on", "Stop race"]


@pytest.mark.usefixtures("quick")
def test_no_step_is_lost_where_a_click_ends_the_script(small: dict[str, Any]) -> None:
    """Streamlit ends it by an error, wherever it draws next."""
    here, status = paused(small, 2), Mock()
    status.caption.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        go_on(here, status, Mock())
    assert here.training is not None
    with closing(here.training.steps()) as run:
        for step in next(run):
            here.history.add(step)
    assert [row["number"] for row in here.history.rows] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_a_stopped_race_leaves_its_curves_and_nothing_else(live: AppTest, small: dict[str, Any]) -> None:
    threads = set(threading.enumerate())
    here = paused(small, 7)
    assert here.training is not None
    training = weakref.ref(here.training)
    live.session_state["race_live"] = here
    healthy(live.run())
    press(live, "Stop race")
    gc.collect()
    assert training() is None
    assert state(live).startswith("Stopped after 7 of 50 steps")
    assert usable(live) == ["Start"]
    assert len(live.metric) == 2
    assert set(threading.enumerate()) <= threads


@pytest.mark.usefixtures("quick")
def test_a_busy_server_says_so(live: AppTest, small: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    healthy(live.run())
    monkeypatch.setattr(twins, "long_work", Places(most=0, most_waiting=0))
    next(button for button in live.button if button.label == "Start").click().run()
    assert not live.exception
    assert "try again" in live.error[0].value
    assert usable(live) == ["Start", "Go on", "Stop race"]
    monkeypatch.setattr(twins, "long_work", Places())
    next(slider for slider in live.slider if slider.label == "Steps").set_value(50)
    press(live, "Start")
    assert state(live).startswith("Done after 50 of 50 steps")


def test_a_network_has_one_colour_in_all_figures() -> None:
    tags = {"inception_resnet_v1.cifar10": "v1", "inception_resnet_v2.cifar10": "v2", "inception_v4.cifar10": "v4"}
    log = pd.DataFrame({"epoch": [1], "held_out_accuracy": [0.5]})
    figure = logs_figure(dict.fromkeys(tags, log))
    assert {line.name: (line.line.color, line.line.dash) for line in figure.data} == {
        tag: style_of(key) for tag, key in tags.items()
    }


def test_axes_before_the_first_step_and_of_a_run_that_overflowed(small: dict[str, Any]) -> None:
    history = History(setting_of(small))
    live_figure(history.smooth(20), ("v2", "v2_cut"), 50, 0.1)
    history.rows += [
        {"twin": twin, "number": number, "loss": loss, "accuracy": 0.1, "gradient_norm": 1.0, "dead_share": 0.0}
        for number, losses in enumerate([(2.3, 2.3), (2.0, 2.4), (1.9, 1e9), (1.8, float("inf"))], 1)
        for twin, loss in enumerate(losses)
    ]
    low, high = live_figure(history.curves(), ("v2", "v2_cut"), 50, 0.1).layout.yaxis.range
    assert low == 0
    assert 2.4 < high < 6, "the one that overflowed does not flatten the other"
