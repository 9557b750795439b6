"""`import inception` takes in torch and nothing heavier."""

import subprocess
import sys

WHEN_USED = {
    *("captum", "httpx2", "huggingface_hub", "jinja2", "matplotlib", "pandas", "plotly", "pyarrow"),
    *("pydantic", "pydantic_settings", "pygraphviz", "rich", "tabulate", "torchinfo", "xlsxwriter"),
}


def test_what_a_fresh_process_loads() -> None:
    code = "import sys, inception; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "torch" in loaded
    assert loaded & WHEN_USED == set()
