import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from inception import create_model, list_models, trace, words
from inception.cli import main as cli
from inception.settings import described_settings
from inception.views.compare import compare_models
from inception.views.export import FORMATS, export_table, layer_title
from pages.parts.page_list import markdown_table

from ..reference import assert_one_sentence

V1 = "inception_resnet_v1"  # the quickest to trace
ROOT = Path(__file__).parents[2]
Run = Callable[..., bytes]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command in this process and returns what it wrote to standard output."""

    def run(*argv: str) -> bytes:
        assert cli.main(argv) == 0
        out, err = capfdbinary.readouterr()
        assert err == b""
        return out

    return run


@pytest.fixture
def fail(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., str]:
    """Runs a command that must fail for bad input and returns its one sentence."""

    def fail(*argv: str) -> str:
        assert cli.main(argv) == 2
        out, err = capfdbinary.readouterr()
        assert out == b""
        assert re.fullmatch(rb"python -m inception: [^\n]+\n", err)
        assert_one_sentence(ValueError(err.decode().removesuffix("\n")))
        return err.decode()

    return fail


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)


def read_csv(data: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(data), keep_default_na=False)


def test_models_lists_the_zoo(run: Run) -> None:
    table = read_csv(run("models")).set_index("name")
    assert list(table.index) == list_models()
    for name in list_models():
        assert table.params[name] == sum(p.numel() for p in create_model(name, device="meta").parameters())
    # timm's and facenet-pytorch's multiply-accumulates, at the size each network was trained for.
    gmacs = {"inception_v4": 12.254, "inception_resnet_v1": 1.418, "inception_resnet_v2": 13.156}
    assert {name: table.gmacs[name] for name in gmacs} == gmacs
    assert {name: table.input_size[name] for name in gmacs} == {
        "inception_v4": 299,
        "inception_resnet_v1": 160,
        "inception_resnet_v2": 299,
    }
    assert (table.source != "").all()


def test_models_in_another_format(run: Run) -> None:
    assert [row["name"] for row in json.loads(run("models", "--format", "json"))] == list_models()


def test_table_is_the_graph_s_at_the_model_s_own_size(run: Run) -> None:
    graph = trace(V1, 160)
    assert run("table", V1) == export_table(graph.table(), "csv", layer_title(graph))


def test_table_takes_a_size(run: Run) -> None:
    assert read_csv(run("table", V1, "--size", "299")).macs.sum() / 1e9 == pytest.approx(6.308, abs=5e-4)


def test_table_takes_height_by_width(run: Run) -> None:
    table = read_csv(run("table", "inception_v4", "--size", "350x400"))
    assert table.in_shape[0] == "3x350x400"
    assert table.out_shape[table.block == "Mixed_7d"].iloc[-1] == "1536x9x11"


def test_table_collapses(run: Run) -> None:
    table = read_csv(run("table", V1, "--collapse"))
    assert set(table["repeat"][table.stage == "Inception-ResNet-B"]) == {10}
    assert table.params.sum() == 23_482_624
    assert len(table) < len(trace(V1, 160).layers)


def test_compare_is_one_table_of_all(run: Run) -> None:
    names = ["inception_v4", "inception_resnet_v2"]
    expected = compare_models([trace(name, 299) for name in names])
    assert run("compare", *names) == export_table(expected, "csv")


def test_compare_at_one_size(run: Run) -> None:
    table = read_csv(run("compare", V1, "inception_v4", "--size", "200x160"))
    assert set(table.input) == {"3x200x160"}


def test_factorize_compares_the_ways_to_look_through_one_window(run: Run) -> None:
    table = read_csv(run("factorize")).set_index("option")
    assert (table.params["square"], table.params["factorised"]) == (3_211_520, 918_016)
    assert table.arithmetic["square"] == "256·(256·7·7 + 1) = 3,211,520"
    assert set(table.out_shape) == {"256x64x64"}
    assert run("factorize", "--bias", "--kernel", "7", "--in-channels", "256", "--out-channels", "256") == run(
        "factorize"
    )


def test_factorize_takes_another_window(run: Run) -> None:
    window = ("--kernel", "3", "--in-channels", "2", "--out-channels", "5", "--no-bias", "--size", "8x9")
    table = read_csv(run("factorize", *window)).set_index("option")
    # 2·5·3·3 weights; 5·2·3 + 5·5·3 with as many channels in the middle as come out.
    assert table.params.to_dict() == {"square": 90, "factorised": 105, "stacked 3x3": 90, "depthwise separable": 28}
    assert table.macs["square"] == 90 * 8 * 9
    narrow = read_csv(run("factorize", *window, "--middle-channels", "1")).set_index("option")
    assert narrow.params["factorised"] == 2 * 3 + 3 * 5


# Weights of the pairs of 1x7 and 7x1, and of square kernels in their place.
PAIRS = {
    "inception_v4": (23, 15_188_992, 55_494_656),
    "inception_resnet_v2": (20, 7_168_000, 24_084_480),
    "inception_resnet_v1": (10, 2_293_760, 8_028_160),
}


@pytest.mark.parametrize("name", PAIRS)
def test_factorize_lists_the_pairs_of_a_model(run: Run, name: str) -> None:
    pairs = read_csv(run("factorize", name)).query("kernel == 7")
    assert (len(pairs), pairs.weights.sum(), pairs.square_weights.sum()) == PAIRS[name]
    totals = read_csv(run("factorize", name, "--totals")).set_index("kernel")
    assert tuple(totals.loc[7, ["pairs", "weights", "square_weights"]].astype(int)) == PAIRS[name]


def test_factorize_takes_the_size_of_the_picture(run: Run) -> None:
    assert set(read_csv(run("factorize", V1, "--size", "299")).grid) == {"17x17", "8x8"}
    assert b"<title>Pairs of 1xk and kx1 in inception_resnet_v1 at 96x128 px: 10 of k = 7 with" in run(
        "factorize", V1, "--size", "96x128", "--format", "html"
    )


def test_bottleneck_says_what_a_1x1_saves(run: Run) -> None:
    table = read_csv(run("bottleneck", "--in-channels", "8", "--middle-channels", "2", "--no-bias", "--size", "4x5"))
    assert table.params.tolist() == [256 * 8 * 9, 2 * 8 + 256 * 2 * 9]
    assert table.macs.tolist() == [count * 20 for count in table.params]
    places = read_csv(run("bottleneck", V1))
    whole = read_csv(run("bottleneck", V1, "--totals"))
    assert whole.params.tolist() == [23_482_624, 23_482_624 + places.saving.sum()]


def test_summary_is_torchinfo_s(run: Run) -> None:
    text = run("summary", V1, "--size", "96x128").decode()
    assert "Total params: 23,482,624\n" in text
    assert "[1, 3, 96, 128]" in text
    modules = sum(1 for _ in create_model(V1, device="meta").modules())
    assert len(re.findall(r"^[│ ]*[├└]─|^InceptionResNet ", text, re.MULTILINE)) == modules


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_a_table_of_its_width(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lines = run("table", V1).decode().splitlines()
    assert lines[0].split() == ["block", "branch", "layer", "op", "kernel", "out_shape", "params", "macs"]
    assert max(map(len, lines)) <= 100
    assert run("table", V1, "--format", "csv").startswith(b"index,stage,")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("format", ["xlsx", "parquet"])
def test_a_terminal_is_spared_binary_formats(fail: Callable[..., str], format: str) -> None:
    assert f"{format} is not text" in fail("table", V1, "--format", format)


@pytest.mark.usefixtures("terminal")
def test_a_binary_file_may_be_written_from_a_terminal(run: Run, tmp_path: Path) -> None:
    assert run("table", V1, "-o", str(tmp_path / "table.xlsx")) == b""
    assert (tmp_path / "table.xlsx").read_bytes().startswith(b"PK")


@pytest.mark.parametrize("format", FORMATS)
def test_the_suffix_chooses_the_format(run: Run, tmp_path: Path, format: str) -> None:
    path = tmp_path / f"table{FORMATS[format].suffix.upper()}"
    assert run("table", V1, "-o", str(path)) == b""
    assert path.read_bytes() == run("table", V1, "--format", format)


def test_the_format_goes_before_the_suffix(run: Run, tmp_path: Path) -> None:
    run("table", V1, "--format", "json", "-o", str(tmp_path / "table.csv"))
    assert json.loads((tmp_path / "table.csv").read_bytes())


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "COMMAND"),
        (["tabel", V1], "tabel"),
        (["table"], "MODEL"),
        (["table", "inception_v5"], "unknown model 'inception_v5'; known: inception_v4, "),
        (["summary", "inception_v5"], "unknown model 'inception_v5'"),
        (["compare", V1], "MODEL"),
        (["compare", V1, V1], "more than once"),
        (["compare", V1, "inception_v5"], "unknown model 'inception_v5'"),
        (["table", V1, "--format", "pdf"], "'pdf'"),
        (["table", V1, "-o", "table.pdf"], "'table.pdf' has none of the suffixes .csv, .json, .md, "),
        (["table", V1, "-o", "table"], "choose a format with --format"),
        (["table", V1, "--size"], "--size"),
        *((["table", V1, "--size", size], f"{size!r} is not an input size") for size in ["0", "x", "1e3", "9x", "١٦٠"]),
        *(
            (["table", V1, f"--size={size}"], f"{size!r} is not an input size")
            for size in ["-3", "1x2x3", "9" * 30, ""]
        ),
        (["table", V1, "--size", "74"], "74x74 px: the grid vanishes at"),
        (["summary", V1, "--size", "20x400"], "20x400 px: the grid vanishes at"),
        (["table", V1, "--collaps", "yes"], "--collaps"),
        (["table", V1, "--columns", "layer,cost"], "there is no column 'cost'; known: index, stage, "),
        (["table", V1, "--sort", "cost"], "there is no column 'cost'"),
        (["table", V1, "--stage", "Neck"], "there is no stage 'Neck'; known: Stem, Inception-ResNet-A, "),
        *((["table", V1, "--top", top], f"{top} is not a whole number from 1") for top in ["0", "-2"]),
        (["table", V1, "--top", "x"], "'x' is not a whole number; see python -m inception table --help"),
        (["table", V1, "--input", "3xx4"], "'3xx4' is not a shape"),
        (["table", V1, "--size", "160", "--input", "3x160x160"], "--size and --input exclude each other"),
        (["diagram", V1, "--font-size", "200"], "200 is not a whole number from 6 to 48"),
        (["diagram", V1, "--theme", "dark"], "'dark' is none of colour, grey"),
        (["diagram", V1, "--caption", "a", "--no-caption"], "exclude each other"),
        (["diagram", V1, "--opened"], "name one of its blocks"),
        (["diagram", V1, V1, "inception_v4", "--block", "Stem"], "not more"),
        (["diagram", V1, "inception_v4", "--unfold", "Stem"], "stand side by side"),
        (["factorize", "inception_v5"], "unknown model 'inception_v5'"),
        (["factorize", V1, "--kernel", "7", "--no-bias"], "--kernel, --no-bias and a MODEL exclude each other"),
        (["factorize", "--totals"], "--totals needs a MODEL"),
        (["bottleneck", V1, "--kernel", "5"], "--kernel and a MODEL exclude each other"),
        (["bottleneck", "--totals"], "--totals needs a MODEL"),
        (["factorize", "--kernel", "4"], "kernel must be an odd number from 3 to 31, not 4"),
        (["factorize", "--kernel", "x"], "'x' is not a whole number"),
        (["factorize", "--in-channels", "0"], "in_channels must be a whole number from 1"),
        (["factorize", "--middle-channels=-1"], "middle_channels must be a whole number from 1"),
        (["factorize", "--out-channels", "1000000"], "out_channels must be a whole number from 1"),
        (["factorize", "--size", "0"], "'0' is not an input size"),
        (["factorize", V1, "--size", "40"], "40x40 px: the grid vanishes at"),
    ],
)
def test_bad_input_gets_one_sentence(
    fail: Callable[..., str], argv: Sequence[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in fail(*argv)
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: python -m inception COMMAND")
    assert all(re.search(rf"^ +{command}( |$)", out, re.MULTILINE) for command in cli.COMMANDS)


def test_a_file_that_cannot_be_written(fail: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    assert "cannot write" in fail("table", V1, "-o", str(tmp_path / "folder.csv"))
    assert "No such file or directory" in fail("table", V1, "-o", str(tmp_path / "missing" / "table.csv"))
    assert "Not a directory" in fail("table", V1, "-o", str(tmp_path / "file" / "table.csv"))
    assert "too long" in fail("table", V1, "-o", str(tmp_path / f"{'x' * 256}.csv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]


def raises(error: BaseException) -> Callable[..., None]:
    def function(*args: object, **kwargs: object) -> None:
        raise error

    return function


def test_a_failure_while_writing_leaves_the_old_file(
    fail: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", raises(OSError(28, "No space left on device")))
    assert fail("table", V1, "-o", str(path)) == f"python -m inception: cannot write {path}: No space left on device\n"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_while_writing_leaves_the_old_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", raises(KeyboardInterrupt()))
    assert cli.main(["table", V1, "-o", str(path)]) == 130
    assert capfd.readouterr() == ("", "")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, as in a terminal; a shell lets the jobs that it starts in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_computing(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inception.cli.models.trace", lambda *_: signal.raise_signal(signal.SIGINT))
    assert cli.main(["table", V1]) == 130
    assert capfd.readouterr() == ("", "")


def test_a_new_file_replaces_the_old_one_and_has_usual_permissions(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text("old" * 10_000)
    mask = os.umask(0o027)
    try:
        run("table", V1, "-o", str(path))
    finally:
        os.umask(mask)
    assert len(json.loads(path.read_bytes())) == len(trace(V1, 160).layers)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(run: Run, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("table.csv")
    run("table", V1, "-o", str(tmp_path / "link.csv"))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "table.csv").read_bytes() == run("table", V1)


def test_a_named_pipe_is_written_not_replaced(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    run("table", V1, "-o", str(pipe))
    reader.join(timeout=10)
    assert pipe.is_fifo()
    assert read == [run("table", V1)]


def start(*argv: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "inception", *argv]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stdout, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_process_gives_the_bytes_of_the_library_and_then_fails_with_one_sentence(tmp_path: Path) -> None:
    """Another process, another hash seed, another second, another time zone: the same bytes, and nothing beside."""
    script = (
        "import sys; from inception.__main__ import main\n"
        "for path in sys.argv[1:]: assert main(['table', 'inception_resnet_v1', '--collapse', '-o', path]) == 0\n"
        "sys.exit(main(['table', 'inception_v4', '--size', '74']))"
    )
    paths = {format: tmp_path / f"table{FORMATS[format].suffix}" for format in FORMATS}
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-c", script, *map(str, paths.values())]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert (process.returncode, process.stdout) == (2, b"")
    sentence = rb"python -m inception: inception_v4 cannot take 74x74 px: the grid [^\n]+\n"
    assert re.fullmatch(sentence, process.stderr), process.stderr
    graph = trace(V1, 160)
    for format, path in paths.items():
        assert path.read_bytes() == export_table(graph.table(collapse=True), format, layer_title(graph)), format


# Short enough to stay in Python's buffer until it is flushed, and again when Python exits.
SHORT = ["--version"]


@pytest.mark.slow
def test_process_whose_reader_leaves_says_nothing() -> None:
    process = start(*SHORT)
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_process_with_a_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        process = start(*SHORT, stdout=full.fileno())
        _, err = process.communicate()
    assert process.returncode == 2
    assert err == b"python -m inception: cannot write standard output: No space left on device\n"


def test_settings_lists_value_default_and_meaning(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INCEPTION_MEMORY", "INCEPTION_WEIGHTS", "INCEPTION_UPLOADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INCEPTION_THREADS", "3")
    table = read_csv(run("settings")).set_index("name")
    assert list(table.columns) == ["value", "default", "takes", "meaning"]
    assert (str(table.value["INCEPTION_THREADS"]), str(table.default["INCEPTION_THREADS"])) == ("3", "")
    assert table.value["INCEPTION_MEMORY"] == table.default["INCEPTION_MEMORY"] == "1GiB"
    assert [row["name"] for row in json.loads(run("settings", "--format", "json"))] == list(table.index)


def test_a_bad_setting_is_one_sentence(fail: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_THREADS", "many")
    for argv in (["settings"], ["predict", str(ROOT / "assets/samples/cat.jpg")], ["evaluate", V1]):
        assert "INCEPTION_THREADS must be a whole number from 1 to 1024, not 'many'." in fail(*argv)


@pytest.mark.slow
def test_version_and_help_load_no_command() -> None:
    script = (
        "import sys; from inception.cli.main import main; main(['--version']); main(['--help'])\n"
        "loaded = {name for name in sys.modules if name.startswith('inception.cli.')}\n"
        "light = ('help', 'language', 'main', 'mistakes', 'output')\n"
        "assert loaded == {f'inception.cli.{name}' for name in light}, loaded\n"
        "assert not any(name.partition('.')[0] in ('babel', 'torch') for name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    version, _, help = done.stdout.partition("\n")
    assert version.startswith("inception-explorer")
    assert help.startswith("Usage: python -m inception COMMAND")


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_a_command(run: Run, command: str) -> None:
    about = cli.COMMANDS[command]
    function = getattr(import_module(f"inception.cli.{about.module}"), command)
    assert function.__doc__ == about.summary
    out = run(command, "--help").decode()
    assert out.startswith(f"Usage: python -m inception {command}")
    assert about.summary in " ".join(out.split())
    assert about.more in " ".join(out.split())
    assert "--lang CODE" in out


def test_the_command_is_called_as_it_was_started(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/inception-explorer", "table"])
    assert cli.main() == 2
    assert capfd.readouterr().err.startswith("inception-explorer: ")


def test_the_readme_lists_every_command_with_all_its_options() -> None:
    rows = re.findall(r"^\| `([a-z]+)[^|]*`[^|]*\|[^|]*\|([^|]*)\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed: dict[str, set[str]] = {}
    for command, options in rows:
        listed.setdefault(command, set()).update(re.findall(r"`(--?[a-z-]+)`", options))
    assert set(listed) == set(cli.COMMANDS)
    app = cli.make_app("inception-explorer", io.StringIO())
    for command in cli.COMMANDS:
        arguments = app[command].assemble_argument_collection(default_parameter=app.default_parameter)
        named = [argument for argument in arguments if argument.name.startswith("-")]
        options = {"-o" if "-o" in argument.names else argument.name for argument in named}
        assert listed[command] - {"--no-bias"} == options, command


def test_the_readme_lists_every_setting() -> None:
    rows = re.findall(r"^\| `(INCEPTION_[A-Z_]+)` \| `?([^|`]*)`? \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    without = {"INCEPTION_THREADS": "PyTorch decides"}
    expected = [(row["name"], row["default"] or without.get(row["name"], "none")) for row in described_settings()]
    assert [(name, default.strip()) for name, default in rows] == expected


def test_the_readmes_list_the_same_commands_options_settings_and_pages() -> None:
    """Both have the same rows in the same tables, of which the code parts are the same in any language."""
    read = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    rows = [[re.findall("`[^`]*`", row) for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)] for text in read]
    assert rows[0] == rows[1]
    assert "README.zh-CN.md" in read[0].partition("\n## ")[0]
    assert "README.md" in read[1].partition("\n## ")[0]
    blocks = [re.findall(r"^```python\n(.*?)^```|^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL) for text in read]
    commands = [[re.sub(" *#.*", "", "".join(block)) for block in found] for found in blocks]
    assert commands[0] == commands[1]
    with words.speaking("zh_CN"):
        assert markdown_table() in read[1]


def in_chinese(run: Run, *argv: str) -> str:
    return run(*argv, "--lang", "zh_CN").decode()


def test_a_language_is_asked_for_before_or_after_the_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    chinese = in_chinese(run, "table", "--help")
    assert "用法：python -m inception table" in chinese
    assert chinese.encode() == run("--lang", "zh_CN", "table", "--help") == run("table", "--lang=zh", "--help")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert run("table", "--help") == chinese.encode()
    assert "Usage: " in run("table", "--lang", "en", "--help").decode()
    monkeypatch.setenv("LC_MESSAGES", "fr_FR.UTF-8")
    assert "Usage: " in run("table", "--help").decode()
    monkeypatch.setenv("LC_ALL", "zh_TW.UTF-8")
    assert run("table", "--help") == chinese.encode()


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_is_translated_whole(run: Run, command: str) -> None:
    """No two words of English stand beside each other, but for names."""
    text = in_chinese(run, command, "--help").partition("\n")[2]
    names = {"JSON CSV", "MODEL models", "CSV JSON"}
    left = {" ".join(pair.split()) for pair in re.findall(r"(?<![-\w])[a-z]+ +[a-z]+(?!\w)", text)}
    assert left - names == set()
    assert re.search("[一-鿿]", text)


def test_errors_are_in_the_language_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    said = {}
    for argv in (["table"], ["tabel"], ["table", V1, "--colapse"], ["table", V1, "--top", "0"], ["table", "v5"]):
        assert cli.main([*argv, "--lang", "zh_CN"]) == 2
        said[argv[-1]] = capfd.readouterr().err.removeprefix("python -m inception: ").strip()
    see = "详见 python -m inception table --help"
    assert said["table"] == f"缺少 MODEL；{see}"
    assert said["tabel"] == "未知的命令“tabel”，可能是“table”；详见 python -m inception --help"
    assert said["--colapse"] == f"未知的选项：--colapse，可能是 --collapse；{see}"
    assert said["0"] == f"--top 的值无效：0 不是不小于 1 的整数；{see}"
    assert said["v5"].startswith("未知模型 'v5'")


def test_a_language_that_there_is_not(fail: Callable[..., str]) -> None:
    assert "there is no language 'fr'; there are en (English), zh_CN (简体中文)" in fail("models", "--lang", "fr")
    assert "--lang needs a language: en (English)" in fail("models", "--lang")


@pytest.mark.parametrize(
    "argv",
    [
        ["models"],
        ["table", V1, "--format", "json"],
        ["compare", V1, "inception_v3"],
        ["factorize"],
        ["factorize", V1],
        ["settings"],
        ["settings", "--format", "json"],
    ],
    ids=" ".join,
)
def test_what_programs_read_is_english(run: Run, argv: list[str]) -> None:
    assert run(*argv, "--lang", "zh_CN") == run(*argv, "--lang", "en")


@pytest.mark.usefixtures("terminal")
def test_what_people_read_is_in_their_language(run: Run) -> None:
    assert "检查点" in in_chinese(run, "settings").replace("\n", "")
