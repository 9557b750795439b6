"""Tables for a page: what their text says, and that LaTeX sets them within the page."""

import os
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from inception import InceptionError
from inception.views.compare import compare_models
from inception.views.export import export_table, layer_title
from inception.words import _, speaking

from ..debian import program
from ..graphs import zoo_graph
from ..reference import assert_one_sentence

DOCUMENTS = (r"\documentclass[a4paper]{article}", r"\documentclass[a4paper,twocolumn]{article}")


@pytest.fixture(scope="module")
def pdflatex() -> str:
    """The program; without it the test is skipped locally and fails in CI."""
    path = program("pdflatex", packages=("texlive-latex-base", "texlive-latex-recommended", "texlive-lang-chinese"))
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no pdflatex: none on PATH, and apt-get could not install it"
        )
    return path


@pytest.fixture
def xelatex(pdflatex: str, tmp_path: Path) -> list[str]:
    """The command of XeLaTeX, made from what comes with pdflatex: the package texlive-xetex brings half of TeX Live."""
    if not subprocess.run(["kpsewhich", "ctex.sty"], capture_output=True, check=False).stdout:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no ctex.sty, which texlive-lang-chinese has")
    xetex = str(Path(pdflatex).with_name("xetex"))
    command = [xetex, "-ini", "-etex", "-interaction=batchmode", "-jobname=xelatex", "xelatex.ini"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    return [xetex, "-fmt=./xelatex"]


def comments(latex: str) -> str:
    return "\n".join(line for line in latex.splitlines() if line.startswith("%"))


def compiled(program: list[str], latex: str, document: str, folder: Path, runs: int = 2) -> str:
    """What LaTeX says of a document with the packages that the fragment's comments name, run twice as always."""
    packages = sorted(set(re.findall(r"\\usepackage(?:\[[\w=]+\])?\{\w+\}", comments(latex))))
    text = "\n".join([document, *packages, r"\begin{document}", "Before.", latex, "After.", r"\end{document}"])
    (folder / "a.tex").write_text(text, encoding="utf-8")
    for _run in range(runs):
        command = [*program, "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
        log = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert log.returncode == 0, log.stdout.decode("latin-1")[-2000:]
    return log.stdout.decode("latin-1")


def fits(log: str) -> bool:
    return not re.search(r"Overfull|Float too large", log)


@pytest.mark.slow
def test_tables_fit_a4_in_one_and_in_two_columns(pdflatex: str, tmp_path: Path) -> None:
    v1, v2 = zoo_graph("inception_resnet_v1", 160), zoo_graph("inception_resnet_v2")
    whole = v2.table()
    tables = (
        export_table(whole, "latex", layer_title(v2)),  # over several pages
        export_table(v1.table(collapse=True), "latex", layer_title(v1)),  # on one page
        export_table(compare_models([v1, v2]), "latex"),  # with broken texts
        export_table(whole, "latex", "A_B", ["path", "in_shape", "out_shape", "rf", "rf_stride", "macs"]),
        export_table(whole.head(60), "latex", "C", [*whole.columns[:7], "in_shape", "out_shape", "rf"]),  # turned
    )
    one_after_another = "\n\\clearpage\n".join(latex.decode() for latex in tables)
    for document in DOCUMENTS:
        log = compiled([pdflatex], one_after_another, document, tmp_path)
        assert fits(log), log[-5000:]
    # The check can fail: a line that is too long for every page.
    assert not fits(compiled([pdflatex], rf"\noindent\mbox{{{'x' * 200}}}", DOCUMENTS[0], tmp_path))


@pytest.mark.slow
def test_rows_that_begin_like_an_argument_compile(pdflatex: str, tmp_path: Path) -> None:
    awkward = pd.DataFrame({"text": ["[a]", "*", "[2pt]", "--", "<<x>>", "a & b", "\\x{}$#_~^%"], "n": range(7)})
    log = compiled([pdflatex], export_table(awkward, "latex").decode(), DOCUMENTS[0], tmp_path)
    assert fits(log)
    assert "Illegal unit" not in log


def test_rows_that_begin_like_an_argument_are_braced() -> None:
    latex = export_table(pd.DataFrame({"text": ["[a]", "*b", "--"], "n": [1, 2, 3]}), "latex").decode()
    assert r"{[}a] & 1 \\" in latex
    assert r"{*}b & 2 \\" in latex
    assert r"-{}- & 3 \\" in latex


def test_letters_that_pdflatex_lacks_are_named_with_xelatex() -> None:
    latin = export_table(pd.DataFrame({"a": ["éß × 3–4"]}), "latex").decode()
    assert "XeLaTeX" not in latin
    assert r"\usepackage[T1]{fontenc}" in comments(latin)
    other = export_table(pd.DataFrame({"a": ["層 → λ"]}), "latex").decode()
    assert "Needs XeLaTeX or LuaLaTeX, and a font that has λ →" in comments(other)
    assert r"\usepackage[scheme=plain]{ctex} and \usepackage{fontspec}" in comments(other)
    assert "fontenc" not in comments(other)


def test_a_short_table_is_a_float_and_a_long_one_goes_over_pages() -> None:
    graph = zoo_graph("inception_resnet_v2")
    short = export_table(graph.table().head(20), "latex", "50% of a_b & {c}").decode()
    assert r"\begin{table*}" in short
    assert r"\caption{50\% of a\_b \& \{c\}}" in short
    assert "longtable" not in short
    long = export_table(graph.table(), "latex").decode()
    assert r"\usepackage{longtable}" in comments(long)
    first, again, _rest = re.split(r"\\endfirsthead|\\endhead", long)
    head = r"block & branch & layer & out\_shape & params & macs \\"
    assert head in first
    assert head in again
    assert "Columns that have no room here: index, stage, path, op, kernel," in comments(long)


def test_chosen_columns_are_written_in_their_order_or_refused() -> None:
    table = zoo_graph("inception_resnet_v1", 160).table()
    latex = export_table(table, "latex", columns=["macs", "layer"]).decode()
    assert r"macs & layer \\" in latex
    assert "no room" not in comments(latex)
    for columns, words in (
        (list(table.columns), "20 columns are too wide for a page of A4"),
        (["nothing"], "'nothing'"),
    ):
        with pytest.raises(InceptionError, match=words) as caught:
            export_table(table, "latex", columns=columns)
        assert_one_sentence(caught.value)


@pytest.mark.slow
def test_a_chinese_table_is_set_with_its_letters(xelatex: list[str], tmp_path: Path) -> None:
    graph = zoo_graph("inception_resnet_v1", 160)
    with speaking("zh_CN"):
        latex = export_table(graph.table(collapse=True), "latex", layer_title(graph)).decode()
    log = compiled(xelatex, latex, DOCUMENTS[0], tmp_path, runs=1)
    assert fits(log)
    assert "Output written on a.pdf" in log
    assert "Missing character" not in (tmp_path / "a.log").read_text(encoding="utf-8", errors="replace")


def test_a_chinese_title_names_what_sets_it() -> None:
    table = pd.DataFrame({"n": [1, 2]})
    with speaking("zh_CN"):
        latex = export_table(table, "latex", _("Layer table")).decode()
    assert r"\caption{逐层表}" in latex
    assert r"\usepackage[scheme=plain]{ctex}" in comments(latex)
    assert "XeLaTeX" in comments(latex)
    assert "fontenc" not in comments(latex)
