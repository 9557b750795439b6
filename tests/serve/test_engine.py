"""The engine on a real Ray, started once: the protocol, the same answers as in this process, and what may go wrong."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import inception
from bench.engine import BATCHING, SCALING, rows
from bench.run import Run
from inception.cli.main import main
from inception.paths import BUNDLED, SAMPLES
from inception.runtime.engine_client import EngineBusyError, EngineClient, EngineError, NotServedError
from inception.runtime.open_inference import HEADER_LENGTH, MAX_BODY
from inception.runtime.pool import Pool
from inception.runtime.predictor import Predictor
from inception.runtime.remote import RemoteNetwork
from inception.serve.start import ONGOING
from inception.vision.attributions.attribution import Attribution
from inception.vision.attributions.cams import grad_cam, layer_cam
from inception.vision.attributions.gradients import integrated_gradients
from inception.vision.attributions.occlusion import occlusion
from inception.vision.elsewhere import graph_of
from inception.vision.inside import branching_blocks, inside_block, through_network

from ..runtime.predictor_suite import Open, PredictorSuite
from .running import ROOT, Running, running_engine

if not find_spec("ray"):  # which the engine loads, in processes of its own
    pytest.skip("needs Ray", allow_module_level=True)
PICTURES = 32  # in one pass of the engine
if sys.platform == "win32":
    pytest.skip("processes are stopped and killed as POSIX does", allow_module_level=True)

TAG, NAME, SIDE = "inception_v4.cifar10", "inception_v4", 112
FILE = "mine.safetensors"
MOST = 3  # replicas
MORE = 2 * ONGOING * PICTURES + 20  # requests than two replicas and their queue take
CLOSE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    weights = tmp_path_factory.mktemp("weights")
    shutil.copy(BUNDLED / "inception_resnet_v2.cifar10.safetensors", weights / FILE)
    # A third replica would come after half a minute of more requests than two take, which no test asks.
    with running_engine("--replicas", "2", "--most", str(MOST), "--queue", "4", weights=weights) as running:
        yield running


@pytest.fixture
def pool(engine: Running, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool as an app has it that was told of the engine."""
    monkeypatch.setenv("INCEPTION_ENGINE_URL", engine.url)
    monkeypatch.setenv("INCEPTION_ENGINE_TOKEN", engine.token)
    monkeypatch.setenv("INCEPTION_WEIGHTS", engine.environment["INCEPTION_WEIGHTS"])
    return Pool()


@pytest.fixture(scope="session")
def here() -> Predictor:
    return Predictor(NAME, TAG)


@pytest.fixture(scope="session")
def prepared(here: Predictor) -> Image.Image:
    return here.prepare(inception.load_image(SAMPLES / "astronaut.jpg"), (SIDE, SIDE))


