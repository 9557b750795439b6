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
    "inception/graph/batch.py",
    "inception/graph/blocks.py",
    "inception/graph/calls.py",
    "inception/graph/cell_fields.py",
    "inception/graph/cell_shapes.py",
    "inception/graph/cell_windows.py",
    "inception/graph/cells.py",
    "inception/graph/field_rule.py",
    "inception/graph/field_rules.py",
    "inception/graph/layer.py",
    "inception/graph/layer_graph.py",
    "inception/graph/module_copy.py",
    "inception/graph/op.py",
    "inception/graph/receptive_field.py",
    "inception/graph/record.py",
    "inception/graph/rows.py",
    "inception/graph/stages.py",
    "inception/graph/table.py",
    "inception/graph/trace.py",
    "inception/graph/unused.py",
    "inception/graph/window.py",
    "inception/graph/window_rules.py",
    "inception/models/__init__.py",
    "inception/models/inception_resnet.py",
    "inception/models/inception_v3.py",
    "inception/models/inception_v4.py",
    "inception/models/layers.py",
    "inception/models/mtcnn.py",
    "inception/models/network.py",
    "inception/models/surgery.py",
    "inception/paths.py",
    "inception/runtime/__init__.py",
    "inception/runtime/crop.py",
    "inception/runtime/devices.py",
    "inception/runtime/engines.py",
    "inception/runtime/half_gradient.py",
    "inception/runtime/image.py",
    "inception/runtime/onednn.py",
    "inception/runtime/openvino.py",
    "inception/runtime/pool.py",
    "inception/runtime/predictor.py",
    "inception/runtime/preprocess.py",
    "inception/runtime/private_copy.py",
    "inception/runtime/progress.py",
    "inception/runtime/speed.py",
    "inception/runtime/tiff_floats.py",
    "inception/runtime/turns.py",
    "inception/settings.py",
    "inception/size.py",
    "inception/studies/differences/blocks.py",
    "inception/studies/differences/channels.py",
    "inception/studies/differences/claim.py",
    "inception/studies/differences/counting.py",
    "inception/studies/differences/head.py",
    "inception/studies/differences/measures.py",
    "inception/studies/differences/naming.py",
    "inception/studies/differences/network.py",
    "inception/studies/differences/padding.py",
    "inception/studies/differences/paper.py",
    "inception/studies/differences/sources.py",
    "inception/studies/differences/stem.py",
    "inception/studies/differences/topics.py",
    "inception/studies/face_crops.py",
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
    "inception/training/features.py",
    "inception/training/head.py",
    "inception/training/head_file.py",
    "inception/training/outliers.py",
    "inception/training/own_pictures.py",
    "inception/training/race.py",
    "inception/training/race_results.py",
    "inception/training/recipe.py",
    "inception/training/twins.py",
    "inception/version.py",
    "inception/views/charts.py",
    "inception/views/compare.py",
    "inception/views/diagram.py",
    "inception/views/drawing.py",
    "inception/views/explain.py",
    "inception/views/export.py",
    "inception/views/figure.py",
    "inception/views/fonts.py",
    "inception/views/kinds.py",
    "inception/views/latex.py",
    "inception/views/numbers.py",
    "inception/views/overlay.py",
    "inception/views/overview.py",
    "inception/views/playground.py",
    "inception/views/rows.py",
    "inception/views/source.py",
    "inception/views/style.py",
    "inception/views/terminal.py",
    "inception/views/window_picture.py",
    "inception/vision/attributions/__init__.py",
    "inception/vision/attributions/attribution.py",
    "inception/vision/attributions/cams.py",
    "inception/vision/attributions/choice.py",
    "inception/vision/attributions/gradients.py",
    "inception/vision/attributions/occlusion.py",
    "inception/vision/attributions/quality.py",
    "inception/vision/attributions/score.py",
    "inception/vision/cell_field.py",
    "inception/vision/face_detector.py",
    "inception/vision/faces.py",
    "inception/vision/inside.py",
    "inception/vision/maps.py",
    "inception/vision/none_of_them.py",
    "inception/vision/photographs.py",
    "inception/vision/samples.py",
    "inception/vision/titles.py",
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
    "pages/cell.py",
    "pages/differences.py",
    "pages/faces.py",
    "pages/factorisation.py",
    "pages/figures/__init__.py",
    "pages/figures/common.py",
    "pages/figures/crop.py",
    "pages/figures/faces.py",
    "pages/figures/race.py",
    "pages/figures/residual.py",
    "pages/figures/teach.py",
    "pages/inside.py",
    "pages/layers.py",
    "pages/live.py",
    "pages/looks.py",
    "pages/parts/box_picker.py",
    "pages/parts/choices.py",
    "pages/parts/class_search.py",
    "pages/parts/components.py",
    "pages/parts/crop_picker.py",
    "pages/parts/diagrams.py",
    "pages/parts/face_pictures.py",
    "pages/parts/frame.py",
    "pages/parts/kept.py",
    "pages/parts/language.py",
    "pages/parts/literal.py",
    "pages/parts/page_list.py",
    "pages/parts/pictures.py",
    "pages/parts/race_live.py",
    "pages/parts/sample_picker.py",
    "pages/parts/selection.py",
    "pages/parts/subject.py",
    "pages/parts/tables.py",
    "pages/parts/teach_lesson.py",
    "pages/parts/teach_pictures.py",
    "pages/parts/timing.py",
    "pages/parts/trust.py",
    "pages/parts/weights_chooser.py",
    "pages/race.py",
    "pages/residual_scale.py",
    "pages/speed.py",
    "pages/teach.py",
    "pages/zoo.py",
]
# What looks like a text to translate and is none.
NO_TEXTS = {"| page | the question it answers |", "cuda graph", "end of stage"}
NO_TEXTS |= {"Auxiliary head (training only)"}  # the name of a stage
NO_TEXTS |= {"minus infinity", "(00 - 0) mod 0 = 0", "0 of 0 left-out pictures right"}
NO_TEXTS |= {"| page | the question it answers |", "python -m inception race", "cuda graph", "end of stage"}
NO_TEXTS |= {"| page | the question it answers |", "python -m inception race", "cuda graph", "end of stage"}
NO_TEXTS |= {"layer 0", "stage 0", "block 0", "middle center", "0 x0", "0 domain"}  # names inside of a chart
NO_TEXTS |= {"transposed conv", "max pool", "avg pool", "batch norm", "residual sum", "l2 normalize"}  # in tables
NO_TEXTS |= {"0 to 0", "LayerGraph 0", "no data"}  # a `repr`, and what PyTorch says
NO_TEXTS |= {"minus infinity", "(00 - 0) mod 0 = 0"}
for source in vars(sources).values():
    NO_TEXTS |= {source.name, source.title} if isinstance(source, Source) else set()  # proper names, or marked
