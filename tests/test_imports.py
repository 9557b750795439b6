"""What the library loads in a process of its own: nothing heavy at first, then torch, and nothing heavier."""

import os
import subprocess
import sys

import pytest

WHEN_USED = {
    *("captum", "httpx2", "huggingface_hub", "jinja2", "matplotlib", "pandas", "plotly", "pyarrow"),
    *("pydantic", "pydantic_settings", "pygraphviz", "rich", "tabulate", "torchinfo", "xlsxwriter"),
}


@pytest.fixture(scope="module")
def fresh() -> subprocess.CompletedProcess[str]:
    """A process that imports the library, asks for all its names and then traces.

    It prints the names of what is loaded after each, and OpenMP says what it makes of its settings.
    """
    asks = "for name in inception.__all__: getattr(inception, name)"
    traces = "for name in inception.list_models(): inception.trace(name, 160)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP")}
    return subprocess.run(
        [sys.executable, "-c", "\nprint(*sys.modules)\n".join(["import sys, inception", asks, traces, ""])],
        env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_what_a_fresh_process_loads(fresh: subprocess.CompletedProcess[str]) -> None:
    first, loaded = ({name.partition(".")[0] for name in line.split()} for line in fresh.stdout.splitlines()[:2])
    assert {"torch", "numpy", "PIL"} & first == set(), "`--help` and what starts a server would wait for it"
    assert "torch" in loaded
    assert loaded & WHEN_USED == set()


def test_a_trace_loads_no_compiler(fresh: subprocess.CompletedProcess[str]) -> None:
    """It would take longer than all else that the command `table` does."""
    loaded = fresh.stdout.splitlines()[2].split()
    assert "inception.graph.shape_rules" in loaded
    assert {"torch._dynamo", "sympy"} & set(loaded) == set()


def test_import_reads_no_headers(fresh: subprocess.CompletedProcess[str]) -> None:
    loaded = fresh.stdout.splitlines()[1].split()
    assert "inception.weights" in loaded
    assert "inception.weights.header" not in loaded


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch brings GNU's OpenMP on Linux only")
def test_threads_that_wait_do_not_spin(fresh: subprocess.CompletedProcess[str]) -> None:
    """OpenMP reads OMP_WAIT_POLICY once, when torch is loaded; it can be made to say how often threads then spin."""
    assert "GOMP_SPINCOUNT = '0'" in fresh.stderr
