"""A setting that cannot be used is said on every page that runs, and nothing else happens."""

import pytest
from streamlit.testing.v1 import AppTest


def test_a_bad_setting_is_one_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_MEMORY", "much")
    app.switch_page("pages/live.py").run()
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith("INCEPTION_MEMORY must be a size with its unit, such as 1.5GB or 512MiB, not 'much'")
    monkeypatch.setenv("INCEPTION_MEMORY", "1GB")
    app.run()
    assert not app.error
