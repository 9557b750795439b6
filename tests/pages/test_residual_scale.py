"""The residual scale's page: the library's numbers for every network, and training that ends."""

import math
from functools import cache
from itertools import islice
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
import streamlit
from PIL import Image
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

import inception
from inception.runtime.predictor import Predictor
from inception.studies.residual import RELEASED, UNSCALED, Norm, ResidualInstrument
from inception.training import twins
from inception.training.twins import CURVE_COLUMNS, History, RandomCrops, Setting, Twin, train
from inception.weights.choice import UNTRAINED, AnyWeights, WeightsChoice
from pages.figures import residual as residual_figures
from pages.figures.residual import depth_figure, training_figure
from pages.parts import tables

from .conftest import app_on

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "assets" / "samples" / "cat.jpg"


@pytest.fixture
def app(in_the_frame: None, no_bundled_weights: None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(ROOT)
    app = app_on("residual_scale")
    app.query_params["model"] = "inception_resnet_v1"
    app.query_params["size"] = "75"
    return app


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    assert not app.error
    return app


def of_what_is_chosen(app: AppTest, name: str, size: int) -> list[str]:
    """`expected_metrics` for the weights that the page opened with: the best there are on this machine."""
    weights = next(box.value for box in app.selectbox if box.label == "Weights")
    return expected_metrics(name, size) if weights == UNTRAINED else expected_metrics(name, size, weights, "running")


@cache
def instrument_of(name: str) -> ResidualInstrument:
    """For a network without weights of its own, which several tests ask for."""
    return ResidualInstrument(Predictor(name))


def expected_metrics(name: str, size: int, weights: AnyWeights = None, norm: Norm = "batch") -> list[str]:
    """Median ratio, spreads and dead channels with the network's own scales, from the library."""
    instrument = instrument_of(name) if weights is None else ResidualInstrument(Predictor(name, weights))
    views = instrument.views(inception.load_image(SAMPLE), (size, size))
    table = instrument.measure(views, instrument.scales, norm)
    return [
        f"{table['ratio'].median():.1%}",
        f"{table['spread'].iloc[0]:#.3g} → {table['spread'].iloc[-1]:#.3g}",
        f"{table['dead'].sum():,} of {table['channels'].sum():,}",
    ]


@pytest.mark.parametrize(
    ("name", "size", "scales", "other"),
    [
        ("inception_resnet_v1", 96, RELEASED, "1 everywhere"),
        ("inception_resnet_v2", 75, RELEASED, "1 everywhere"),
        ("inception_resnet_v2.keras_blog", 75, UNSCALED, "0.17 · 0.10 · 0.20"),
    ],
)
def test_numbers_are_the_librarys(app: AppTest, name: str, size: int, scales: tuple[float, ...], other: str) -> None:
    app.query_params["model"] = name
    app.query_params["size"] = str(size)
    healthy(app.run())
    assert app.header[0].value.endswith("?")
    assert tuple(slider.value for slider in app.slider) == scales, "sliders start at the network's own scales"
    assert [metric.value for metric in app.metric] == of_what_is_chosen(app, name, size)
    assert all(metric.delta.endswith(f"with {other}") for metric in app.metric)
    said = any("ReLU before the sum" in text.value for text in app.markdown)
    assert said == name.endswith("keras_blog")


def test_without_residual_sums_it_shows_a_network_that_has_them_and_says_so(app: AppTest) -> None:
    app.query_params["model"] = "inception_v4"
    healthy(app.run())
    assert "Inception-v4 has no residual sums" in app.info[0].value
    assert app.info[0].value.endswith("So this page shows Inception-ResNet-v2 (released).")
    assert app.header[0].value.startswith("Inception-ResNet-v2 (released) · ")
    order = [getattr(node, "value", None) for node in app._tree]
    found = next(place for place, text in enumerate(order) if "From the first sum" in str(text))
    assert found < order.index(app.info[0].value), "the finding comes first"
    assert app.slider
    offered = {button.label.removeprefix("Switch to ") for button in app.button if "Switch" in button.label}
    assert offered == {name for name in inception.list_models() if name.startswith("inception_resnet")}
    next(button for button in app.button if button.label == "Switch to inception_resnet_v1").click()
    healthy(app.run())
    assert app.slider
    assert app.header[0].value.startswith("Inception-ResNet-v1 (FaceNet) · ")
    assert not [info for info in app.info if "no residual sums" in info.value]


def test_sliders_and_the_way_back(app: AppTest) -> None:
    healthy(app.run())
    built = [metric.value for metric in app.metric]
    for slider in app.slider:
        slider.set_value(0.0)
    healthy(app.run())
    assert app.metric[0].value == "0.0%", "the residual is nothing of the shortcut"
    healthy(app.button[0].click().run())
    assert tuple(slider.value for slider in app.slider) == RELEASED
    assert [metric.value for metric in app.metric] == built


def test_stored_statistics_are_another_measurement(app: AppTest) -> None:
    healthy(app.run())
    before = [metric.value for metric in app.metric]
    norm = next(control for control in app.segmented_control if "Batch norm" in control.label)
    healthy(norm.set_value("batch" if norm.value == "running" else "running").run())
    assert [metric.value for metric in app.metric] != before


def test_loaded_weights(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "inception_resnet_v1"
    state = inception.create_model(name).state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(0.3)
    save_file(state, tmp_path / "mine.safetensors")
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    healthy(app.run())
    file = WeightsChoice.of(tmp_path / "mine.safetensors")
    healthy(next(box for box in app.selectbox if box.label == "Weights").set_value(file).run())
    loaded = expected_metrics(name, 75, file, "running")
    assert [metric.value for metric in app.metric] == loaded != expected_metrics(name, 75)


def test_a_quick_size_unless_one_is_chosen(app: AppTest) -> None:
    """The released v2 has 299 px of its own; measured are fewer, and the page says so."""
    app.query_params["model"] = "inception_resnet_v2"
    del app.query_params["size"]
    healthy(app.run())
    assert [metric.value for metric in app.metric] == of_what_is_chosen(app, "inception_resnet_v2", 160)
    assert any("at 160x160 px. The network's own size is 299 px" in caption.value for caption in app.caption)
    healthy(app.selectbox(key="size").set_value("96").run())
    assert [metric.value for metric in app.metric] == of_what_is_chosen(app, "inception_resnet_v2", 96)
    assert any("at 96x96 px. Spread" in caption.value for caption in app.caption)


def test_too_small_a_picture_is_one_sentence(app: AppTest) -> None:
    app.query_params["size"] = "40"
    app.run()
    assert not app.exception
    assert len(app.error) == 1


def test_training_from_the_first_step_to_the_last(app: AppTest) -> None:
    app.query_params["residual_view"] = "In training"
    healthy(app.run())
    assert "Train both" in app.info[0].value
    next(slider for slider in app.slider if slider.label == "Steps").set_value(10)
    healthy(next(button for button in app.button if button.label == "Train both").click().run())
    history = app.session_state["residual_history"]
    curves = history.curves()
    assert curves["number"].tolist() == [step for step in range(1, 11) for _ in (0, 1)]
    assert [twin.scales for twin in history.setting.twins] == [RELEASED, UNSCALED]
    first = curves[curves["number"] == 1].set_index("twin")["gradient_norm"]
    assert (app.metric[0].value, app.metric[0].delta) == (f"{first[0]:,.1f}", f"{first[1]:,.1f} with 1 everywhere")
    assert any("10 of 10 steps" in caption.value for caption in app.caption)
    assert not app.info, "the result stays when the run is over"


def stopped(app: AppTest, steps: int) -> History:
    """A run of these many steps of both twins together, as the page keeps it."""
    twins = tuple(Twin("inception_resnet_v1", scales=scales) for scales in (RELEASED, UNSCALED))
    setting = Setting(twins, steps=20, profiled=True)
    history = History(setting)
    examples = RandomCrops([Image.new("RGB", (80, 80)), Image.new("RGB", (80, 80), "white")])
    for step in islice(train(setting, examples), steps):
        history.add(step)
    app.query_params["residual_view"] = "In training"
    app.session_state["residual_history"] = history
    return history


def test_stopped_before_there_is_anything_to_compare(app: AppTest) -> None:
    stopped(app, 1)
    healthy(app.run())
    assert not app.metric
    assert "Train both" in app.info[0].value


def test_stopped_between_the_twins(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, sums and export are of the one step that both took."""
    exported: list[pd.DataFrame] = []
    measured: list[dict[str, pd.DataFrame]] = []

    def draw(profiles: dict[str, pd.DataFrame]) -> go.Figure:
        measured.append(profiles)
        return depth_figure(profiles)

    monkeypatch.setattr(tables, "export_button", lambda table, *_: exported.append(table))
    monkeypatch.setattr(residual_figures, "depth_figure", draw)
    history = stopped(app, 3)
    healthy(app.run())
    assert app.metric[2].label == "Dead channels, step 1"
    assert exported[0][["twin", "number"]].to_numpy().tolist() == [[0, 1], [1, 1]]
    (profiles,) = measured
    assert all(profile is history.first[twin] for twin, profile in enumerate(profiles.values()))
    assert not app.info


def test_a_run_says_with_which_scales_it_was_made(app: AppTest) -> None:
    stopped(app, 4)
    healthy(app.run())
    assert any("scales 0.17 · 0.10 · 0.20 and 1 everywhere" in caption.value for caption in app.caption)
    assert any("A · B · C: 0.17 · 0.10 · 0.20" in caption.value for caption in app.caption)
    healthy(app.slider[1].set_value(0.5).run())
    assert app.info[0].value.startswith("This run was made with the scales 0.17 · 0.10 · 0.20 and with 1 everywhere.")
    assert "starts a run with 0.17 · 0.50 · 0.20" in app.info[0].value
    assert app.metric, "it stays"


def test_while_the_networks_are_built_the_page_says_so(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "train", lambda *_: streamlit.stop())
    app.query_params["residual_view"] = "In training"
    healthy(app.run())
    healthy(next(button for button in app.button if button.label == "Train both").click().run())
    assert [info.value for info in app.info] == ["Building both networks…"]


def profile_of(**columns: list[float]) -> pd.DataFrame:
    """A profile of as many blocks as the columns have values, with harmless values in all other columns."""
    count = len(next(iter(columns.values())))
    rest = {"shortcut_norm": 1.0, "residual_norm": 1.0, "ratio": 0.1, "spread": 1.0, "dead_share": 0.0, "relu": True}
    return pd.DataFrame({"index": range(1, count + 1), "stage": "A", "block": "Block", **rest, **columns})


def labels(axis: go.layout.YAxis, low: float, high: float) -> int:
    """How many labels the logarithmic axis has from low to high, if it has a step of its own."""
    digits, step = ((1, 2, 5), 1) if axis.dtick == "D2" else ((1,), int(axis.dtick))
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return sum(low <= digit * 10**decade <= high for decade in decades if decade % step == 0 for digit in digits)


@pytest.mark.parametrize("high", [130.0, 300.0, 600.0, 980.0, 1000.0, 2100.0, 50_000.0, 99_000.0, 1e6, 1e9, 1e20])
def test_logarithmic_axes_can_be_read(high: float) -> None:
    """At most a label for each 17 pixels, and where Plotly chooses, less than a decade even with room at both ends."""
    low = 100.0
    norms = {"shortcut_norm": [low, high, math.inf], "residual_norm": [0.0, low, math.nan]}
    layout = depth_figure({"a": profile_of(**norms, spread=[high, 0.0, low])}).layout
    for axis, height in ((layout.yaxis, 170), (layout.yaxis3, 120)):
        assert axis.type == "log"
        if axis.dtick is None:
            assert axis.nticks == 5
            assert 1.2 * math.log10(high / low) < 1
        else:
            assert 2 <= labels(axis, low, high) <= height / 17


def test_the_spread_of_the_network_as_built_is_no_flat_line() -> None:
    """With 1 everywhere the spread grows to forty times that of the released scales, which is a line of its own."""
    as_built, unscaled = profile_of(spread=[0.57, 0.49, 0.73]), profile_of(spread=[0.6, 4.0, 30.0])
    axis = depth_figure({"as built": as_built, "1 everywhere": unscaled}).layout.yaxis3
    place = math.log10 if axis.type == "log" else float
    shown = [place(spread) for spread in (*as_built["spread"], *unscaled["spread"])]
    own = [place(spread) for spread in as_built["spread"]]
    assert (max(own) - min(own)) / (max(shown) - min(shown)) > 0.05


def test_sums_of_nothing_have_axes() -> None:
    profile = profile_of(shortcut_norm=[0.0], residual_norm=[0.0], spread=[0.0], ratio=[math.nan], dead_share=[1.0])
    layout = depth_figure({"a": profile}).layout
    assert (layout.yaxis.type, layout.yaxis3.type) == ("log", "log")


def test_axes_of_a_run_that_overflowed() -> None:
    rows = [
        (0, 1, 3000.0, 0.1, 1e5, 0.0),
        (1, 1, 0.001, 1.0, 0.02, 0.9),
        (0, 2, float("inf"), 0.1, float("nan"), 0.0),
    ]
    curves = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    figure = training_figure(curves, ["a", "b"], 5)
    low, high = figure.layout.yaxis.range
    assert 10**low < 0.001
    assert 3000 < 10**high < 10_000
    assert figure.layout.yaxis3.range[1] > 0.9
