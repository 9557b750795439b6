"""Pages in the language of the session."""

import pytest
from streamlit.testing.v1 import AppTest

from inception import words
from inception.weights import download
from inception.words import _
from pages.parts.page_list import PAGES

from .conftest import ROOT

TRANSLATED = (
    "atlas",
    "blocks",
    "cell",
    "factorisation",
    "inside",
    "live",
    "looks",
    "race",
    "residual_scale",
    "speed",
    "zoo",
)


def test_pages_in_chinese(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_downloads", {})  # those that failed in other tests
    app.query_params["lang"] = "zh_CN"
    for name in TRANSLATED:
        with words.speaking("zh_CN"):  # AppTest finds chosen options by their texts, outside of the session
            app.switch_page(PAGES[name].path).run()
            question = _(PAGES[name].question)
        assert not app.exception, (name, [error.message for error in app.exception])
        assert question != PAGES[name].question
        assert [header.value for header in app.header] == [question]
        assert not app.error


def test_a_link_in_another_language(app: AppTest) -> None:
    view = "v4, v1 and v2 side by side"
    for session, link in (("zh_CN", "en"), ("en", "zh_CN"), ("zh_CN", "zh_CN")):
        again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        again.query_params["lang"] = session
        with words.speaking(link):
            again.query_params["atlas"] = _(view)
        again.run()
        assert not again.exception
        assert again.session_state["atlas"] == view, (session, link)
