"""A third language beside those that there are, and what a screen in one language must not have of another."""

import re
import shutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from inception.paths import LOCALE
from inception.studies.differences import sources
from inception.studies.differences.claim import Source
from inception.views.export import FORMATS
from inception.words import _, codes, languages, speaking
from tools.accented_language import CODE, accented, write_accented

# What every language says alike: names of stages, operations, parts, devices, formats and licences; and quoted words.
NAMES = {
    *(
        "Stem",
        "Head",
        "Logits",
        "Inception-A",
        "Inception-B",
        "Inception-C",
        "Reduction-A",
        "Reduction-B",
        "Bottleneck",
    ),
    *("Inception-ResNet-A", "Inception-ResNet-B", "Inception-ResNet-C", "Auxiliary head (training only)"),
    *("conv", "concat", "dropout", "flatten", "linear", "max pool", "avg pool", "residual sum", "l2 normalize", "relu"),
    *(
        "batch norm",
        "SAME",
        "VALID",
        "PreLogitsFlatten",
        "Flatten",
        "Dropout",
        "Classifier",
        "Inception-",  # where a drawing breaks Inception-ResNet-A
        "TF-Slim",
        "Keras",
        "timm",
        "torchvision",
        "facenet-pytorch",
    ),
    *(
        "cpu",
        "cuda",
        "eager",
        "channels last",
        "plain",
        "folded",
        "openvino",
        "Normalize",
        "last",
        "linear probe",
        "MIT",
        "Grad-CAM",
        "LayerCAM",
        "CASIA-WebFace",
    ),
    *("svg", "png", "pdf", "dot", *FORMATS, "English", "as described in the paper", "in"),
    *(source.title.partition(", section")[0] for source in vars(sources).values() if isinstance(source, Source)),
    *(source.name for source in vars(sources).values() if isinstance(source, Source) and source.title[0].isupper()),
}
NAMED = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(NAMES, key=len, reverse=True)))
DOTTED = re.compile(r"[\w.-]+\.[\w.-]+")  # a path in a model, a file
ACCENTED = re.compile("[áçéíñóúýÁÇÉÍÑÓÚÝ]")
HAN = re.compile("[\u4e00-\u9fff]")
PLAIN_RUN = re.compile(r"(?<![\w./-])[A-Za-z]{2,}(?:,? [A-Za-z]{2,})+(?![\w./-])")
SENTENCE = re.compile(r"(?<![\w./-])[A-Za-z]{2,}(?:,? [A-Za-z]{1,}){2,}(?![\w./-])")


def add_third_language(folder: Path) -> Path:
    """Copies the translations into an empty folder, with the accented one beside them; returns the folder."""
    shutil.copytree(LOCALE, folder)
    write_accented(folder)
    return folder


def foreign_texts(texts: Iterable[str], language: str) -> Iterator[str]:
    """What is in another language on a screen of one of them, of the texts that it shows."""
    own_names = {*languages().values(), accented("English")}
    yield from (text for text in dict.fromkeys(texts) if text not in own_names and _is_foreign(text, language))


@cache
def _is_foreign(text: str, language: str) -> bool:
    """Kept, because every page shows the frame's texts again."""
    rest = NAMED.sub(" ", text)
    if DOTTED.fullmatch(text) or not re.search(r"[^\W\d_]{2}", rest):
        return False
    if language == "en":
        return bool(HAN.search(rest) or ACCENTED.search(rest))
    if language == CODE:
        return bool(HAN.search(rest) or PLAIN_RUN.search(rest)) or _is_a_plain_word(rest)
    return bool(ACCENTED.search(rest) or SENTENCE.search(rest)) or _is_translated(text, language)


def _is_a_plain_word(text: str) -> bool:
    """Whether a text is one word or some of plain letters, and no name with a capital or a sign inside."""
    return bool(re.fullmatch(r"\W*[A-Z]?[a-z]{3,}\W*", text))


def _is_translated(text: str, language: str) -> bool:
    """Whether a text is a marked one that reads otherwise in the language."""
    with speaking(language):
        return _(text) != text


def forget_languages() -> None:
    """Lets the next question for the languages look into the folder again."""
    codes.cache_clear()
    languages.cache_clear()
