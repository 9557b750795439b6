"""The glossary: terms explain themselves where they stand, and have a page."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from inception import words
from inception.paths import LOCALE
from inception.words import _
from pages.parts import glossary
from pages.parts.glossary_terms import TERMS
from pages.parts.page_list import PAGES


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.session_state", {})


def test_every_term_has_a_number_and_leads_to_a_page() -> None:
    assert len(TERMS) >= 40
    for language in words.languages():
        facts = {name: glossary.fact(name, language) for name in TERMS}
        assert all(any(sign.isdigit() for sign in fact) for fact in facts.values())
    assert {term.page for term in TERMS.values()} <= PAGES.keys()
    facts = {name: glossary.fact(name, "en") for name in TERMS}
    assert "2,071 pixels" in facts["receptive-field"]
    assert "12.25 G" in facts["mac"]
    assert "23 pairs" in facts["factorised"]


def test_translations_are_those_of_the_list_of_terms() -> None:
    rows = (LOCALE / "zh_CN" / "TERMS.md").read_text(encoding="utf-8").splitlines()
    listed = dict(row.strip("| ").split(" | ", 1) for row in rows if row.startswith("| ") and " | " in row)
    with words.speaking("zh_CN"):
        for term in TERMS.values():
            if term.name in listed:
                name = _(term.name).partition("（")[0]
                assert name in listed[term.name].replace("（", "；").replace("，", "；"), term.id


@pytest.mark.usefixtures("fresh")
def test_the_first_of_a_term_explains_itself() -> None:
    text = glossary.explained("**A receptive field** and `stride`; receptive fields; [stride](x) & <b>, MACs")
    assert text.count('class="term"') == 2, "code and links are left alone, and the second time is no first"
    assert (
        'tabindex="0" aria-describedby="term-receptive-field">receptive field<span class="tip" role="tooltip"' in text
    )
    assert "&lt;b" in text
    assert "<b>" not in text
    glossary.start_page()
    with words.speaking("zh_CN"):
        assert 'aria-describedby="term-receptive-field">感受野<' in glossary.explained("有效的感受野")
        glossary.start_page()
        text = glossary.explained("**甲**乙即**感受野**，*步幅*、**丙**")
        assert text.startswith("**甲**乙即<strong><span"), "a browser would show the marks between a letter and a term"
        assert text.count("</strong>，<em><span") == 1
        assert text.endswith("</em>、**丙**")


def test_search_finds_a_term_in_either_language(app: AppTest) -> None:
    app.switch_page(PAGES["glossary"].path).run()
    assert not app.exception
    assert any("other language" in text.value for text in app.caption)
    for word, first in (
        ("multiplication", "MAC"),
        ("library", "TF-Slim"),
        ("0.17", "residual scale"),  # in its number
        ("filter concat", "concatenation"),
    ):
        app.text_input(key="glossary_words").set_value(word).run()
        names = [text.value for text in app.markdown if re.match(r"\*\*[^*]+\*\*", text.value)]
        assert any(f"**{first}**" in name for name in names[1:3]), word  # behind the finding
    for word in ("softmax", "感受野"):
        app.text_input(key="glossary_words").set_value(word).run()
        assert not app.exception
        shown = [text.value for text in app.markdown if re.fullmatch(r"\*\*[^*]+\*\*( · .+)?", text.value)]
        assert 0 < len(shown) < 4
        assert any(word in text for text in shown)
    app.text_input(key="glossary_words").set_value("zzz").run()
    assert "No term matches" in app.info[0].value
