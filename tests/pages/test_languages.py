"""Pages in the language of the session."""

from streamlit.testing.v1 import AppTest

from inception import words
from inception.words import _
from pages.parts.page_list import PAGES

from .conftest import ROOT

TRANSLATED = (
    "atlas",
    "blocks",
    "factorisation",
    "layers",
    "race",
    "residual_scale",
    "speed",
    "zoo",
)


def test_pages_in_chinese(app: AppTest) -> None:
    app.query_params["lang"] = "zh_CN"
    for name in TRANSLATED:
        app.switch_page(PAGES[name].path).run()
        assert not app.exception, (name, [error.message for error in app.exception])
        with words.speaking("zh_CN"):
            question = _(PAGES[name].question)
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
