"""Every sentence is marked, every translation is whole, and a thread speaks one language."""

import ast
import copy
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from string import Formatter
from threading import Barrier
from typing import TypeGuard

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from inception import words
from inception.paths import LOCALE
from inception.weights.known import known_weights
from inception.words import N_, _, ngettext

ROOT = Path(__file__).parents[1]
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "ngettext": (1, 2)}
TRANSLATIONS = sorted(LOCALE.glob("*/LC_MESSAGES/inception.po"))

# Files in which every text is marked.
DONE = [
    "app.py",
    "inception/cli/app.py",
    "inception/cli/diagrams.py",
    "inception/cli/help.py",
    "inception/cli/language.py",
    "inception/cli/main.py",
    "inception/cli/mistakes.py",
    "inception/cli/models.py",
    "inception/cli/networks.py",
    "inception/cli/options.py",
    "inception/cli/output.py",
    "inception/cli/settings.py",
    "inception/cli/training.py",
    "inception/cli/vision.py",
    "inception/errors.py",
    "inception/files.py",
    "inception/models/inception_resnet.py",
    "inception/models/inception_v3.py",
    "inception/models/inception_v4.py",
    "inception/models/layers.py",
    "inception/models/network.py",
    "inception/models/surgery.py",
    "inception/paths.py",
    "inception/settings.py",
    "inception/size.py",
    "inception/studies/factorize.py",
    "inception/studies/factorize_timing.py",
    "inception/studies/lfw.py",
    "inception/studies/lowrank.py",
    "inception/studies/pairs.py",
    "inception/studies/residual.py",
    "inception/studies/square_network.py",
    "inception/text.py",
    "inception/training/augment.py",
    "inception/training/bundle.py",
    "inception/training/calibration.py",
    "inception/training/cifar10.py",
    "inception/training/outliers.py",
    "inception/training/race.py",
    "inception/training/race_results.py",
    "inception/training/recipe.py",
    "inception/training/twins.py",
    "inception/version.py",
    "inception/views/explain.py",
    "inception/views/kinds.py",
    "inception/views/playground.py",
    "inception/weights/checkpoint.py",
    "inception/weights/checkpoint_error.py",
    "inception/weights/choice.py",
    "inception/weights/download.py",
    "inception/weights/header.py",
    "inception/weights/keras_files.py",
    "inception/weights/known.py",
    "inception/weights/labels.py",
    "inception/weights/names.py",
    "inception/weights/preprocessing.py",
    "inception/weights/reading.py",
    "inception/words.py",
    "inception/zoo.py",
    "pages/atlas.py",
    "pages/blocks.py",
    "pages/factorisation.py",
    "pages/figures/common.py",
    "pages/figures/crop.py",
    "pages/figures/race.py",
    "pages/figures/residual.py",
    "pages/parts/box_picker.py",
    "pages/parts/choices.py",
    "pages/parts/class_search.py",
    "pages/parts/components.py",
    "pages/parts/crop_picker.py",
    "pages/parts/diagrams.py",
    "pages/parts/frame.py",
    "pages/parts/language.py",
    "pages/parts/page_list.py",
    "pages/parts/race_live.py",
    "pages/parts/selection.py",
    "pages/parts/timing.py",
    "pages/race.py",
    "pages/residual_scale.py",
    "pages/speed.py",
    "pages/zoo.py",
]
# What looks like a text to translate and is none.
NO_TEXTS = {"python -m inception race", "cuda graph", "end of stage"}
NO_TEXTS |= {"minus infinity", "(00 - 0) mod 0 = 0"}
NO_TEXTS |= {"Auxiliary head (training only)", "class 0", "CIFAR-10 (Krizhevsky 2009)", "python -m inception train"}
NO_TEXTS |= {"pip install '0[app]'", "pip install -r requirements.txt", "python -m inception"}
NO_TEXTS |= {"not an archive that PyTorch writes", "storages larger than their file", "download 0"}
NO_TEXTS |= {"the of and to in is that it was for on are as with at be this have from or by one had not but what"}
BLANK = re.compile("[A-Za-z0-9] [A-Za-z]|[A-Za-z] [0-9]")
CODE = re.compile(r"[>\\]")
LETTERS = re.compile("[A-Za-z]{2}")
LABELS = {"label", "title", "help", "placeholder", "caption"}
SHOWING = re.compile(
    "button|caption|checkbox|code|download_button|error|expander|file_uploader|header|info|link_button|markdown|metric|"
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


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: file.parts[-3])
def test_bold_text_ends_where_markdown_sees_it(file: Path) -> None:
    """`**主干。**在` stays as it is: a mark between a punctuation and a letter closes nothing."""
    for message in read(file):
        for _original, translated in texts(message):
            assert not re.search(r"[^\w\s*`]\*+\w", re.sub(r"(^|\W)\*+(?=\w)", r"\1", translated)), translated


def unmarked_texts(source: str) -> Iterator[str]:
    """The texts of a module that people read, as far as one can tell, and that are not marked.

    They are those with a blank between letters, and the labels of widgets and columns. A `>` or a backslash is code.
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
    found = {name: set(unmarked_texts((ROOT / name).read_text(encoding="utf-8"))) - NO_TEXTS for name in DONE}
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
