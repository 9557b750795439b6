"""Teach it: classes of the reader's own, a head that trains, honest figures, files, and nothing left behind."""

import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from inception.runtime.pool import networks
from inception.training import features
from inception.training.head_file import read_head
from inception.weights.choice import UNTRAINED
from pages.parts import teach_lesson, teach_pictures
from pages.parts.teach_pictures import MOST_NEW, MOST_PICTURES, Taught

MODEL = "inception_resnet_v1"


@pytest.fixture
def app(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(teach_lesson, "PAUSE", 0)
    monkeypatch.setattr(teach_lesson, "EACH", 50)
    return app


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def opened(app: AppTest) -> AppTest:
    app.query_params["model"] = MODEL
    return healthy(app.switch_page("pages/teach.py").run())


def test_x(app):
    import time

    t = time.time()
    opened(app)
    print(time.time() - t)
    for k in ("metric", "markdown", "caption", "info", "error", "warning", "subheader", "button"):
        print(k, [getattr(e, "value", None) if k != "button" else (e.label, e.disabled) for e in getattr(app, k)])
