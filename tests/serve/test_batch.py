"""What a batch does to each picture, and how it keeps what is done, without Ray."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pytest

import inception
from inception.cli.main import main
from inception.paths import SAMPLES
from inception.runtime.predictor import Predictor
from inception.serve import batch
from inception.serve.batch import Batch, BatchError, Runner, Source
from inception.weights.choice import WeightsChoice

NAME, TAG, SIDE = "inception_v4", "inception_v4.cifar10", 112


def asked(folder: Path, name: str = NAME, weights: str | None = TAG, top: int | None = None) -> Batch:
    return Batch(str(folder), name, WeightsChoice.of(weights), top, "cpu", "float32", workers=1, threads=1)


@pytest.mark.parametrize(("name", "weights"), [(NAME, TAG), ("inception_resnet_v1", None)])
def test_embeddings_are_those_of_the_predictor(name: str, weights: str | None) -> None:
    """What the classifier reads where there is one, else the embedding; a file that is no picture has none."""
    what = asked(SAMPLES, name, weights)
    files = ["astronaut.jpg", "../samples.csv", "baseball.jpg", "absent.jpg"]
    rows = batch._read(pa.table({"file": files}), what, pafs.LocalFileSystem(), str(SAMPLES))
    found = Runner(what)(rows)
    assert found.schema.equals(what.schema)
    assert found["file"].to_pylist() == files
    assert [error is None for error in found["error"].to_pylist()] == [True, False, True, False]
    embeddings, network = found["embedding"].to_pylist(), Predictor(name, weights)
    assert (embeddings[1], embeddings[3]) == (None, None)
    for place in (0, 2):
        picture = inception.load_image(SAMPLES / files[place])
        prepared = network.prepare(picture, (network.input_size, network.input_size))
        expected = network.embed(prepared) if network.embeds else network.features(prepared)
        np.testing.assert_allclose(embeddings[place], expected, rtol=1e-5, atol=1e-5)


def test_a_folder_is_listed_in_order_by_path_and_by_address(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2.png", "a.JPG", "c.txt", "b/1.webp"):
        (tmp_path / name).touch()
    for folder in (str(tmp_path), tmp_path.as_uri()):
        assert Source.of(folder).files == ["a.JPG", "b/1.webp", "b/2.png"]
    for wrong, sentence in ((str(tmp_path / "absent"), "cannot be listed"), ("nothing://x", "cannot be listed")):
        with pytest.raises(BatchError, match=sentence):
            Source.of(wrong)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BatchError, match="there is no picture in it"):
        Source.of(str(tmp_path / "empty"))


def test_what_was_stopped_between_the_output_and_clearing_up_is_in_it_once(tmp_path: Path) -> None:
    what, output, parts = asked(tmp_path, top=1), tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    parts.mkdir()

    def part(*files: str) -> pa.Table:
        nothing = {name: [None] * len(files) for name in ("index", "label", "probability", "error")}
        return pa.table({"file": list(files), **nothing}).select(what.schema.names).cast(what.schema)

    batch._write_part(part("a.jpg", "b.jpg"), parts)
    kept = (parts / "00000001.parquet").read_bytes()
    batch._join(output, parts, what.schema)
    assert not parts.exists()
    parts.mkdir()
    (parts / "00000001.parquet").write_bytes(kept)
    assert batch._finished(output, parts, what.note) == {"a.jpg": False, "b.jpg": False}
    batch._write_part(part("c.jpg"), parts)
    batch._join(output, parts, what.schema)
    assert list(batch._finished(output, parts, what.note)) == ["a.jpg", "b.jpg", "c.jpg"]
    assert pa.parquet.read_table(output)["file"].to_pylist() == ["a.jpg", "b.jpg", "c.jpg"]
    with pytest.raises(BatchError, match="is of another batch"):
        batch._finished(output, parts, asked(tmp_path, top=2).note)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["absent", "-o", "out.parquet"], "absent: cannot be listed"),
        (["absent", "-o", "out.csv"], "does not end in .parquet"),
        (["absent", "-o", "out.parquet", "--model", "inception_v5"], "inception_v5"),
        (["absent", "-o", "out.parquet", "--weights", "absent.pt"], "absent.pt"),
        (["absent", "-o", "out.parquet", "--model", "inception_resnet_v1", "--weights", "untrained"], "--embeddings"),
    ],
)
def test_bad_input_is_one_sentence(
    options: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["batch", *options]) == 2
    written = capsys.readouterr().err
    assert sentence in written
    assert "Traceback" not in written
    assert list(tmp_path.iterdir()) == []
