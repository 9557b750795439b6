"""Every sentence is marked, every translation is whole, and a thread speaks one language."""

import ast
import copy
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from string import Formatter
from threading import Barrier
from typing import Any, TypeGuard

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from inception import words
from inception.paths import LOCALE
from inception.studies.differences import sources
from inception.studies.differences.claim import Source
from inception.views.source import extract_docstrings
from inception.weights.known import known_weights
from inception.words import N_, Filled, _, ngettext

ROOT = Path(__file__).parents[1]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "ngettext": (1, 2)}
TRANSLATIONS = sorted(LOCALE.glob("*/LC_MESSAGES/inception.po"))

SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py")), *sorted((ROOT / "inception").rglob("*.py"))]
# What looks like a text to translate and is none.
NO_TEXTS = {
    # names of operations, stages and data, and parts of charts
    *("transposed conv", "max pool", "avg pool", "batch norm", "residual sum", "l2 normalize"),
    *("Auxiliary head (training only)", "end of stage", "cuda graph", "CIFAR-10 (Krizhevsky 2009)"),
    *("layer 0", "stage 0", "block 0", "class 0", "middle center", "0 x0", "0 domain", "0 GMACs", "0 MACs"),
    # columns of tables, and formulas
    *("0 answer", "0 certainty", "0 none", "0 probability", "together none"),
    *("minus infinity", "(00 - 0) mod 0 = 0", "0 to 0"),
    # commands
    *("python -m inception", "python -m inception race", "python -m inception train"),
    *("pip install '0[serve]'", "pip install -r requirements-serve.txt", "Bearer 0", "HTTP 0"),
    *("pip install '0[app]'", "pip install -r requirements.txt", "pip install -r requirements-openvino.txt"),
    # keys of a session, a pattern, and an icon before a sentence that is marked
    *("your picture: ", "cropped to the object|cut-out", ":material/info: 0"),
    # what only programmers read, and what PyTorch says
    *("LayerGraph 0", "no data", "out of memory", "download 0", "no OpenVINO operation for 0"),
    *("PRAGMA 0", "BEGIN IMMEDIATE", "a tree has no 0", "0 does not travel"),
    *("every residual sum has one", "only methods that ask a layer have one"),
    *("not an archive that PyTorch writes", "storages larger than their file"),
    *("oneDNN takes one number for both ends",),
    *("this thread has its turn already", "this thread does not have its turn"),
    # names of fonts, and where words stand on Streamlit's widgets
    *("Noto Sans CJK SC", "Source Sans", "0 button [data-testid=stMarkdownContainer]"),
    # lines of a server's log, and what its metrics are
    *("session began, %d open", "session ended after %.0f s, %d open", "slow: page %s took %.1f s"),
    *("refused: page %s, %s", "Runs of a page, from a click to its last drawing.", "Sessions that have begun."),
    *("What was answered with a sentence on why it cannot be done.", "Those that wait for a place."),
    *("Trainings and other long works that compute.", "Networks in memory for all readers."),
    *("Threads that wait for their turn to run a network.", "Memory of their weights."),
    # words that are drawn as a picture of text
    "the of and to in is that it was for on are as with at be this have from or by one had not but what",
}
for source in vars(sources).values():
    NO_TEXTS |= {source.name, source.title} if isinstance(source, Source) else set()  # proper names, or marked
BLANK = re.compile("[A-Za-z0-9] [A-Za-z]|[A-Za-z] [0-9]")
CODE = re.compile(r'[<>\\]|="|; }')
LETTERS = re.compile("[A-Za-z]{2}")
LABELS = {"label", "title", "help", "placeholder", "caption"}
SHOWING = re.compile(
    "button|camera_input|caption|checkbox|code|download_button|error|expander|file_uploader|header|info|link_button|markdown|metric|"
    "multiselect|number_input|page_link|pills|popover|progress|segmented_control|select_slider|selectbox|slider|"
    "spinner|subheader|success|text|text_input|toggle|warning|update_xaxes|update_yaxes|"
    "(Checkbox|Link|Number|Text|Progress|)Column"
)


def read(file: Path) -> Catalog:
    return read_po(BytesIO(file.read_bytes()), locale=file.parts[-3])


