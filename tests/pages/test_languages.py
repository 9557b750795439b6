"""Pages in the language of the session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from inception import words
from inception.studies.differences.topics import differences
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import glossary, tables
from pages.parts.glossary_terms import TERMS
from pages.parts.language import COOKIE
from pages.parts.page_list import PAGES
from tools.accented_language import CODE

from ..languages import add_third_language, foreign_texts, forget_languages
from .conftest import ROOT
from .shown import shown_texts

# Pages that show more of themselves on another network than the first.
NETWORKS = {"residual_scale": "inception_resnet_v2", "faces": "inception_resnet_v1"}


@pytest.fixture
def third_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accented English beside the languages that there are."""
    monkeypatch.setattr(words, "LOCALE", add_third_language(tmp_path / "locale"))
    forget_languages()
    yield
    monkeypatch.undo()
    forget_languages()


@pytest.mark.usefixtures("third_language")
def test_pages_speak_one_language_each(app: AppTest) -> None:
    """One session says each page in two languages: what it computed and kept for one tells nothing in the next.

    In English every other test reads the pages.
    """
    spoken, found = "en", {}
    app.run()
    for name, page in PAGES.items():
        for language in (CODE, "zh_CN"):
            with words.speaking(spoken):  # AppTest finds chosen options by their texts, outside of the session
                if language == CODE:
                    app.switch_page(page.path)
                    if name in NETWORKS:
                        app.selectbox(key="model").set_value(NETWORKS[name])
                app.selectbox(key="lang").set_value(language).run()
            spoken = language
            assert not app.exception, (name, language, [error.message for error in app.exception])
            assert not app.error, (name, language, [error.value for error in app.error])
            texts = list(shown_texts(app))
            with words.speaking(language):
                title = f"{_(VARIANTS[app.session_state['model']].title)} · " if page.one_network else ""
                assert [header.value for header in app.header] == [title + _(page.question)]
                assert title + _(page.question) in texts
                if name == "glossary":  # a heading names its term in the other languages too, and nothing else does
                    headings = {glossary.all_names(term) for term in TERMS.values()}
                    assert headings <= set(texts)
                    texts = [text for text in texts if text not in headings]
            found[name, language] = list(foreign_texts(texts, language))
    assert {where: texts for where, texts in found.items() if texts} == {}


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
    assert app.session_state["address"].query == {"lang": "zh_CN"}
    app.selectbox(key="lang").set_value("en").run()
    assert app.session_state["address"].query == {}, "English is what the browser asks for"
    assert app.header[0].value == PAGES["home"].question


def test_the_browser_keeps_a_choice(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the address asks for goes before what was chosen, which goes before what the browser asks for."""
    app.run()
    app.selectbox(key="lang").set_value("zh_CN").run()
    kept = {name: value for name, (value, _seconds) in app.session_state["address"].cookies.items()}
    assert kept == {COOKIE: "zh_CN"}
    monkeypatch.setattr(ContextProxy, "cookies", kept)
    for link, spoken in ((None, "zh_CN"), ("en", "en"), ("zh", "zh_CN"), ("xx", "zh_CN")):
        again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        if link:
            again.query_params["lang"] = link
        again.run()
        with words.speaking(spoken):
            assert again.header[0].value == _(PAGES["home"].question)
        assert [len(again.warning), any("zh_CN" in warning.value for warning in again.warning)] == (
            [1, True] if link == "xx" else [0, False]
        )
        assert again.session_state["address"].query == ({} if spoken == "en" else {"lang": "zh_CN"})
        assert again.session_state["address"].cookies == {}, "a link is no choice"


def test_a_file_is_written_in_the_language_of_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit asks for it when its button is pressed, in a thread without a session."""
    written = []
    monkeypatch.setattr("streamlit.download_button", lambda _label, write, *_more, **_options: written.append(write))
    with words.speaking("zh_CN"):
        tables.download_button("a", lambda: _("Layer table"), "a.txt")
    assert written[0]() == "逐层表"
    assert words.current() == "en"


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


def test_differences_open_on_ten_and_find_words(app: AppTest) -> None:
    app.switch_page(PAGES["differences"].path).run()
    assert not app.exception
    claims = [text.value for text in app.markdown if text.value.startswith(":material/")]
    assert len(claims) == 10
    assert all(claim.startswith(":material/close:") for claim in claims), "the wrong ones first"
    app.text_input(key="differences_words").set_value("keras blog zzz").run()
    assert "No claim matches" in app.info[0].value
