"""Pictures by the thousand or the million through one network, on Ray Data: a row each in one Parquet file.

What is done lies in parts beside the output, each written whole under its name or not at all. A second start reads
which pictures they hold and goes on with the others; at the end the parts become the output, row group by row group.
In memory are the names of all pictures, and the pixels of a few that wait for the network: Ray stops reading while it
is busy.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from PIL import Image

from ..errors import InceptionError, InputError
from ..files import replace_file
from ..models.network import Network
from ..runtime.devices import DTYPES
from ..runtime.image import MAX_BYTES, load_image
from ..runtime.predictor import Predictor
from ..runtime.preprocess import crop_and_resize
from ..weights.choice import WeightsChoice
from ..words import ENGLISH, _, speaking
from ..zoo import get_variant
from .ray import cluster

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
BLOCK = 64  # pictures that are read at once
PASS = 16  # pictures in one pass
PART, SECONDS = 512, 10.0  # a part has so many pictures, or what arrived in that time
GROUP = 8192  # rows of the output that are in memory at once
READER, WORKER = 0.1, 0.8  # of a core that Ray counts; together they fit, whatever the number of workers
NAMED = 100  # bad pictures whose names are kept to be said
NOTE = b"inception"  # the key of the output's metadata under which it says how it was made
Progress = Callable[[int, int, int], None]  # called with pictures done, all pictures, and those that are bad


class BatchError(InputError):
    """A batch that cannot start or go on, in one sentence."""


@dataclass(frozen=True)
class Batch:
    """What is asked of every picture."""

    source: str  # a folder, or the URI of one
    name: str  # of the network in the zoo
    weights: WeightsChoice
    top: int | None  # how many classes of each picture; None for embeddings
    device: str
    dtype: str
    workers: int | None  # processes that run the network, at most; None for as many as there are cores
    threads: int  # of each

    @property
    def note(self) -> str:
        """How the answers are made; rows of another note are not of this batch."""
        asked = {"source": self.source, "model": self.name, "weights": self.weights.given, "top": self.top}
        return json.dumps({**asked, "dtype": self.dtype})

    @property
    def size(self) -> int:
        """Pixels of a side of what the network sees."""
        known = self.weights.known
        return known.input_size if known else get_variant(self.name).input_size

    @property
    def schema(self) -> pa.Schema:
        """The columns of the output."""
        answer = [("embedding", pa.list_(pa.float32()))]
        if self.top is not None:
            answer = [("index", pa.list_(pa.int32())), ("label", pa.list_(pa.string()))]
            answer += [("probability", pa.list_(pa.float32()))]
        return pa.schema([("file", pa.string()), *answer, ("error", pa.string())], {NOTE: self.note.encode()})


@dataclass(frozen=True)
class Source:
    """A folder of pictures."""

    system: pafs.FileSystem
    root: str
    files: list[str]  # relative to the root, in order

    @classmethod
    def of(cls, folder: str) -> "Source":
        """The pictures in a folder, given by its path or URI, and in those below; raises BatchError."""
        try:
            if "://" in folder:
                system, root = pafs.FileSystem.from_uri(folder)
            else:
                system, root = pafs.LocalFileSystem(), Path(folder).resolve().as_posix()
            found = system.get_file_info(pafs.FileSelector(root, recursive=True))
        except (OSError, pa.ArrowException) as error:
            reason = str(error).splitlines()[0]
            sentence = _("{folder}: cannot be listed ({reason}).")
            raise BatchError(sentence.format(folder=folder, reason=reason)) from error
        paths = (PurePosixPath(info.path) for info in found if info.is_file)
        files = sorted(str(path.relative_to(root)) for path in paths if path.suffix.lower() in SUFFIXES)
        if not files:
            raise BatchError(_("{folder}: there is no picture in it.").format(folder=folder))
        return cls(system, root, files)


@dataclass(frozen=True)
class Done:
    """What a batch came to."""

    pictures: int
    bad: int
    bad_files: tuple[str, ...]  # the first of them


def run(batch: Batch, output: Path, address: str | None, progress: Progress) -> Done:
    """Runs what is left of a batch and writes the output.

    address: of a Ray cluster, whose machines must reach the pictures and the weights under the same names; None for
    this machine. Raises BatchError, ClusterError, InputError where Ray is not installed.
    """
    parts = output.with_name(f"{output.name}.parts")
    finished = _finished(output, parts, batch.note)
    source = Source.of(batch.source)
    todo = [file for file in source.files if file not in finished]
    bad = [file for file, is_bad in finished.items() if is_bad]
    done, count = len(source.files) - len(todo), len(bad)
    progress(done, len(source.files), count)
    if todo:
        parts.mkdir(parents=True, exist_ok=True)
        with cluster(address) as ray:
            for table in _in_parts(_answers(ray, batch, source, todo), batch.schema):
                _write_part(table, parts)
                errors = [row["file"] for row in table.select(["file", "error"]).to_pylist() if row["error"]]
                done, count, bad = done + len(table), count + len(errors), bad[:NAMED] + errors
                progress(done, len(source.files), count)
    _join(output, parts, batch.schema)
    return Done(len(source.files), count, tuple(bad[:NAMED]))


def _answers(ray: Any, batch: Batch, source: Source, todo: list[str]) -> Iterator[pa.Table]:
    """Rows as they arrive, in the order of `todo`; raises BatchError."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    free = ray.available_resources().get("CPU", 0)
    if free < READER + WORKER:
        raise BatchError(_("No core of the Ray cluster is free."))
    workers = batch.workers or max(1, int(free // batch.threads))
    blocks = [pa.table({"file": todo[i : i + BLOCK]}) for i in range(0, len(todo), BLOCK)]
    read = partial(_read, batch=batch, system=source.system, root=source.root)
    readers = ray.data.TaskPoolStrategy(size=workers)  # each is a process of a few hundred megabytes
    pixels = ray.data.from_arrow(blocks).map_batches(
        read, batch_size=None, batch_format="pyarrow", num_cpus=READER, compute=readers
    )
    answers = pixels.map_batches(
        Runner,
        fn_constructor_args=(batch,),
        batch_size=PASS,
        batch_format="pyarrow",
        num_cpus=WORKER * batch.threads,
        num_gpus=1 if batch.device == "cuda" else None,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
    )
    try:
        yield from answers.iter_batches(batch_size=None, batch_format="pyarrow")
    except ray.exceptions.RayError as error:
        cause = error.__cause__ or error
        sentence = _("The batch stopped: {reason} Start it again to go on.")
        raise BatchError(sentence.format(reason=str(cause).strip().splitlines()[-1])) from error


def _read(rows: pa.Table, batch: Batch, system: pafs.FileSystem, root: str) -> pa.Table:
    """Files as columns file, pixels (RGB bytes of what the network sees; null for bad ones) and error."""
    known = batch.weights.known
    preprocessing = known.preprocessing if known else get_variant(batch.name).preprocessing
    files, pixels, errors = rows["file"].to_pylist(), [], []
    for file in files:
        picture, problem = None, None
        try:
            with speaking(ENGLISH), system.open_input_stream(f"{root}/{file}") as stream:
                image = load_image(stream.read(MAX_BYTES + 1))
                picture = crop_and_resize(image, (batch.size, batch.size), preprocessing).tobytes()
        except InceptionError as error:
            problem = str(error)
        except (OSError, pa.ArrowException) as error:
            problem = _("{file}: cannot be read ({reason}).").format(file=file, reason=str(error).splitlines()[0])
        pixels.append(picture)
        errors.append(problem)
    return pa.table({"file": files, "pixels": pa.array(pixels, pa.binary()), "error": pa.array(errors, pa.string())})


class Runner:
    """Runs the network on rows that the cluster hands it; each of its processes has one."""

    def __init__(self, batch: Batch):
        torch.set_num_threads(batch.threads)
        self._batch = batch
        self._network = Predictor(batch.name, batch.weights, batch.device, DTYPES[batch.dtype])

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Columns as of `_read`; gives those of the batch's schema."""
        pixels, size = rows["pixels"].to_pylist(), self._batch.size
        pictures = [Image.frombytes("RGB", (size, size), data) for data in pixels if data is not None]
        answers = iter(self._answers(pictures) if pictures else ())
        found = [None if data is None else next(answers) for data in pixels]
        schema = self._batch.schema
        columns = {"file": rows["file"], "error": rows["error"]}
        for name in schema.names:
            if name not in columns:
                values = [None if answer is None else answer[name] for answer in found]
                columns[name] = pa.array(values, schema.field(name).type)
        return pa.table({name: columns[name] for name in schema.names}).cast(schema)

    def _answers(self, pictures: list[Image.Image]) -> list[dict[str, Any]]:
        network, top = self._network, self._batch.top
        if top is None:
            embeddings = network.outputs(pictures) if network.embeds else self._pooled(pictures)
            return [{"embedding": embedding} for embedding in embeddings]
        logits = torch.from_numpy(network.outputs(pictures)).double() / network.temperature
        best = logits.softmax(dim=1).topk(min(top, len(network.labels)))
        return [
            {"index": index, "label": [network.labels[i] for i in index], "probability": probability}
            for index, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]

    def _pooled(self, pictures: list[Image.Image]) -> NDArray[np.float32]:
        """What the classifier reads of pictures, (N, D)."""
        with self._network.turn() as model, torch.inference_mode():
            assert isinstance(model, Network)
            grid = model.forward_features(torch.cat([self._network.to_input(picture) for picture in pictures]))
            return model.forward_head(grid, pre_logits=True).float().cpu().numpy()


def _in_parts(tables: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables put together to parts; the last one may be small."""
    held: list[pa.Table] = []
    begun = monotonic()
    for table in tables:
        held.append(table.cast(schema))
        if sum(map(len, held)) >= PART or monotonic() - begun > SECONDS:
            yield pa.concat_tables(held)
            held, begun = [], monotonic()
    if held:
        yield pa.concat_tables(held)


def _write_part(table: pa.Table, parts: Path) -> None:
    number = 1 + max((int(path.stem) for path in parts.glob("*.parquet")), default=0)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    replace_file(parts / f"{number:08}.parquet", sink.getvalue().to_pybytes())


def _finished(output: Path, parts: Path, note: str) -> dict[str, bool]:
    """The pictures that need no second run, and whether each is bad; raises BatchError for rows of another batch."""
    found: dict[str, bool] = {}
    for path in [output, *sorted(parts.glob("*.parquet"))]:
        if not path.exists():
            continue
        try:
            if (pq.read_schema(path).metadata or {}).get(NOTE) != note.encode():
                sentence = _("{file} is of another batch: give another name with -o, or delete it.")
                raise BatchError(sentence.format(file=path))
            rows = pq.read_table(path, columns=["file", "error"])
        except (OSError, pa.ArrowException) as error:
            raise BatchError(_("{file}: cannot be read ({reason}).").format(file=path, reason=error)) from error
        files = rows["file"].to_pylist()
        if path != output and files and files[0] in found:  # stopped between writing the output and clearing up
            path.unlink()
            continue
        found |= dict(zip(files, (error is not None for error in rows["error"].to_pylist()), strict=True))
    return found


def _join(output: Path, parts: Path, schema: pa.Schema) -> None:
    """Makes the parts, behind what the output has already, the output."""
    fresh = sorted(parts.glob("*.parquet"))
    if not fresh:
        return
    whole = parts / "whole"
    with pq.ParquetWriter(whole, schema) as writer:
        held: list[pa.RecordBatch] = []
        for path in [output, *fresh] if output.exists() else fresh:
            for rows in pq.ParquetFile(path).iter_batches(GROUP):
                held.append(rows)
                if sum(map(len, held)) >= GROUP:
                    writer.write_table(pa.Table.from_batches(held).cast(schema))
                    held = []
        if held:
            writer.write_table(pa.Table.from_batches(held).cast(schema))
    whole.replace(output)
    shutil.rmtree(parts)
