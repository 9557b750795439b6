"""Speed: every row is shown as it is measured, and all stay."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from inception.runtime import speed
from inception.runtime.speed import Comparison, Setting, Timing

from .conftest import open_at


def measured(*_arguments: Any, **_options: Any) -> Iterator[Comparison]:
    for number, engine in enumerate(("plain", "eager", "folded"), 1):
        timing = Timing(engine, "cpu", "float32", 1, 40.0 / number, 3, 1000, None)
        yield Comparison(Setting(engine, "cpu", "float32"), 1, timing, float(number), 1.0, 0.0)


def test_a_press_measures_every_row(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "compare_settings", measured)
    open_at(app, "speed")
    next(button for button in app.button if button.label.startswith("Measure")).click().run()
    assert not app.exception
    assert app.dataframe[0].value["engine"].tolist() == ["plain", "eager", "folded"]
    assert any("3.0 times as fast" in text.value for text in app.markdown)


def test_where_nothing_is_faster_it_says_so(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def slower(*_arguments: Any, **_options: Any) -> Iterator[Comparison]:
        for row in measured():
            yield replace(row, speedup=1 / row.speedup)

    monkeypatch.setattr(speed, "compare_settings", slower)
    open_at(app, "speed")
    next(button for button in app.button if button.label.startswith("Measure")).click().run()
    assert not app.exception
    assert any("Nothing that was measured is faster than plain PyTorch" in text.value for text in app.markdown)
    assert not any("times as fast" in text.value for text in app.markdown)
