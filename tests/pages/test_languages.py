"""Pages in the language of the session."""

from streamlit.testing.v1 import AppTest

from inception import words
from inception.studies.differences.topics import differences
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts.page_list import PAGES

from .conftest import ROOT


def test_pages_in_chinese(app: AppTest) -> None:
    app.query_params["lang"] = "zh_CN"
    for name in PAGES:
        with words.speaking("zh_CN"):  # AppTest finds chosen options by their texts, outside of the session
            app.switch_page(PAGES[name].path).run()
            question, title = _(PAGES[name].question), VARIANTS["inception_v4"].title
        assert not app.exception, (name, [error.message for error in app.exception])
        assert question != PAGES[name].question
        assert [header.value for header in app.header] == [
            f"{title} · {question}" if PAGES[name].one_network else question
        ]
        assert not app.error


def test_a_link_in_another_language(app: AppTest) -> None:
    view = "v4, v1 and v2 side by side"
    for session, link in (("zh_CN", "en"), ("en", "zh_CN"), ("zh_CN", "zh_CN")):
        again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        again.query_params["lang"] = session
        with words.speaking(link):
            again.query_params["atlas"] = _(view)
        again.switch_page(PAGES["atlas"].path).run()
        assert not again.exception
        assert again.session_state["atlas"] == view, (session, link)


def test_the_choice_of_a_language_stands_in_the_address(app: AppTest) -> None:
    app.query_params["lang"] = "zh-CN"
    app.run()
    assert app.query_params["lang"] == "zh_CN"
    app.selectbox(key="lang").set_value("en").run()
    assert "lang" not in app.query_params, "English is what the browser asks for"
    assert app.header[0].value == PAGES["home"].question


def test_a_link_to_differences_in_another_language(app: AppTest) -> None:
    wrong = [claim for claim in differences() if (claim.topic, claim.verdict) == ("stem", "wrong")]
    for session, link in (("zh_CN", "en"), ("en", "zh_CN")):
        again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        again.query_params["lang"] = session
        with words.speaking(link):
            again.query_params["topic"] = _("stem")
            again.query_params["verdict"] = _(":material/close: wrong")
        again.switch_page(PAGES["differences"].path).run()
        again.run()
        assert not again.exception
        assert (again.session_state["topic"], again.session_state["verdict"]) == ("stem", "wrong")
        assert len(again.get("page_link")) == sum(len(claim.where) for claim in wrong)
