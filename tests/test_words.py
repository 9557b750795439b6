"""Every sentence is marked, every translation is whole, and a thread speaks one language."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from string import Formatter
from threading import Barrier

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from inception import words
from inception.paths import LOCALE
from inception.words import N_, _, ngettext

ROOT = Path(__file__).parents[1]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "ngettext": (1, 2)}
TRANSLATIONS = sorted(LOCALE.glob("*/LC_MESSAGES/inception.po"))


def read(file: Path) -> Catalog:
    return read_po(BytesIO(file.read_bytes()), locale=file.parts[-3])


@pytest.fixture(scope="module")
def marked() -> set[str | tuple[str, ...]]:
    """The msgids that the code marks: a sentence, or both forms of one with a number."""
    found = set()
    for file in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "inception").rglob("*.py")]:
        for _line, message, _comments, _context in extract_from_file("python", file, keywords=KEYWORDS):
            found.add(message)
    return found


def placeholders(text: str) -> list[str]:
    """The named fields of a sentence, sorted; raises ValueError where its braces do not match."""
    return sorted({name for _text, name, _format, _conversion in Formatter().parse(text) if name is not None})


def texts(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of a translation beside a form of the original."""
    if isinstance(message.id, str):
        yield message.id, str(message.string)
    else:
        yield from ((message.id[-1], form) for form in message.string or ())


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.parts[-3])
def test_a_translation_has_every_sentence_and_no_other(file: Path, marked: set[str | tuple[str, ...]]) -> None:
    messages = [message for message in read(file) if message.id]
    assert {message.id if isinstance(message.id, str) else tuple(message.id) for message in messages} == marked
    assert [message.id for message in messages if message.fuzzy or not all(form for _, form in texts(message))] == []


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.parts[-3])
def test_placeholders_and_markup_are_kept(file: Path) -> None:
    for message in read(file):
        for original, translated in texts(message):
            if message.id:
                assert placeholders(translated) == placeholders(original), message.id
                for sign in ("**", "`", "$", ":material/", "]("):
                    assert translated.count(sign) == original.count(sign), message.id


def test_the_language_of_a_code() -> None:
    found = {code: words.match(code) for code in ("zh-CN", "zh_CN.UTF-8", "zh", "zh-Hant-TW", "en-GB", "eo", "", None)}
    assert found == {
        "zh-CN": "zh_CN",
        "zh_CN.UTF-8": "zh_CN",
        "zh": "zh_CN",
        "zh-Hant-TW": "zh_CN",
        "en-GB": "en",
        "eo": None,
        "": None,
        None: None,
    }


def test_threads_speak_their_own_language() -> None:
    barrier = Barrier(8)
    own = dict(words.languages())

    def speak(language: str) -> bool:
        with words.speaking(language):
            said = set()
            for _turn in range(100):
                barrier.wait()
                said.add(_(N_("English")))
            return said == {own[language]}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(speak, ["en", "zh_CN"] * 4))
    assert words.current() == "en"


def test_a_sentence_without_a_translation_stays() -> None:
    with words.speaking("zh_CN"):
        assert _("no such sentence") == "no such sentence"
        assert ngettext("{n} such row", "{n} such rows", 2) == "{n} such rows"
    assert _("") == ""
