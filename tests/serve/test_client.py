"""What asks the engine, against small servers of the tests: other engines, broken ones, and none."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from inception.cli.main import main
from inception.errors import InceptionError
from inception.paths import APP
from inception.runtime.engine_client import EngineClient, EngineError
from inception.runtime.open_inference import MessageError, read_request, read_response, request_body, response_body
from inception.runtime.pool import Pool, networks
from inception.runtime.predictor import Predictor
from inception.runtime.remote import RemoteNetwork
from inception.runtime.speed import measure
from inception.settings import SettingsError, settings
from inception.weights import download

TAG, NAME, SIDE = "inception_v4.cifar10", "inception_v4", 112
Answer = Callable[[BaseHTTPRequestHandler, bytes], tuple[int, dict[str, str], bytes] | None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """The address of a server that answers so; None closes the connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = answer(self, body)
            if found is None:
                self.close_connection = True
                return
            status, headers, content = found
            self.close_connection = True  # or it would be answered on after the server has gone
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content)), "Connection": "close"}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None: ...

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def said(status: int, **about: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(about).encode()


@pytest.fixture(scope="module")
def here() -> Predictor:
    return Predictor(NAME, TAG)


@pytest.fixture(scope="module")
def prepared() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return Image.fromarray(noise)


@pytest.fixture(params=[True, False], ids=["binary", "JSON alone"])
def other_engine(request: pytest.FixtureRequest, here: Predictor) -> Iterator[str]:
    """Triton or OpenVINO Model Server, as their documentation has it: own names of tensors, no views, 400 or 404."""
    extensions = ["classification", "binary_tensor_data"] if request.param else []

    def answer(asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if asked.path == "/v2":
            return said(200, name="triton", version="2.60.0", extensions=extensions)
        if not asked.path.startswith(f"/v2/models/{TAG}"):
            return said(400 if request.param else 404, error="unknown model")
        if asked.path.endswith("/infer"):
            pictures = read_request(body, dict(asked.headers)).tensors["INPUT__0"]
            with here.turn() as model:
                import torch

                with torch.inference_mode():
                    outputs = model(torch.from_numpy(pictures.copy())).numpy()
            content, headers = response_body(TAG, {"OUTPUT__0": outputs}, {}, binary=request.param)
            return 200, headers, content
        inputs = [{"name": "INPUT__0", "datatype": "FP32", "shape": [-1, 3, SIDE, SIDE]}]
        outputs_said = [{"name": "OUTPUT__0", "datatype": "FP32", "shape": [-1, 10]}]
        return said(200, name=TAG, versions=["1"], platform="onnxruntime_onnx", inputs=inputs, outputs=outputs_said)

    with server(answer) as url:
        yield url


def test_another_engine_predicts_and_this_process_does_the_rest(
    other_engine: str, here: Predictor, prepared: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INCEPTION_ENGINE_URL", other_engine)
    pool = Pool()
    far = pool.predictor(NAME, TAG)
    assert isinstance(far, RemoteNetwork)
    assert (far.engine, far.device_name, far.nbytes) == (other_engine.partition("://")[2], "", 0)
    assert far.labels == here.labels
    np.testing.assert_allclose(far.outputs([prepared]), here.outputs([prepared]), rtol=1e-5, atol=1e-5)
    assert len(pool) == 0
    np.testing.assert_allclose(far.features(prepared), here.features(prepared), rtol=1e-5, atol=1e-5)
    assert len(pool) == 1, "its inside is not on the wire, so it was loaded here"
    assert type(pool.predictor("inception_resnet_v2", "inception_resnet_v2.cifar10")) is Predictor


def test_a_broken_connection_is_tried_once_more() -> None:
    calls: list[str] = []

    def answer(asked: BaseHTTPRequestHandler, _body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        calls.append(asked.path)
        if asked.path == "/v2":
            return said(200, version="1", extensions=[])
        if asked.path.endswith("/once") and calls.count(asked.path) == 2:
            content, headers = response_body("m", {"y": np.ones(2, np.float32)}, {}, binary=False)
            return 200, headers, content
        return None if "once" in asked.path else said(500, error="broken")

    with server(answer) as url:
        client = EngineClient(url)
        assert client.ask("v2/models/m/once", {"x": np.ones(1)}).tensors["y"].tolist() == [1, 1]
        with pytest.raises(EngineError, match="broke under the request, twice"):
            client.ask("v2/models/m/never", {"x": np.ones(1)})
        assert not client.gone
    assert calls.count("/v2/models/m/never") == 2


def test_without_an_engine_this_process_answers_and_the_frame_says_so(
    here: Predictor, prepared: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that goes away under a network that it has, and the page on which a reader meets that."""

    def answer(asked: BaseHTTPRequestHandler, _body: bytes) -> tuple[int, dict[str, str], bytes]:
        if asked.path == "/v2":
            return said(200, version="1", extensions=[])
        tensor = {"name": "x", "datatype": "FP32", "shape": [-1, 10]}
        return said(200, name=TAG, platform="", inputs=[tensor], outputs=[tensor])

    with server(answer) as url:
        monkeypatch.setenv("INCEPTION_ENGINE_URL", url)
        far = networks.predictor(NAME, TAG)  # the app's own pool, so that the page meets this network
        assert isinstance(far, RemoteNetwork)
    np.testing.assert_array_equal(far.outputs([prepared]), here.outputs([prepared]))
    timing = measure(far, [prepared])
    assert (timing.engine, timing.device) == ("eager", "cpu")
    monkeypatch.setattr(download, "_downloads", {})  # those that failed in other tests of this process
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    app.switch_page("pages/live.py").run()
    assert not app.exception
    assert not app.error
    (note,) = [one.value for one in app.warning if "does not answer" in one.value]
    assert note.endswith("This server computes by itself until it is back.")
    assert app.subheader, "the page has its answer"


@pytest.mark.parametrize("value", ["127.0.0.1:8600", "ftp://a", "http://a b", "http://me:secret@a"])
def test_what_is_no_address_is_said(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_ENGINE_URL", value)
    with pytest.raises(SettingsError, match="INCEPTION_ENGINE_URL must be an address such as"):
        settings()


def test_a_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from inception.settings import described_settings

    monkeypatch.setenv("INCEPTION_ENGINE_TOKEN", "a secret with blanks in it")
    with pytest.raises(SettingsError) as refused:
        settings()
    assert "secret" not in str(refused.value)
    monkeypatch.setenv("INCEPTION_ENGINE_TOKEN", "0123456789abcdef")
    (row,) = [row for row in described_settings() if row["name"] == "INCEPTION_ENGINE_TOKEN"]
    assert "0123" not in json.dumps(row)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
def test_tensors_come_back_as_they_were(dtype: str, binary: bool) -> None:
    tensors = {"a": np.arange(6).reshape(1, 2, 3).astype(dtype), "b": np.zeros((0, 4), dtype), "c": np.ones((), dtype)}
    body, headers = request_body(tensors, {"k": 1}, binary)
    message = read_request(body, headers)
    assert (message.parameters, message.wants_binary) == ({"k": 1}, binary)
    body, headers = response_body("m", tensors, {}, binary, "7")
    answer = read_response(body, headers)
    assert answer.id == "7"
    for found in (message.tensors, answer.tensors):
        assert {name: (one.dtype, one.tolist()) for name, one in found.items()} == {
            name: (one.dtype, one.tolist()) for name, one in tensors.items()
        }


def test_numbers_that_json_lacks_travel_as_bytes() -> None:
    tensor = {"a": np.array([np.nan, np.inf], np.float32)}
    with pytest.raises(MessageError, match="not finite"):
        request_body(tensor, {}, binary=False)
    np.testing.assert_array_equal(read_request(*request_body(tensor, {}, binary=True)).tensors["a"], tensor["a"])


def test_no_message_takes_more_than_it_brings() -> None:
    """Shapes that promise terabytes, bytes that are not there, and deep nesting end in a sentence."""
    huge = {"name": "a", "shape": [2**40, 2**40], "datatype": "FP32"}
    for tensor in (
        huge | {"data": [1.0]},
        huge | {"parameters": {"binary_data_size": 2**82}},
        {"name": "a", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": "4"}},
        {"name": "a", "shape": [1], "datatype": "FP32", "data": [["x"]]},
        {"name": "a", "shape": [1], "datatype": "FP32"},
        {"name": "a", "shape": [-1], "datatype": "FP32", "data": [1]},
        {"name": "a", "shape": [1], "datatype": "BYTES", "data": ["x"]},
    ):
        with pytest.raises(InceptionError):
            read_request(json.dumps({"inputs": [tensor]}).encode(), {})
    with pytest.raises(MessageError, match="not JSON"):
        read_request(b"[" * 200_000, {})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--replicas", "3", "--most", "2"], "--most must be at least --replicas, 3"),
        (["--port", "0"], "is not a port"),
        (["--dtype", "int8"], "int8"),
    ],
)
def test_an_engine_that_cannot_start_is_one_sentence(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *options]) == 2
    assert sentence in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with server(lambda _asked, _body: None) as url:
        assert main(["serve", "--port", url.rpartition(":")[2]]) == 2
    assert "cannot serve on 127.0.0.1" in capsys.readouterr().err
