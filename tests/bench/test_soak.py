"""The soak ends when it is told to."""

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEVER = """
import signal, sys, threading
from bench import soak

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
soak.known_pictures = lambda count: [("name", b"", "", 0.0)] * count

def waits(self, *_):
    print("waits", flush=True)
    threading.Event().wait()

soak.Visitors._session = waits
soak.Visitors("http://localhost:1", 3600.0, 0, 1).come_and_go()
"""


def test_a_signal_ends_it_while_visitors_wait_for_answers() -> None:
    soak = subprocess.Popen([sys.executable, "-c", NEVER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert soak.stdout is not None
        assert soak.stdout.readline() == "waits\n"
        soak.send_signal(signal.SIGTERM)
        assert soak.wait(timeout=60) == 143
    finally:
        soak.kill()
