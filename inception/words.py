"""The sentences that people read, in the language of whoever reads them.

A sentence is marked where it stands: `_("…")`, or `ngettext("…", "…", number)` where a number decides the form, each
whole and with named placeholders that `.format` fills. `N_("…")` marks a text that is made before anyone reads it, such
as a title in a table of pages; `_` translates it when it is shown. A `Filled` text is one with values. `make messages`
collects the marked sentences into locale/, where a translation is one file, inception.po. It is compiled in memory when
its language is first spoken, so that there is no compiled copy that could be out of date.

One server speaks several languages at once, so no language belongs to the process. A thread speaks the language of the
`speaking` block that it is in, else what the application answers (`follow`), else English.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO

from .paths import LOCALE

DOMAIN = "inception"
ENGLISH = "en"

_spoken: ContextVar[str | None] = ContextVar("language", default=None)
_application: Callable[[], str] | None = None


@cache
def languages() -> dict[str, str]:
    """The languages that there are, English first: code, such as zh_CN, to its own name for itself."""
    # Translators: the name of your language in your language, such as Deutsch.
    own_name = N_("English")
    return {code: _catalog(code).gettext(own_name) for code in codes().values()}


@cache
def codes() -> dict[str, str]:
    """The codes of the languages that there are, English first, by the same code in small letters."""
    found = [ENGLISH, *sorted(file.parts[-3] for file in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))]
    return {code.lower(): code for code in found}


@lru_cache(1000)  # of what browsers may ask for; each sentence of a page asks
def match(wanted: str | None) -> str | None:
    """The language that there is for a code as browsers, POSIX or people write it: zh-CN, zh_CN.UTF-8, zh.

    Where the region has no translation of its own, that of another region is taken; None where there is none at all.
    """
    code = (wanted or "").partition(".")[0].partition("@")[0].replace("-", "_").lower()
    known = codes()
    if code in known:
        return known[code]
    of_region = (language for lowered, language in known.items() if lowered.split("_")[0] == code.split("_")[0])
    return next(of_region, None)


def current() -> str:
    """The code of the language that this thread speaks."""
    return _spoken.get() or (_application() if _application else ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Lets this thread speak a language of `languages`."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def follow(application: Callable[[], str]) -> None:
    """Asks the application for the language of each thread that is in no `speaking` block."""
    global _application
    _application = application


class Filled(str):
    """A marked sentence that is filled with values before anyone reads it, such as a remark that a network keeps.

    As a text it is English; `_` translates it, and the values that are such sentences, when it is shown.
    """

    marked: str
    values: dict[str, object]

    def __new__(cls, marked: str, /, **values: object) -> "Filled":
        filled = super().__new__(cls, marked.format(**values) if values else marked)
        filled.marked, filled.values = marked, values
        return filled


def gettext(sentence: str) -> str:
    """A marked sentence in the language of this thread; the sentence itself where it has no translation."""
    if isinstance(sentence, Filled) and sentence.values:
        values = {
            name: gettext(value) if isinstance(value, Filled) else value for name, value in sentence.values.items()
        }
        return gettext(sentence.marked).format(**values)
    return _catalog(current()).gettext(sentence) if sentence else ""


def ngettext(one: str, several: str, number: int) -> str:
    """The form of a marked sentence that a number asks for, in the language of this thread."""
    return _catalog(current()).ngettext(one, several, number)


def in_every_language(sentence: str) -> set[str]:
    """A marked sentence in all the languages that there are."""
    return {_catalog(language).gettext(sentence) for language in languages()}


def N_(sentence: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Marks a sentence that is translated later, when it is shown."""
    return sentence


_ = gettext


@cache
def _catalog(language: str) -> NullTranslations:
    if language == ENGLISH:
        return NullTranslations()
    from babel.messages.mofile import write_mo  # takes a tenth of a second, which English does not need
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