NO_TEXTS |= {"| page | the question it answers |", "python -m inception race", "cuda graph", "end of stage"}
NO_TEXTS |= {"minus infinity", "(00 - 0) mod 0 = 0", ":material/info: 0"}
# Columns of tables, and what only programmers read.
NO_TEXTS |= {"0 answer", "0 certainty", "0 none", "0 probability", "together none", "cropped to the object|cut-out"}
NO_TEXTS |= {"out of memory", "no OpenVINO operation for 0"}
NO_TEXTS |= {"every residual sum has one", "only methods that ask a layer have one", "your picture: "}
NO_TEXTS |= {"oneDNN takes one number for both ends", "pip install -r requirements-openvino.txt"}
NO_TEXTS |= {"this thread has its turn already", "this thread does not have its turn"}
NO_TEXTS |= {"python -m inception race", "cuda graph", "end of stage"}
NO_TEXTS |= {"Auxiliary head (training only)", "class 0", "CIFAR-10 (Krizhevsky 2009)", "python -m inception train"}
NO_TEXTS |= {"pip install '0[app]'", "pip install -r requirements.txt", "python -m inception"}
NO_TEXTS |= {"not an archive that PyTorch writes", "storages larger than their file", "download 0"}
NO_TEXTS |= {"the of and to in is that it was for on are as with at be this have from or by one had not but what"}
BLANK = re.compile("[A-Za-z0-9] [A-Za-z]|[A-Za-z] [0-9]")
CODE = re.compile(r"[>\\]|^python -m ")
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
    for file in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "inception").rglob("*.py")]:
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


def unmarked_texts(source: str) -> Iterator[str]:
    """The texts of a module that people read, as far as one can tell, and that are not marked.

    They are those with a blank between letters, and the labels of widgets and columns.
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
