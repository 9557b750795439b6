"""Files of the reader's own: which network they fit, and that an upload is a file for a moment only."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from inception import CheckpointError, create_model, zoo
from inception.weights import download
from inception.zoo import check_weights
from pages.parts import weights_chooser
from pages.parts.weights_chooser import uploaded_file
from tests import reference

from .downloads.server import HTML, TINY, checkpoint, files


def small_file(path: Path, variant: str, **overrides: Any) -> Path:
    path.write_bytes(save(create_model(variant, width=0.02, **overrides).state_dict()))
    return path


def assert_does_not_fit(path: Path, variant: str, *mentioned: str, **overrides: Any) -> None:
    with pytest.raises(CheckpointError) as caught:
        check_weights(variant, path, **overrides)
    reference.assert_one_sentence(caught.value)
    for text in (path.name, *mentioned):
        assert text in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["inception_v4", "inception_resnet_v1", "inception_resnet_v2"])
def test_a_file_fits_its_network_and_no_other(variant: str, tmp_path: Path) -> None:
    path = small_file(tmp_path / "mine.safetensors", variant)
    check_weights(variant, str(path), width=0.02)
    assert_does_not_fit(path, variant, "shape")
    for other in {"inception_v4", "inception_resnet_v1", "inception_resnet_v2"} - {variant}:
        assert_does_not_fit(path, other, width=0.02)


def test_any_number_of_classes_fits_unless_it_is_given(tmp_path: Path) -> None:
    path = small_file(tmp_path / "flowers.safetensors", "inception_v4", num_classes=17)
    check_weights("inception_v4", path, width=0.02)
    check_weights("inception_v4", path, width=0.02, num_classes=17)
    assert_does_not_fit(path, "inception_v4", "17", width=0.02, num_classes=1000)


def test_checking_does_not_disturb_random_numbers(tmp_path: Path) -> None:
    path = small_file(tmp_path / "mine.safetensors", "inception_v4")
    before = torch.get_rng_state()
    check_weights("inception_v4", path, width=0.02)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    assert_does_not_fit(tmp_path / "absent.pt", "inception_v4", "no such file")
    assert_does_not_fit(tmp_path, "inception_v4", "no such file")
    os.mkfifo(tmp_path / "pipe.pt")  # reading it would wait for ever
    assert_does_not_fit(tmp_path / "pipe.pt", "inception_v4", "no such file")


def test_large_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pt"
    with path.open("wb") as file:
        file.truncate(download.MAX_BYTES + 1)
    assert_does_not_fit(path, "inception_v4", "larger than 1.1 GB")


def test_small_files_with_large_tensors_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Views that repeat one number, a few kilobytes for which a network would need gigabytes; and too many classes."""
    path = tmp_path / "bomb.pt"
    torch.save({"head.Logits.Logits.weight": torch.zeros(1, 1).expand(10**6, 1536)}, path)
    assert path.stat().st_size < 10_000
    assert_does_not_fit(path, "inception_v4", "larger than the file")
    monkeypatch.setattr(zoo, "MAX_BYTES", 10**6)
    torch.save({"head.Logits.Logits.bias": torch.zeros(10**5)}, path)
    assert_does_not_fit(path, "inception_v4", "100,000 classes")


def test_an_upload_is_a_file_for_a_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with uploaded_file(memoryview(checkpoint()), "my face.pt") as path:
        assert path.name == "my_face.pt"
        assert path.is_relative_to(tmp_path)
        assert path.parent.stat().st_mode & 0o077 == 0, "others on the machine must not read it"
        assert path.read_bytes() == checkpoint()
        check_weights("inception_resnet_v1", path, **TINY)
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(CheckpointError, match=r"^login.html: not a checkpoint"),
        uploaded_file(HTML, "login.html") as path,
    ):
        check_weights("inception_resnet_v1", path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc/passwd", "/", "a\0b.pt", "ü" * 400 + ".pt", "CON:\\x|y.pt"])
def test_names_of_uploads_stay_in_their_folder(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with uploaded_file(b"x", name) as path:
        assert path.resolve().parent.parent == tmp_path.resolve()
        assert files(tmp_path) == [path]
    assert list(tmp_path.iterdir()) == []


def test_uploads_without_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match=r"mine\.pt: no room"), uploaded_file(b"x", "mine.pt"):
        pass
    monkeypatch.setattr(weights_chooser, "MAX_BYTES", 3)
    with pytest.raises(CheckpointError, match=r"mine\.pt: larger than"), uploaded_file(b"1234", "mine.pt"):
        pass
    assert list(tmp_path.iterdir()) == []