def send(engine: Running, method: str, path: str, **more: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {engine.token}", **more.pop("headers", {})}
    return httpx2.request(method, f"{engine.url}{path}", headers=headers, timeout=60, trust_env=False, **more)


def infer_json(picture: Any, **more: Any) -> dict[str, Any]:
    given = {"name": "input", "shape": list(picture.shape), "datatype": "FP32", "data": picture.tolist()}
    return {"inputs": [given], **more}


def test_the_server_and_its_models_are_described(engine: Running) -> None:
    assert send(engine, "GET", "/v2/health/live").json() == {"live": True}
    assert send(engine, "GET", "/v2/health/ready").json() == {"ready": True}
    about = send(engine, "GET", "/v2").json()
    assert about.keys() == {"name", "version", "extensions"}
    assert "binary_tensor_data" in about["extensions"]
    model = send(engine, "GET", f"/v2/models/{TAG}").json()
    assert model["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 3, -1, -1]}]
    assert model["outputs"] == [{"name": "logits", "datatype": "FP32", "shape": [-1, 10]}]
    assert (model["name"], model["platform"]) == (TAG, "pytorch")
    assert send(engine, "GET", f"/v2/models/{TAG}/ready").json() == {"name": TAG, "ready": True}
    listed = send(engine, "GET", "/v2/models").json()["models"]
    assert {TAG, NAME, f"inception_resnet_v2--{FILE}"} <= set(listed)


def test_pictures_in_json_and_as_bytes(engine: Running, here: Predictor, prepared: Image.Image) -> None:
    picture = here.to_input(prepared).contiguous().numpy()
    expected = here.outputs([prepared])
    answer = send(engine, "POST", f"/v2/models/{TAG}/infer", json=infer_json(picture, id="42")).json()
    assert (answer["id"], answer["model_name"]) == ("42", TAG)
    (output,) = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("logits", "FP32", [1, 10])
    np.testing.assert_allclose(np.reshape(output["data"], (1, 10)), expected, **CLOSE)
    flat = infer_json(picture)
    flat["inputs"][0]["data"] = picture.reshape(-1).tolist()
    assert send(engine, "POST", f"/v2/models/{TAG}/infer", json=flat).json()["outputs"] == answer["outputs"]

    given: dict[str, Any] = {"name": "input", "shape": list(picture.shape), "datatype": "FP32"}
    given["parameters"] = {"binary_data_size": picture.nbytes}
    head = json.dumps({"inputs": [given], "outputs": [{"name": "logits", "parameters": {"binary_data": True}}]})
    headers = {HEADER_LENGTH: str(len(head))}
    body = head.encode() + picture.tobytes()
    binary = send(engine, "POST", f"/v2/models/{TAG}/infer", content=body, headers=headers)
    size = int(binary.headers[HEADER_LENGTH])
    assert json.loads(binary.content[:size])["outputs"][0]["parameters"] == {"binary_data_size": 40}
    np.testing.assert_allclose(np.frombuffer(binary.content[size:], "<f4")[None], expected, **CLOSE)


def test_what_is_wrong_is_said_in_a_sentence(engine: Running, prepared: Image.Image) -> None:
    side = 75
    picture = np.zeros((1, 3, side, side), np.float32)
    infer = f"/v2/models/{TAG}/infer"

    def changed(**tensor: Any) -> dict[str, Any]:
        request = infer_json(picture)
        request["inputs"][0] |= tensor
        return request

    wrong: list[tuple[str, Any, int, str]] = [
        ("/v2/models/nothing/infer", infer_json(picture), 404, "no model 'nothing'"),
        (f"/v2/models/{TAG}/nothing", infer_json(picture), 404, "no route 'nothing'"),
        (infer, {"inputs": []}, 400, "one input"),
        (infer, {}, 400, "inputs: field required"),
        (infer, changed(shape=[1, 3, 5, 5]), 400, "do not fill its shape"),
        (infer, changed(datatype="FP31"), 400, "must be one of"),
        (infer, changed(datatype="FP64"), 400, "must be FP32"),
        (infer, changed(name="x"), 400, "named input"),
        (infer, changed(shape=[1, 1, 3 * side, side]), 400, "[N, 3, height, width]"),
        (infer, infer_json(picture[..., :2, :2]), 400, "cannot take 2x2 px"),
        (infer, infer_json(picture, outputs=[{"name": "x"}]), 400, "only output is logits"),
        (f"/v2/models/{TAG}/activations", infer_json(picture), 400, "named pixels"),
    ]
    for path, request, status, part in wrong:
        answer = send(engine, "POST", path, json=request)
        assert (answer.status_code, answer.json().keys()) == (status, {"error"}), answer.text
        assert part in answer.json()["error"]
    assert send(engine, "POST", infer, content=b"no JSON").json()["error"] == "The message is not JSON."
    for length in ("-1", "99999", "x"):
        answer = send(engine, "POST", infer, content=b"{}", headers={HEADER_LENGTH: length})
        assert answer.status_code == 400
        assert HEADER_LENGTH in answer.json()["error"]
    pixels = {"name": "pixels", "shape": [SIDE, SIDE, 3], "datatype": "UINT8", "data": np.asarray(prepared).tolist()}
    for view, parameters, part in (
        ("activations", {}, "parameter layer is missing"),
        ("activations", {"layer": "nowhere"}, "no layer 'nowhere'"),
        ("attributions/occlusion", {"target": 10}, "classes 0 to 9"),
        ("attributions/occlusion", {"target": 1, "windows": 10**9}, "cannot be 1000000000"),
        ("inside", {"size": 3}, "no parameter 'size'"),
        ("inside/block", {"block": "Mixed_99"}, "no branches"),
    ):
        answer = send(engine, "POST", f"/v2/models/{TAG}/{view}", json={"inputs": [pixels], "parameters": parameters})
        assert (answer.status_code, part in answer.json()["error"]) == (400, True), answer.text
    chinese = send(engine, "POST", infer, content=b"no JSON", headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["error"] == "消息不是 JSON。"


def test_a_body_that_is_too_large_is_not_read(engine: Running) -> None:
    asked = http.client.HTTPConnection(urlsplit(engine.url).netloc, timeout=30)
    asked.putrequest("POST", f"/v2/models/{TAG}/infer")
    asked.putheader("Authorization", f"Bearer {engine.token}")
    asked.putheader("Content-Length", str(MAX_BODY + 1))
    asked.endheaders()
    answer = asked.getresponse()
    assert answer.status == 413
    assert f"{MAX_BODY:,}" in json.loads(answer.read())["error"]
    asked.close()


def test_only_who_has_the_token_may_ask(engine: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": engine.token}):
        answer = httpx2.get(f"{engine.url}/v2/models", headers=header, trust_env=False)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert httpx2.get(f"{engine.url}/v2/health/live", trust_env=False).status_code == 200
    with pytest.raises(EngineError, match="INCEPTION_ENGINE_TOKEN"):
        EngineClient(engine.url, "a wrong token, but long").metadata(TAG)


def test_predictions_and_embeddings_are_those_of_this_process(pool: Pool, prepared: Image.Image) -> None:
    """For known weights, a file of the folder, and random weights of a network that embeds."""
    for name, weights, embeds in (
        (NAME, TAG, False),
        ("inception_resnet_v2", str(Path(os.environ["INCEPTION_WEIGHTS"]) / FILE), False),
        ("inception_resnet_v1", None, True),
    ):
        far, near = pool.predictor(name, weights), Predictor(name, weights)
        assert isinstance(far, RemoteNetwork)
        assert (far.embeds, far.labels, far.remarks, far.nbytes) == (embeds, near.labels, near.remarks, near.nbytes)
        np.testing.assert_allclose(far.outputs([prepared, prepared]), near.outputs([prepared, prepared]), **CLOSE)
        if not embeds:
            pd.testing.assert_frame_equal(far.classify(prepared), near.classify(prepared), **CLOSE)
        np.testing.assert_allclose(far.features(prepared), near.features(prepared), **CLOSE)
    assert len(pool) == 0, "nothing was loaded into this process"


class TestOnRay(PredictorSuite):
    """What `tests/runtime/test_predictor.py` asks of this process."""

    @pytest.fixture
    def opened(self, pool: Pool) -> Open:
        def opened(name: str, weights: str | None) -> RemoteNetwork:
            network = pool.predictor(name, weights)
            assert isinstance(network, RemoteNetwork)
            return network

        return opened


def test_the_inside_of_a_network_is_that_of_this_process(pool: Pool, here: Predictor, prepared: Image.Image) -> None:
    far, graph = pool.predictor(NAME, TAG), graph_of(here, (SIDE, SIDE))
    layer = graph.layers[30]
    np.testing.assert_allclose(far.activations(prepared, layer), here.activations(prepared, layer), **CLOSE)
    for one, other in zip(
        through_network(far, prepared, graph, 3), through_network(here, prepared, graph, 3), strict=True
    ):
        assert one.layer == other.layer
        pd.testing.assert_frame_equal(one.channels, other.channels, **CLOSE)
        np.testing.assert_allclose(one.maps, other.maps, **CLOSE)
    block = branching_blocks(graph)[-1]
    opened, expected = inside_block(far, prepared, graph, block), inside_block(here, prepared, graph, block)
    pd.testing.assert_frame_equal(opened.shares, expected.shares, **CLOSE)
    assert [part.layer for part in opened.branches] == [part.layer for part in expected.branches]
    assert len(pool) == 0


def test_maps_are_those_of_this_process(pool: Pool, here: Predictor, prepared: Image.Image) -> None:
    far, graph = pool.predictor(NAME, TAG), graph_of(here, (SIDE, SIDE))
    layer = graph.find_layer("Mixed_6e")
    passes: list[tuple[int, int]] = []
    coarse: list[Attribution] = []
    asked: list[Callable[[Predictor], Attribution]] = [
        lambda network: grad_cam(network, prepared, graph, layer, 3),
        lambda network: layer_cam(network, prepared, graph, layer, 3),
        lambda network: integrated_gradients(network, prepared, 3, 5),
        lambda network: occlusion(
            network, prepared, 3, 4, lambda done, total: passes.append((done, total)), preview=coarse.append
        ),
    ]
    for ask in asked:
        one, other = ask(far), ask(here)
        np.testing.assert_allclose(one.values, other.values, **CLOSE)
        assert (one.signed, one.meaning, one.dead) == (other.signed, other.meaning, other.dead)
    half = len(passes) // 2
    assert passes[:half] == passes[half:]
    assert passes[-1] == (17, 17)
    np.testing.assert_allclose(coarse[0].values, coarse[1].values, **CLOSE)
    assert len(pool) == 0


def test_a_click_ends_long_work(pool: Pool, prepared: Image.Image) -> None:
    class ClickedError(Exception):
        pass

    def click() -> None:
        raise ClickedError

    with pytest.raises(ClickedError):
        occlusion(pool.predictor(NAME, TAG), prepared, 3, 16, check=click)


def test_an_absent_network_is_run_in_this_process(pool: Pool, tmp_path: Path) -> None:
    """A file of the folder under whose name the engine has something else, and one that it does not have."""
    mine = tmp_path / FILE
    shutil.copy(BUNDLED / "inception_v4.cifar10.safetensors", mine)
    assert type(pool.predictor(NAME, str(mine))) is Predictor
    other = tmp_path / "other.safetensors"
    mine.rename(other)
    assert type(pool.predictor(NAME, str(other))) is Predictor
    client = EngineClient(os.environ["INCEPTION_ENGINE_URL"], os.environ["INCEPTION_ENGINE_TOKEN"])
    with pytest.raises(NotServedError, match="no model 'nothing'"):
        client.metadata("nothing")


def test_more_than_the_queue_holds_are_told_how_many_are_before_them(
    engine: Running, here: Predictor, prepared: Image.Image
) -> None:
    """While the replicas stand still, requests wait with them and before them; what waits is answered in the end."""
    prepared = prepared.resize((75, 75))
    picture = here.to_input(prepared).contiguous().numpy()
    expected = here.outputs([prepared])
    client, refused, answers = EngineClient(engine.url, engine.token), [], []

    def ask() -> None:
        try:
            answers.append(client.ask(f"v2/models/{TAG}/infer", {"input": picture}).tensors["logits"])
        except EngineBusyError as error:
            refused.append(str(error))

    body = json.dumps(infer_json(picture)).encode()

    def ask_plainly() -> httpx2.Response:
        kind = {"Content-Type": "application/json"}
        return send(engine, "POST", f"/v2/models/{TAG}/infer", content=body, headers=kind)

    for replica in engine.replicas():
        replica.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(2 * MORE) as threads:
            waiting = [threads.submit(ask) for _ in range(MORE)]
            plain = [threads.submit(ask_plainly) for _ in range(MORE)]  # some of each are refused
            end = monotonic() + 30
            while monotonic() < end and not (refused and any(each.done() for each in plain)):
                sleep(0.05)
            for replica in engine.replicas():
                replica.send_signal(signal.SIGCONT)
            for each in waiting:
                each.result(60)
            busy = next(said for each in plain if (said := each.result(60)).status_code != 200)
    finally:
        for replica in engine.replicas():
            replica.send_signal(signal.SIGCONT)
    assert len(refused) + len(answers) == MORE
    assert refused
    assert answers
    assert all("The engine is busy, " in sentence and " before you. Try again in " in sentence for sentence in refused)
    assert busy.status_code == 503
    assert busy.json()["before"] >= 4
    assert int(busy.headers["Retry-After"]) >= 1
    for answer in answers:
        np.testing.assert_allclose(answer, expected, **CLOSE)


def test_the_bench_measures_an_engine_that_runs(pool: Pool) -> None:
    """In its short form, so that no second engine is started; before a replica is killed, while both take requests."""
    found = list(rows(Run(short=True)))
    assert [row.what for row in found] == [BATCHING.what, SCALING.what]
    assert all(row.value is not None and row.value > 0 and not row.failed for row in found), found


def test_a_killed_replica_loses_no_request(engine: Running, here: Predictor, prepared: Image.Image) -> None:
    batch = np.repeat(here.to_input(prepared).contiguous().numpy(), 4, axis=0)
    expected = np.repeat(here.outputs([prepared]), 4, axis=0)
    client = EngineClient(engine.url, engine.token)

    def ask(_number: int) -> Any:
        return client.ask(f"v2/models/{TAG}/infer", {"input": batch}).tensors["logits"]

    before = engine.replicas()
    assert len(before) == 2
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask, number) for number in range(60)]
        asked[5].result(60)
        before[0].kill()
        for each in asked:
            np.testing.assert_allclose(each.result(120), expected, **CLOSE)


# Who joins the cluster for a batch sees what Serve has accepted of the engine's deployments.
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from inception.serve import batch
from inception.cli.main import main
batch.BLOCK, batch.PASS, batch.PART, batch.SECONDS = 8, 4, 8, 0
if sys.argv[1] == "killed":
    write, written = batch._write_part, []
    def and_die(table, parts):
        write(table, parts)
        written.append(table)
        if len(written) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    batch._write_part = and_die
else:
    write = batch._write_part
    def and_look(*given):
        write(*given)
        from ray.serve.context import _get_global_client
        Path(sys.argv[1]).write_text(json.dumps(_get_global_client().get_serve_details(), default=str))
    batch._write_part = and_look
sys.exit(main(["batch", *sys.argv[2:]]))
"""


def test_a_batch_that_was_killed_goes_on_and_has_every_picture_once(
    engine: Running, here: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures, output = tmp_path / "pictures", tmp_path / "out.parquet"
    (pictures / "below").mkdir(parents=True)
    samples = sorted(SAMPLES.glob("*.jpg"))
    for number in range(36):
        shutil.copy(samples[number % len(samples)], pictures / f"{number:02}.jpg")
    shutil.copy(samples[0], pictures / "below" / "last.JPG")
    (pictures / "12.png").write_bytes(b"no picture")
    (pictures / "notes.txt").write_text("not listed")
    options = [str(pictures), "-o", str(output), "--model", NAME, "--weights", TAG, "--top", "3", "--workers", "1"]

    def run(how: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SCRIPT, how, *options, "--address", engine.cluster]
        return subprocess.run(
            command, cwd=ROOT, env=engine.environment, capture_output=True, text=True, timeout=200, check=False
        )

    assert run("killed").returncode == -signal.SIGKILL
    assert not output.exists()
    parts = {path: path.read_bytes() for path in Path(f"{output}.parts").glob("*.parquet")}
    assert len(parts) == 2
    first = duckdb.read_parquet([str(path) for path in sorted(parts)]).df()
    done = run(str(tmp_path / "engine.json"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"{len(first)} of 38 pictures")
    assert "12.png" in done.stdout
    assert not Path(f"{output}.parts").exists()

    table = duckdb.read_parquet(str(output)).df()
    assert list(table.columns) == ["file", "index", "label", "probability", "error"]
    names = sorted(str(path.relative_to(pictures)) for path in pictures.rglob("*.[jJp][pPn][gG]"))
    assert table["file"].tolist() == names
    pd.testing.assert_frame_equal(table.head(len(first)), first)
    bad = table[table["error"].notna()]
    assert bad["file"].tolist() == ["12.png"]
    assert bad["label"].isna().all()
    for row in table[table["error"].isna()].iloc[::9].itertuples():
        image = inception.load_image(pictures / str(row.file))
        expected = here.classify(here.prepare(image, (SIDE, SIDE))).head(3)
        assert list(row.label) == expected["label"].tolist()
        np.testing.assert_allclose(row.probability, expected["probability"], **CLOSE)

    deployed = json.loads((tmp_path / "engine.json").read_text())["applications"]["inception"]["deployments"][
        "Networks"
    ]
    assert deployed["status"] == "HEALTHY"
    scaling = deployed["deployment_config"]["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (2, MOST)

    # Neither of these starts a cluster, so they need no process of their own.
    assert main(["batch", *options, "--embeddings"]) == 2
    assert "is of another batch" in capsys.readouterr().err
    changed = output.stat().st_mtime_ns
    assert main(["batch", *options]) == 0
    assert output.stat().st_mtime_ns == changed, "nothing is left to do"