@pytest.fixture(scope="module")
def marked() -> set[str | tuple[str, ...]]:
    """The msgids that the code marks: a sentence, or both forms of one with a number."""
    found = set()
    for file in SOURCES:
        method: Any = extract_docstrings if file.match("models/inception_*.py") else "python"
        for _line, message, _comments, _context in extract_from_file(method, file, keywords=KEYWORDS):
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
                for sign in ("**", "`", "$", "%d", ":material/", "]("):
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


def test_a_sentence_with_values_is_translated_when_it_is_read() -> None:
    said = Filled("it is not known which cells {name} reads", name="einsum")
    assert said == "it is not known which cells einsum reads"
    for copied in (said, deepcopy(said)):
        assert _(copied) == said
        with words.speaking("zh_CN"):
            assert _(copied) == "不知道 einsum 读取哪些单元"


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.parts[-3])
def test_bold_text_ends_where_markdown_sees_it(file: Path) -> None:
    """`**主干。**在` stays as it is: a mark between a punctuation and a letter closes nothing."""
    for message in read(file):
        for _original, translated in texts(message):
            assert not re.search(r"[^\w\s*`]\*+\w", re.sub(r"(^|\W)\*+(?=\w)", r"\1", translated)), translated


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.parts[-3])
def test_no_blank_beside_full_width_punctuation(file: Path) -> None:
    """Such a mark is as wide as a letter, with its blank inside; bold text must not bring another one."""
    for message in read(file):
        for _original, translated in texts(message):
            assert not re.search(
                r"[。，；：？！、（）] *\*\* +\S| \*\* *[。，；：？！、（）]|\*\* [。，；：？！、（）]", translated
            ), translated


def unmarked_texts(source: str) -> Iterator[str]:
    """The texts of a module that people read, as far as one can tell, and that are not marked.

    They are those with a blank between letters, and the labels of widgets and columns. Angle brackets,
    backslashes, attributes and the end of a rule are code.
    """
    tree = ast.parse(source)
    marked = set()
    for node in ast.walk(tree):
        if is_marking(node):
            marked |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            marked.add(id(node.value))  # a docstring
        if isinstance(node, ast.JoinedStr):
            for inner in ast.walk(node):
                if is_marking(inner) and any(isinstance(argument, ast.Constant) for argument in inner.args):
                    yield f"{ast.unparse(inner)} in an f-string, where it is not collected"
            marked |= {id(inner) for part in node.values for inner in ast.walk(part) if isinstance(inner, ast.Constant)}
    for node in ast.walk(tree):
        if id(node) not in marked and BLANK.search(text := text_of(node)) and not CODE.search(text):
            yield text
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and SHOWING.fullmatch(node.func.attr):
            labels = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg in LABELS)]
            yield from (
                text
                for label in labels
                if id(label) not in marked and LETTERS.search(text := text_of(label)) and not text.endswith(".py")
            )


def is_marking(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS


def text_of(node: ast.AST) -> str:
    """A literal's text, with 0 for each value that an f-string fills in; nothing for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "0" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_text_is_marked() -> None:
    found = {str(file): set(unmarked_texts(file.read_text(encoding="utf-8"))) - NO_TEXTS for file in SOURCES}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_unmarked_texts_are_found() -> None:
    source = '''
"""A docstring of words."""
st.button("Go")
st.button(_("Stop"), help="now")
column.metric(label=f"{n} px", value="12 a")
raise InputError(f"{name} is missing")
N_("a marked text"), f"{a} {b}", f"{_(a)} {_('lost')}", st.html("<b>no text</b>"), table["column"]
'''
    assert set(unmarked_texts(source)) == {
        "0 is missing",
        "0 px",
        "12 a",
        "Go",
        "now",
        "_('lost') in an f-string, where it is not collected",
    }


def test_a_filled_sentence_is_translated_when_it_is_shown() -> None:
    reason = words.Filled(N_("no reason given"))
    answer = words.Filled(N_("{host} answered {status} ({reason})."), host="example.org", status=503, reason=reason)
    assert copy.deepcopy(answer) == answer == "example.org answered 503 (no reason given)."
    with words.speaking("zh_CN"):
        assert _(copy.deepcopy(answer)) == "example.org 返回 503（未说明原因）。"
        assert _(known_weights()["inception_v4.cifar10"].accuracy).startswith("在 CIFAR-10 的 10,000 张测试图片上")
