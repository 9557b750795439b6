"""Pictures inside Debian's packages, which carry their credits with them."""

import hashlib
import shutil
import struct
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from inception.errors import InceptionError


class PackageError(InceptionError):
    """A package that cannot be had, in one sentence."""


@dataclass(frozen=True)
class Package:
    """A package at one version."""

    name: str
    version: str
    sha256: str
    folder: str  # that paths of its files start from
    licence: str = ""  # of all its files, where it does not say it of each
    author: str = ""

    @property
    def title(self) -> str:
        """Name and version, as others.csv has them."""
        return f"{self.name} {self.version}"


PACKAGES = (
    Package(
        name="gcompris-qt-data",
        version="3.1-2",
        sha256="e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
        folder="usr/share/gcompris-qt/rcc",
    ),
    Package(
        name="tuxpaint-stamps-default",
        version="2022.06.04-1",
        sha256="6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
        folder="usr/share/tuxpaint/stamps",
        licence="GPL-2",
        author="Bill Kendrick and the contributors whom its changelog names",
    ),
)


@dataclass(frozen=True)
class Credit:
    """Whose a file is."""

    author: str
    licence: str
    source: str


def fetch(package: Package, folder: Path) -> Path:
    """The file of a package in `folder`, fetched by apt-get unless it is there; raises PackageError."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.name}_{package.version}_*.deb"
    if not list(folder.glob(pattern)):
        if not shutil.which("apt-get"):
            raise PackageError(f"{folder}: {package.title} is not here, and apt-get, which would fetch it, is not.")
        command = ["apt-get", "download", f"{package.name}={package.version}"]
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
    found = next(folder.glob(pattern), None)
    if found is None:
        raise PackageError(f"apt-get could not fetch {package.title} of Debian 12; put its file into {folder} by hand.")
    if hashlib.sha256(found.read_bytes()).hexdigest() != package.sha256:
        raise PackageError(f"{found}: not the file of {package.title} (its SHA-256 differs).")
    return found


def files_of(package: Package, archive: Path) -> dict[str, bytes]:
    """All files below the package's folder, those inside Qt's resource files too, by path."""
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE)
    found: dict[str, bytes] = {}
    with process, tarfile.open(fileobj=process.stdout, mode="r|") as files:
        for member in files:
            path = member.name.removeprefix("./")
            if not member.isfile() or not path.startswith(f"{package.folder}/"):
                continue
            data = files.extractfile(member)
            assert data is not None
            if path.endswith(".rcc"):
                found |= {name.removeprefix("gcompris/"): content for name, content in resources(data.read())}
            else:
                found[path.removeprefix(f"{package.folder}/")] = data.read()
    return found


def resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file in a binary resource file of Qt (the format of its tool rcc, version 1 to 3)."""
    magic, version, tree, contents, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        raise PackageError("A file that ends in .rcc is no resource file of Qt.")
    node = 14 if version == 1 else 22  # bytes; later versions note when a file changed

    def walk(index: int, above: str) -> Iterator[tuple[str, bytes]]:
        start = tree + index * node
        name, flags = struct.unpack_from(">IH", data, start)
        (length,) = struct.unpack_from(">H", data, names + name)
        text = data[names + name + 6 : names + name + 6 + 2 * length].decode("utf-16-be")
        path = f"{above}/{text}" if above else text
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", data, start + 6)
            for child in range(first, first + count):
                yield from walk(child, "" if index == 0 else path)
            return
        (offset,) = struct.unpack_from(">I", data, start + 10)
        (size,) = struct.unpack_from(">I", data, contents + offset)
        content = data[contents + offset + 4 : contents + offset + 4 + size]
        yield path, zlib.decompress(content[4:]) if flags & 1 else content

    yield from walk(0, "")


def credits(files: dict[str, bytes]) -> dict[str, Credit]:
    """Whose each file is, as the files called README beside them say in blocks of "Key: value" lines."""
    found: dict[str, Credit] = {}
    for path, content in files.items():
        folder = PurePosixPath(path).parent
        if PurePosixPath(path).name != "README":
            continue
        for block in content.decode("utf-8", errors="replace").replace("\r", "").split("\n\n"):
            facts: dict[str, str] = {}
            names: list[str] = []
            for line in block.splitlines():
                key, colon, value = line.partition(": ")
                if colon and key.isalpha():
                    facts[key] = value.strip()
                elif line.strip() != "Files:":
                    names.append(line.strip())
            names += facts.get("Files", "").split()
            credit = Credit(*(facts.get(key, "") for key in ("Copyright", "License", "Source")))
            found |= {str(folder / name): credit for name in names if name}
    return found
