"""Damaged and hostile files: decoder and loader give their own error or a sound result, in bounded time and memory.

The files are read in one process of their own, so that a crash of a C library is a failed test and not the end of the
run.
"""

import io
import json
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save
from torch import Tensor, nn

import inception
from inception import CheckpointError, ImageError, load_image, load_weights
from inception.runtime.image import MAX_BYTES

PICTURES = 12_000
CHECKPOINTS = int(os.environ.get("FUZZ_CHECKPOINTS", "2500"))  # 5,000 and more for whoever changes what reads them
MB = 2**20
# Beyond these the process is stopped: nothing may hang, and nothing may take the machine's memory.
CPU_SECONDS = 240
ADDRESS_SPACE = 8 * 2**30
INTERESTING = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]

Report = dict[str, int]


def mutate(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A copy with one to four changes, half of them in the first 200 bytes, where the headers are."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(changed), 200) if rng.random() < 0.5 else len(changed))
        match rng.randrange(7):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at] = rng.randrange(256)
            case 2:
                size = rng.choice([1, 2, 4, 8])
                value = rng.choice(INTERESTING) % 256**size
                changed[at : at + size] = value.to_bytes(size, rng.choice(["little", "big"]))
            case 3:
                del changed[at : at + rng.randint(1, 64)]
            case 4:
                changed[at:at] = rng.randbytes(rng.randint(1, 64))
            case 5:
                changed[at:at] = changed[at : at + rng.randint(1, 200)]
            case 6:
                changed[at:] = rng.choice(others)[at:] if rng.random() < 0.5 else b""
        if not changed:
            break
    return bytes(changed)


