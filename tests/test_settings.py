"""What an operator may set: read from the environment, used where it counts, and one sentence for a bad value."""

import sys
from pathlib import Path

import pytest
import torch

from inception import InceptionError
from inception.runtime.devices import use_threads
from inception.runtime.image import MAX_BYTES
from inception.runtime.pool import Pool
from inception.settings import PREFIX, Settings, SettingsError, described_settings, settings
from inception.weights.known import weights_folder

from .reference import assert_one_sentence

NAMES = [
    PREFIX + name.upper()
    for name in (
        "weights",
        "memory",
        "threads",
        "uploads",
        "kept_uploads",
        "engine_url",
        "engine_token",
        "database_url",
    )
]


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    assert settings().model_dump() == {
        "weights": Path("weights"),
        "memory": 2**30,
        "threads": None,
        "uploads": 8 * MAX_BYTES,
        "kept_uploads": 200 * 2**20,
        "engine_url": None,
        "engine_token": None,
        "database_url": "sqlite:///rooms/rooms.sqlite3",
    }


def test_every_setting_says_what_it_takes_and_means() -> None:
    rows = described_settings()
    assert [row["name"] for row in rows] == NAMES == [PREFIX + name.upper() for name in Settings.model_fields]
    assert all(row["takes"] and row["meaning"] for row in rows)
    assert (
        [row["default"] for row in rows]
        == [row["value"] for row in rows]
        == ["weights", "1GiB", "", "160MiB", "200MiB", "", "", "sqlite:///rooms/rooms.sqlite3"]
    )


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_DATABASE_URL", "postgresql://teacher:s3cret@host/rooms")
    assert described_settings()[-1]["value"] == "postgresql://teacher:…@host/rooms"
    monkeypatch.setenv("INCEPTION_DATABASE_URL", "mysql://teacher:s3cret@host/rooms")
    with pytest.raises(SettingsError, match="must be an address") as caught:
        settings()
    assert "s3cret" not in str(caught.value)


def test_the_environment_is_read_whenever_a_setting_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    assert weights_folder() == tmp_path
    assert settings() is settings()
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path / "others"))
    assert weights_folder() == tmp_path / "others"


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_leaves_the_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    assert settings() == Settings.model_construct()


@pytest.mark.parametrize(
    ("text", "size", "shown"),
    [
        ("1.5GB", 1_500_000_000, "1.5GB"),
        ("512MiB", 2**29, "0.5GiB"),
        ("1 gib", 2**30, "1GiB"),
        ("800mb", 800_000_000, "0.8GB"),
        ("12345B", 12345, "12345B"),
    ],
)
def test_memory_has_a_unit(monkeypatch: pytest.MonkeyPatch, text: str, size: int, shown: str) -> None:
    monkeypatch.setenv("INCEPTION_MEMORY", text)
    assert settings().memory == size
    assert described_settings()[1]["value"] == shown
    assert Pool().limit == size
    assert Pool(limit=7).limit == 7


def test_a_session_has_room_for_the_largest_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_UPLOADS", f"{MAX_BYTES}B")
    assert settings().uploads == MAX_BYTES
    monkeypatch.setenv("INCEPTION_UPLOADS", f"{MAX_BYTES - 1}B")
    with pytest.raises(SettingsError, match="at least 20MiB"):
        settings()


def test_threads_are_those_of_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    before, interval = torch.get_num_threads(), sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.005)
        use_threads()
        assert torch.get_num_threads() == before
        assert sys.getswitchinterval() < 0.001, "a pass waits for Python after every layer"
        monkeypatch.setenv("INCEPTION_THREADS", str(before + 1))
        use_threads()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
        sys.setswitchinterval(interval)


BAD = [
    *(
        ("INCEPTION_MEMORY", text)
        for text in ("512", "5GB more", "0GB", "-1GB", "1e400GB", "5potatoes", "many", "..GB")
    ),
    *(("INCEPTION_THREADS", text) for text in ("0", "-1", "2.5", "all", "1025", "9" * 30)),
    *(("INCEPTION_UPLOADS", text) for text in ("8", "no", "19MiB")),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingsError, match=rf"^{name} must be a .+, not '") as caught:
        settings()
    assert isinstance(caught.value, InceptionError)
    assert text in str(caught.value)
    assert_one_sentence(caught.value)


def test_a_setting_that_cannot_be_used_leaves_the_pool_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Pool()
    monkeypatch.setenv("INCEPTION_MEMORY", "much")
    with pytest.raises(SettingsError):
        pool.get("inception_v4")
    monkeypatch.setenv("INCEPTION_MEMORY", "1GB")
    assert len(pool) == 0
    assert pool.limit == 10**9
