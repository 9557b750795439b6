"""What the tests' app does otherwise than the app: `served_app` runs one of these functions before it starts.

It runs in the process of the server, and imports nothing of pytest.
"""

import math
import os
import sys
import time
from typing import Any

import pandas as pd

from inception.training import twins

STEP = 0.25  # seconds


def watched_and_quick(written: str) -> None:
    """Notes what is opened for writing in a file, and lets a race train for as long as it takes to look at it."""
    note_what_is_written(written)
    wait_in_place_of_a_race()


def note_what_is_written(path: str) -> None:
    """Adds every file that Python opens for writing; temporary files without a name are noted by their folder.

    Not what Python keeps of modules that it read for the first time.
    """
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and "__pycache__" not in str(arguments[0]):
            os.write(log, f"{arguments[0]}\n".encode())

    sys.addaudithook(hook)


def wait_in_place_of_a_race() -> None:
    """Makes a step of a race a wait: what training gives is tested elsewhere, and others may have the processor.

    The page on the residual scale measures in every step, and trains.
    """
    train = twins._step

    def step(
        twin: int, number: int, model: Any, optimizer: Any, pictures: Any, labels: Any, profiled: bool
    ) -> twins.Step:
        if profiled:
            return train(twin, number, model, optimizer, pictures, labels, profiled)
        time.sleep(STEP)
        return twins.Step(twin, number, 2.3 / number, 0.5, 1.0, math.nan, pd.DataFrame())

    twins._step = step
