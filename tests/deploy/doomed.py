"""What a server does at the moment in which a test kills it: a download, a training and a vote, each in the middle.

`python -m tests.deploy.doomed ADDRESS FOLDER` says each student whose answer is in, and "ready" when the download and
the training stand in the middle; then it goes on with the vote until it is killed.
"""

import io
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import torch

from inception.rooms.questions import Kind, Question
from inception.rooms.store import Rooms
from inception.training import recipe as training
from inception.training.cifar10 import Pictures
from inception.training.recipe import Recipe
from inception.weights.known import known_weights
from inception.zoo import fetch_weights

TAG = "published"
TINY: dict[str, Any] = {"width": 0.05, "repeats": (1, 1, 1)}  # the network of the download
HELD_OUT = 8  # pictures
RECIPE = Recipe("inception_resnet_v2", width=0.03, repeats=(1, 1, 1), size=75, epochs=2, batch=8, learning_rate=0.05)
QUESTION = Question(Kind.NUMBER, "How many layers?")


def publish(address: str) -> None:
    """Lets a file at an address be that of known weights."""
    known = replace(known_weights()["20180402-114759-vggface2"], sha256="", overrides=TINY)
    known_weights()[TAG] = replace(known, tag=TAG, url=f"{address}/release/tiny.pt")


def pictures() -> Pictures:
    """Twenty-four flat pictures; the class is the brightness."""
    labels = torch.arange(24) % 10
    return (25 * labels)[:, None, None, None].expand(24, 3, 32, 32).to(torch.uint8).contiguous(), labels


def rooms_in(folder: Path) -> Rooms:
    """The rooms of this server."""
    return Rooms(f"sqlite:///{folder}/rooms.sqlite3")


def stand_still_in_the_second_checkpoint() -> None:
    """Lets the file of the second epoch be written by half, and no further."""
    whole = torch.save

    def save(content: Mapping[str, Any], path: Path) -> None:
        if len(content["log"]) == 1:
            whole(content, path)
            return
        file = io.BytesIO()
        whole(content, file)
        path.write_bytes(file.getvalue()[: file.tell() // 2])
        say("ready")
        time.sleep(600)

    torch.save = save  # type: ignore[assignment]


def say(line: str) -> None:
    """Writes a line as a whole: `print` from two threads would mix them."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(address: str, folder: Path) -> None:
    """Does all three until it is killed."""
    publish(address)
    download = fetch_weights(TAG)
    while not download.done_bytes:
        time.sleep(0.01)
    training.HELD_OUT, training.MIXED_ON_CPU = HELD_OUT, False
    stand_still_in_the_second_checkpoint()
    threading.Thread(target=lambda: list(training.train(RECIPE, pictures(), folder / "run")), daemon=True).start()

    rooms = rooms_in(folder)
    code, key = rooms.open("teacher")
    rooms.ask(code, key, QUESTION)
    say(f"{code} {key}")
    asked = rooms.asked(code)
    assert asked
    for student in count():
        rooms.enter(code, f"student {student}")
        rooms.answer(code, f"student {student}", asked.number, student)
        say(str(student))
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