def encode(image: Image.Image, fmt: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def float_tiff(image: Image.Image, bits: int, packed: bool) -> bytes:
    """The picture as RGB floats of so many bits."""
    body = (np.asarray(image) / 255).astype(f"<f{bits // 8}").tobytes()
    body = zlib.compress(body) if packed else body
    tags = {256: image.width, 257: image.height, 258: bits, 259: 8 if packed else 1, 262: 2, 273: 500, 277: 3}
    return tiff(tags | {278: image.height, 279: len(body), 339: 3}, body)


def picture_seeds() -> list[bytes]:
    """Small files of each format and of most ways to store pixels."""
    colour = Image.radial_gradient("L").resize((24, 20)).convert("RGB")
    frames = {"save_all": True, "append_images": [colour.rotate(90), colour.rotate(180)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    tiffs: list[tuple[str, dict[str, Any]]] = [
        ("RGB", {"compression": name}) for name in ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg")
    ]
    tiffs += [("1", {"compression": "group4"}), ("CMYK", {}), ("F", {}), ("I", {}), ("LA", {}), ("P", {})]
    return [
        *(encode(colour, "JPEG", exif=exif, **options) for options in ({}, {"progressive": True}, {"quality": 20})),
        encode(colour.convert("CMYK"), "JPEG"),
        encode(colour, "MPO", save_all=True, append_images=[colour]),
        *(encode(colour.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGBA", "I;16")),
        encode(colour, "PNG", exif=exif, icc_profile=b"x" * 200),
        encode(colour.quantize(8), "PNG", transparency=b"\0\x80\xff"),
        *(encode(colour, fmt, **frames) for fmt in ("PNG", "GIF", "WEBP", "TIFF")),
        encode(colour.quantize(8), "GIF", transparency=2),
        *(encode(colour, "WEBP", lossless=lossless, exif=exif) for lossless in (False, True)),
        *(encode(colour.convert(mode), "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")),
        *(encode(colour.convert(mode), "TIFF", exif=exif, **options) for mode, options in tiffs),
        *(float_tiff(colour, bits, packed) for bits, packed in ((16, False), (32, True), (64, True))),
    ]


def mend_png(data: bytes) -> bytes:
    """The file with right checksums, without which nearly every damage ends at the first chunk."""
    mended, at = data[:8], 8
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        mended += data[at:end] + struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return mended


def all_sentences(texts: set[str]) -> bool:
    return all(text.endswith(".") and "\n" not in text for text in texts)


def fuzz_pictures() -> Report:
    rng = random.Random(20160223)
    seeds = picture_seeds()
    loaded, errors = 0, set()
    for i, seed in enumerate(islice(cycle(seeds), PICTURES)):
        data = mutate(seed, rng, seeds)
        if data.startswith(b"\x89PNG") and rng.random() < 0.8:
            data = mend_png(data)
        try:
            image = load_image(data)
        except ImageError as error:
            errors.add(str(error))
        except BaseException:
            print(f"picture {i}: {data.hex()}", file=sys.stderr)
            raise
        else:
            assert image.mode == "RGB"
            assert len(image.tobytes()) == 3 * image.width * image.height
            loaded += 1
    assert all_sentences(errors), errors
    return {"files": PICTURES, "loaded": loaded}


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


def torch_file(content: Any, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def rezipped(data: bytes, change: Callable[[zipfile.ZipInfo, bytes], bytes]) -> bytes:
    """A PyTorch file whose records went through `change`, which may also alter the record's entry in the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            record = zipfile.ZipInfo(entry.filename)
            new.writestr(record, change(record, old.read(entry)))
    return buffer.getvalue()


def mutate_checkpoint(way: str, seed: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Changes anywhere, or in the JSON of a safetensors file or the pickle of a PyTorch file, all else left sound."""
    if way == "header":
        size = int.from_bytes(seed[:8], "little")
        header = mutate(seed[8 : 8 + size], rng, others)
        return struct.pack("<Q", len(header)) + header + seed[8 + size :]
    if way == "pickle":
        return rezipped(seed, lambda record, body: mutate(body, rng, others) if "data.pkl" in record.filename else body)
    return mutate(seed, rng, others)


def keras_file(state: dict[str, Tensor], version: int) -> bytes:
    """The tensors as a file of Keras, in the layout of version 2 or 3."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for number, tensor in enumerate(state.values()):
            values = tensor.float().numpy()
            if version == 2:
                file[f"layer_{number}/layer_{number}/kernel:0"] = values
            else:
                file[f"layers/conv2d_{number}/vars/0"] = values
                file[f"layers/conv2d_{number}/vars"].attrs["name"] = f"layer_{number}"
    return buffer.getvalue()


def read_state(path: Path) -> dict[str, Tensor]:
    """The file's tensors by its own library; storages that an old PyTorch file never fills are zero."""
    start = path.read_bytes()[:9]
    if start[8:] == b"{":
        return load_file(path)
    location: Any = "cpu" if start[:2] == b"PK" else lambda storage, _: storage.fill_(0)
    state = torch.load(path, map_location=location, weights_only=True)
    while wrapped := next((key for key in ("state_dict_ema", "state_dict") if isinstance(state.get(key), dict)), None):
        state = state[wrapped]
    return {key.removeprefix("module."): tensor for key, tensor in state.items()}


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.allclose(first[key], second[key], rtol=0, atol=0, equal_nan=True) for key in first)


def fuzz_checkpoints() -> Report:
    rng = random.Random(20160223)
    torch.manual_seed(1)
    state = small_network().state_dict()
    legacy = torch_file({"state_dict": state, "epoch": 3}, zipped=False)
    seeds = [("bytes", save(state)), ("header", save(state)), ("bytes", torch_file(state)), ("bytes", legacy)]
    seeds.append(("pickle", torch_file(state)))
    wrapped = {"state_dict": state, "state_dict_ema": {f"module.{key}": tensor for key, tensor in state.items()}}
    seeds += [("bytes", torch_file(wrapped)), ("pickle", torch_file(wrapped))]
    seeds += [("bytes", keras_file(state, version)) for version in (2, 3)]
    others = [data for _, data in seeds]
    model = small_network()
    initial = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    path = Path("weights")
    loaded, keras, errors = 0, 0, set()
    for i, (way, seed) in enumerate(islice(cycle(seeds), CHECKPOINTS)):
        data = mutate_checkpoint(way, seed, rng, others)
        path.write_bytes(data)
        try:
            load_weights(model, path)
        except CheckpointError as error:
            errors.add(str(error))
            assert equal(model.state_dict(), initial), f"checkpoint {i} was refused and changed the model"
            keras += data.startswith(b"\x89HDF") and "no entry belongs" in str(error)
        except BaseException:
            print(f"checkpoint {i}: {data.hex()}", file=sys.stderr)
            raise
        else:
            valid = read_state(path)
            expected = {key: valid.get(key, tensor).to(tensor.dtype) for key, tensor in initial.items()}
            assert equal(model.state_dict(), expected), f"checkpoint {i} was loaded in part"
            model.load_state_dict(initial)
            loaded += 1
    path.unlink()
    assert all_sentences(errors), errors
    return {"files": CHECKPOINTS, "loaded": loaded, "keras_read": keras}


def refuse(folder: Path) -> Report:
    """Tries every file in a folder; they are written elsewhere, so that making them is not measured."""
    refused = 0
    for path in sorted(folder.iterdir()):
        try:
            load_weights(small_network(), path) if path.suffix == ".pt" else load_image(path)
        except (ImageError, CheckpointError):
            refused += 1
        else:
            raise AssertionError(f"{path.name} was loaded")
    return {"files": refused, "loaded": 0}


def peak_mb() -> int:
    """The most memory this process has held; getrusage counts what the parent held when it forked, too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MB  # macOS, in bytes


def main(costly: str) -> None:
    """Prints a report a part; its growth is the most memory until its end, so those that may take least come first."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    warnings.simplefilter("ignore")
    before = peak_mb()
    parts: dict[str, Callable[[], Report]] = {path.name: partial(refuse, path) for path in Path(costly).iterdir()}
    parts |= {"checkpoints": fuzz_checkpoints, "pictures": fuzz_pictures}
    print(json.dumps({name: part() | {"growth_mb": peak_mb() - before} for name, part in parts.items()}))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """What `main` reports of each part, run in an empty folder that is also its place for temporary files."""
    costly, work = tmp_path_factory.mktemp("costly"), tmp_path_factory.mktemp("work")
    for files in COSTLY:
        (costly / files.__name__).mkdir()
        for name, data in files():
            assert len(data) <= MAX_BYTES
            (costly / files.__name__ / name).write_bytes(data)
    root = Path(inception.__file__).parents[1]
    child = subprocess.run(
        [sys.executable, "-m", "tests.runtime.test_fuzz", str(costly)],
        cwd=work,
        env=os.environ | {"PYTHONPATH": str(root), "TMPDIR": str(work), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert child.returncode == 0, f"exit status {child.returncode}\n{child.stderr[-5000:]}"
    assert list(work.iterdir()) == [], "files were left behind"
    parts: dict[str, Report] = json.loads(child.stdout)
    for folder in costly.iterdir():
        assert parts[folder.name]["files"] == len(list(folder.iterdir())) > 0
    shutil.rmtree(costly)  # hundreds of megabytes
    return parts


def test_damaged_pictures(reports: dict[str, Report]) -> None:
    report = reports["pictures"]
    assert report["files"] == PICTURES
    assert PICTURES / 50 < report["loaded"] < PICTURES / 2, "most damages should matter, and some should not"
    assert report["growth_mb"] < 1000  # a damaged header may claim 50 megapixels


def test_damaged_checkpoints(reports: dict[str, Report]) -> None:
    report = reports["checkpoints"]
    assert report["files"] == CHECKPOINTS
    assert CHECKPOINTS / 100 < report["loaded"] < CHECKPOINTS / 2
    assert report["keras_read"] > CHECKPOINTS / 200, "of Keras' files, which fit no network here, some should be read"
    assert report["growth_mb"] < 200


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), *chunks, (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def tiff(tags: dict[int, int], body: bytes, offsets: int = 0) -> bytes:
    """A TIFF of LONG tags and a `body` at byte 500; with `offsets`, so many of its bytes are the strips' offsets."""
    entries = [(tag, 4, 1, value) for tag, value in tags.items()]
    if offsets:
        entries.append((273, 1, offsets, 500))
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return (b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed).ljust(500, b"\0") + body


def costly_pictures() -> Iterator[tuple[str, bytes]]:
    """Files whose cost is out of proportion to their bytes and pixels; to Pillow most mean minutes or gigabytes."""
    zeros = zlib.compress(bytes(100 * MB), 9)
    pixel = (b"IDAT", zlib.compress(b"\0\0"))
    yield "text of 100 MB.png", png((b"zTXt", b"k\0\0" + zeros), pixel)
    yield "text of 100 MB behind the pixels.png", png(pixel, (b"iTXt", b"k\0\1\0\0\0" + zeros))
    profile = b"k\0\0" + zlib.compress(bytes(MB - 100), 9)
    yield "thousands of packed profiles.png", png(*[(b"iCCP", profile)] * (MAX_BYTES // (len(profile) + 12) - 1), pixel)

    jpeg = encode(Image.new("RGB", (7000, 7000)), "JPEG")
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    yield "a million scans.jpg", jpeg[: jpeg.index(b"\xff\xda")] + scan * 1_000_000 + b"\xff\xd9"
    segment = b"\xff\xe1" + struct.pack(">H", 18) + b"Exif\0\0" + bytes(10)
    yield "a million EXIF segments.jpg", jpeg[:2] + segment * 1_000_000 + jpeg[2:]
    for marker in (b"\xff\xd9", b"\xff\xf0"):  # no length follows these two, though one seems to
        block = (marker + b"\xff\xff" + segment * 3276).ljust(2 + 0xFFFF, b"\0")
        yield f"EXIF segments hidden behind {marker.hex()}.jpg", jpeg[:2] + block * 300 + jpeg[2:]

    grey = {258: 8, 259: 1, 262: 1, 277: 1}
    strips = MAX_BYTES - 1000
    yield "millions of strips.tif", tiff(grey | {256: 1, 257: 32_768, 278: 1, 279: 1}, bytes(strips), strips)
    overlapping = grey | {256: 3000, 257: 3000, 278: 2999, 279: 9_000_000}
    yield "a hundred thousand overlapping strips.tif", tiff(overlapping, bytes(10_000_000), 100_000)
    side = 15_000
    tile = zlib.compress(bytes(side * side))
    tiled = grey | {256: 16, 257: 16, 259: 8, 322: side, 323: side, 324: 500, 325: len(tile)}
    yield "a tile of 225 MB on a picture of 16 pixels.tif", tiff(tiled, tile)


def costly_checkpoints() -> Iterator[tuple[str, bytes]]:
    def pack(record: zipfile.ZipInfo, body: bytes) -> bytes:
        record.compress_type = zipfile.ZIP_DEFLATED
        return body

    yield "packed zeros.pt", rezipped(torch_file({"0.weight": torch.zeros(60 * MB)}), pack)


COSTLY: tuple[Callable[[], Iterator[tuple[str, bytes]]], ...] = (costly_pictures, costly_checkpoints)


@pytest.mark.parametrize("files", [files.__name__ for files in COSTLY])
def test_costly_files_are_refused_before_they_cost(files: str, reports: dict[str, Report]) -> None:
    assert reports[files]["growth_mb"] < 150


def assert_refused_or_zero(path: Path, key: str) -> None:
    """Weights that the file does not hold may not be what happened to be in memory."""
    model = small_network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        load_weights(model, path)
    except CheckpointError:
        assert equal(model.state_dict(), before)
    else:
        assert model.state_dict()[key].count_nonzero() == 0


def test_a_record_marked_as_folder_is_not_read_from_memory(tmp_path: Path) -> None:
    def mark(record: zipfile.ZipInfo, body: bytes) -> bytes:
        record.external_attr = 0x10 if "/data/" in record.filename else 0
        return body

    path = tmp_path / "weights.pt"
    path.write_bytes(rezipped(torch_file(small_network().state_dict()), mark))
    for _ in range(20):
        with pytest.raises(CheckpointError):
            load_weights(small_network(), path)


def test_a_storage_that_is_never_filled_is_not_read_from_memory(tmp_path: Path) -> None:
    """Files from before PyTorch 1.6 list the storages that follow; this one lists none."""
    data = torch_file(small_network().state_dict(), zipped=False)
    at = data.rindex(b"\x80\x02]")
    path = tmp_path / "weights.pt"
    path.write_bytes(data[:at] + b"\x80\x02]." + bytes(2000))
    for _ in range(20):
        assert_refused_or_zero(path, "2.weight")


def test_flipped_bits_are_noticed(tmp_path: Path) -> None:
    """A zip archive carries checksums, which torch.load does not look at."""
    state = small_network().state_dict()
    data = torch_file(state)
    at = data.index(state["0.weight"].numpy().tobytes()) + 100
    path = tmp_path / "weights.pt"
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(CheckpointError, match="damaged or cut off"):
        load_weights(small_network(), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
