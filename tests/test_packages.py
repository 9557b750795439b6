"""Pictures out of packages: Qt's resource files and the credits beside the pictures. Nothing here asks the network."""

import struct
import zlib
from pathlib import Path

import pytest

from tools.packages import PACKAGES, Credit, PackageError, credits, fetch, resources

README = b"""Copyright: Ada
Source: https://example.org/alpaca
License: CC0-1.0
Comments: cropping
Files: alpaca.webp

Copyright: Ben and
License: Public Domain
Files:
wonders/petra.webp
bee.webp
"""


def resource_file(version: int) -> bytes:
    """A folder "a" with the files "b.txt" (plain) and "c.txt" (compressed), as Qt's rcc lays them out."""
    names, places = b"", {}
    for name in ("a", "b.txt", "c.txt"):
        places[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    plain, packed = b"plain", struct.pack(">I", 6) + zlib.compress(b"packed")
    contents = b"".join(struct.pack(">I", len(data)) + data for data in (plain, packed))
    changed = b"" if version == 1 else bytes(8)
    tree = (
        struct.pack(">IHII", 0, 2, 1, 1)
        + changed
        + struct.pack(">IHII", places["a"], 2, 2, 2)
        + changed
        + struct.pack(">IHHHI", places["b.txt"], 0, 0, 0, 0)
        + changed
        + struct.pack(">IHHHI", places["c.txt"], 1, 0, 0, 4 + len(plain))
        + changed
    )
    start = 20
    header = struct.pack(">4sIIII", b"qres", version, start, start + len(tree), start + len(tree) + len(contents))
    return header + tree + contents + names


@pytest.mark.parametrize("version", [1, 2])
def test_files_come_out_of_a_resource_file(version: int) -> None:
    assert dict(resources(resource_file(version))) == {"a/b.txt": b"plain", "a/c.txt": b"packed"}


def test_another_file_is_no_resource_file() -> None:
    with pytest.raises(PackageError, match="no resource file"):
        list(resources(bytes(40)))


def test_credits_stand_beside_the_pictures() -> None:
    found = credits({"src/erase/README": README, "src/erase/bee.webp": b""})
    ada = Credit("Ada", "CC0-1.0", "https://example.org/alpaca")
    ben = Credit("Ben and", "Public Domain", "")
    assert found["src/erase/alpaca.webp"] == ada
    assert found["src/erase/wonders/petra.webp"] == found["src/erase/bee.webp"] == ben


def test_a_package_that_is_another_one_is_refused(tmp_path: Path) -> None:
    package = PACKAGES[0]
    (tmp_path / f"{package.name}_{package.version}_all.deb").write_bytes(b"something else")
    with pytest.raises(PackageError, match="SHA-256 differs"):
        fetch(package, tmp_path)


def test_without_apt_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match="apt-get, which would fetch it, is not"):
        fetch(PACKAGES[0], tmp_path / "packages")
