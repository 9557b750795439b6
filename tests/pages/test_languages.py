"""Pages in the language of the session."""

from streamlit.testing.v1 import AppTest

from inception import words
from inception.words import _
from pages.parts.page_list import PAGES

TRANSLATED = ("zoo",)


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
