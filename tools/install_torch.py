"""Installs PyTorch's CPU build where the machine has no use for CUDA: `python tools/install_torch.py requirements.txt`.

On Linux, PyPI's build of PyTorch brings CUDA's libraries, several gigabytes. Without an NVIDIA GPU this script installs
the CPU build of the pinned version from PyTorch's own index, with the pip of the Python that runs it. Where it does
nothing, `pip install -r requirements.txt` takes what PyPI has.
"""

import re
import subprocess
import sys
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

INDEX = "https://download.pytorch.org/whl/cpu"
PATIENCE = 5  # seconds for the index, and for the driver, to answer


def pinned(requirements: Path) -> str:
    """The version of torch that a requirements file asks for."""
    pin = re.search(r"^torch==(\S+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    if pin is None:
        raise SystemExit(f"{requirements} has no line torch==VERSION")
    return pin[1]


def is_installed(pin: str) -> bool:
    """Whether this Python has that version of torch, in any build."""
    try:
        return version("torch").partition("+")[0] == pin
    except PackageNotFoundError:
        return False


def has_nvidia_gpu() -> bool:
    """Whether NVIDIA's driver finds a GPU."""
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def index_offers(pin: str) -> bool:
    """Whether PyTorch's index answers, and has that version."""
    try:
        with urllib.request.urlopen(f"{INDEX}/torch/", timeout=PATIENCE) as answer:
            page: bytes = answer.read()
    except OSError:
        return False
    return re.search(rf"torch-{re.escape(pin)}(\+|%2B)cpu-".encode(), page) is not None


def wants_cpu_build(pin: str) -> bool:
    """Whether the CPU build of PyTorch's own index is the one to install now; the network is asked last."""
    return sys.platform == "linux" and not is_installed(pin) and not has_nvidia_gpu() and index_offers(pin)


def main(requirements: Path) -> None:
    """Installs the CPU build, or nothing."""
    pin = pinned(requirements)
    if not wants_cpu_build(pin):
        return
    # --no-deps: what torch needs comes with the other requirements.
    command = [sys.executable, "-m", "pip", "install", "--no-deps", f"torch=={pin}", "--index-url", INDEX]
    if subprocess.run(command, check=False).returncode:
        print("PyTorch's own index did not deliver the CPU build; PyPI's follows.", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
