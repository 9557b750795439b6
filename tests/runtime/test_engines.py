"""Every engine gives what the plain network gives, which knows nothing of it."""

import copy
import sys
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import inception
from inception.models.layers import ConvUnit, ResidualSum
from inception.models.surgery import fold_batch_norm, lean
from inception.paths import SAMPLES
from inception.runtime import engines
from inception.runtime.devices import DeviceError
from inception.runtime.engines import MAX_GRAPHS, FoldedNetwork, GraphNetwork, load_network
from inception.runtime.onednn import ConvRelu, one_kernel_each
from inception.runtime.openvino import OpenVinoNetwork, import_openvino, openvino_model
from inception.runtime.predictor import PictureNetwork

SIZE = (75, 75)
SIZES = [(1, 75, 75), (3, 75, 131)]


def pictures(count: int, height: int, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Smooth noise (count, 3, height, width)."""
    generator = torch.Generator().manual_seed(height * width)
    coarse = torch.rand(count, 3, 9, 9, generator=generator, dtype=dtype) * 2 - 1
    return nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")


def trained(model: nn.Module) -> nn.Module:
    """The model with statistics and learnt factors in its batch norms, as training leaves them, not fresh 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = None  # the plain mean over all batches
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, 0, 0.2, generator=generator)
    dtype = next(model.parameters()).dtype
    with torch.no_grad():
        model.train()(pictures(4, 107, 107, dtype))
    return model.eval()


def small(name: str, dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    return trained(inception.create_model(name, dtype=dtype, width=0.1, repeats=(1, 2, 2)))


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in model.modules())


@pytest.mark.parametrize("name", inception.list_models())
def test_folding_changes_nothing_but_the_rounding(name: str) -> None:
    model = small(name, torch.float64)
    folded = fold_batch_norm(copy.deepcopy(model))
    assert norms(model) > 0
    assert norms(folded) == 0
    fast = lean(copy.deepcopy(folded)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode():
        for size in SIZES:
            x = pictures(*size, dtype=torch.float64)
            expected = model(x)
            assert expected.std() > 1e-3, "degenerate"
            torch.testing.assert_close(folded(x), expected, rtol=1e-10, atol=1e-12)
            torch.testing.assert_close(fast(x), expected, rtol=1e-10, atol=1e-12)


def test_folding_leaves_the_paths_of_the_units() -> None:
    model = small("inception_resnet_v2", torch.float32)
    folded = fold_batch_norm(copy.deepcopy(model))
    path = "inception_resnet_b.Block17_1.Branch_1.Conv2d_0b_1x7"
    outputs = []
    for network in (model, folded):
        network.get_submodule(path).register_forward_hook(lambda _m, _i, out: outputs.append(out))
        network(pictures(1, *SIZE))
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)


def test_lean_changes_no_sum() -> None:
    model = lean(nn.Sequential(ResidualSum(0.17)))
    shortcut, residual = pictures(2, 5, 5, torch.float64)
    total = model.get_submodule("0")(shortcut, residual)
    torch.testing.assert_close(total, shortcut + 0.17 * residual)


@pytest.mark.parametrize("name", inception.list_models())
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_kernel_for_convolution_and_relu(name: str, dtype: torch.dtype) -> None:
    """At one shape, at another, and at the first again."""
    model = lean(fold_batch_norm(small(name, torch.float32))).to(dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    fused = one_kernel_each(copy.deepcopy(model), torch.device("cpu"), dtype)
    units = [sum(isinstance(m, kind) for m in fused.modules()) for kind in (ConvUnit, ConvRelu)]
    assert 0 in units
    assert sum(units) == sum(isinstance(m, ConvUnit) for m in model.modules())
    with torch.inference_mode():
        for size in (*SIZES, SIZES[0]):
            x = pictures(*size).to(dtype, memory_format=torch.channels_last)
            expected = model(x.clone())
            assert (fused(x) - expected).abs().max() <= (1e-3 if dtype == torch.float32 else 0.1) * expected.std()


def test_it_is_used_where_onednn_has_the_kernels(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def kernels() -> int:
        network = load_network("folded", "inception_resnet_v1", checkpoint)
        assert isinstance(network, FoldedNetwork)
        return sum(isinstance(module, ConvRelu) for module in network.model.modules())

    assert (kernels() > 100) is torch.backends.mkldnn.is_available()
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert kernels() == 0


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "v1.safetensors"
    save_file(trained(inception.create_model("inception_resnet_v1")).state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def prepared() -> list[Image.Image]:
    pixels = (pictures(3, *SIZE).permute(0, 2, 3, 1) * 127 + 128).byte().numpy()
    return [Image.fromarray(image) for image in pixels]


@pytest.fixture(scope="module")
def expected(checkpoint: str, prepared: list[Image.Image]) -> np.ndarray:
    """(3, 512) by the model alone."""
    model = inception.create_model("inception_resnet_v1", checkpoint)
    x = torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in prepared])
    with torch.inference_mode():
        embeddings = model((x - 127.5) / 128).numpy()
    assert max(embeddings[0] @ embeddings[1], embeddings[0] @ embeddings[2]) < 0.99, "degenerate"
    return embeddings


def embed_all(network: PictureNetwork, prepared: list[Image.Image]) -> np.ndarray:
    return np.stack([network.embed(image) for image in prepared])


@pytest.mark.parametrize("engine", ["eager", "folded"])
def test_engines_agree(engine: str, checkpoint: str, prepared: list[Image.Image], expected: np.ndarray) -> None:
    network = load_network(engine, "inception_resnet_v1", checkpoint)
    assert (network.engine, network.trained, network.weights.given) == (engine, True, checkpoint)
    np.testing.assert_allclose(network.outputs(prepared), expected, atol=1e-5)
    np.testing.assert_allclose(embed_all(network, prepared), expected, atol=1e-5)
    half = load_network(engine, "inception_resnet_v1", checkpoint, dtype=torch.bfloat16)
    assert (half.outputs(prepared) * expected).sum(axis=1).min() > 0.99
    assert half.nbytes == pytest.approx(network.nbytes / 2, rel=1e-3)


def test_folded_classes_are_those_of_the_eager_network() -> None:
    image = inception.load_image(SAMPLES / "cat.jpg")
    tables = []
    for engine in ("eager", "folded"):
        network = load_network(engine, "inception_v4", "inception_v4.cifar10")
        tables.append(network.classify(network.prepare(image, SIZE)))
    eager, folded = tables
    assert folded["index"].tolist() == eager["index"].tolist()
    assert eager["probability"][0] > 0.2, "degenerate"
    np.testing.assert_allclose(folded["probability"], eager["probability"], atol=1e-4)


def test_what_is_offered() -> None:
    assert engines.engines("cpu")[:2] == ["eager", "folded"]
    assert engines.engines("cuda") == ["eager", "folded", "cuda graph"]
    assert engines.engines("mps") == ["eager", "folded"]


def test_without_openvino_it_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert engines.engines() == ["eager", "folded"]
    with pytest.raises(DeviceError, match="OpenVINO is not installed here"):
        load_network("openvino", "inception_resnet_v1")


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        ("cuda graph", "The engine cuda graph runs on cuda, not on cpu."),
        ("steam", "The engine must be one of eager, folded, cuda graph, openvino, not 'steam'."),
    ],
)
def test_engines_that_cannot_run_are_one_sentence(engine: str, sentence: str) -> None:
    with pytest.raises(DeviceError) as caught:
        load_network(engine, "inception_resnet_v1")
    assert str(caught.value) == sentence


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs requirements-openvino.txt")
class TestOpenVino:
    def test_it_reports_to_no_one(self) -> None:
        import_openvino()
        assert sys.modules["openvino.tools.ovc.telemetry_utils"].tm.__name__ == "openvino.tools.ovc.telemetry_stub"

    @pytest.mark.parametrize("name", inception.list_models())
    def test_the_same_network(self, name: str) -> None:
        model = small(name, torch.float32)
        translated = openvino_model(lean(fold_batch_norm(copy.deepcopy(model))))
        compiled = import_openvino().Core().compile_model(translated, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        with torch.inference_mode():
            for size in SIZES:
                x = pictures(*size)
                expected, found = model(x), torch.from_numpy(compiled(x.numpy())[0])
                assert found.shape == expected.shape
                assert (found - expected).abs().max() < 1e-3 * expected.std()

    def test_it_agrees(self, checkpoint: str, prepared: list[Image.Image], expected: np.ndarray) -> None:
        network = load_network("openvino", "inception_resnet_v1", checkpoint)
        assert isinstance(network, OpenVinoNetwork)
        np.testing.assert_allclose(network.outputs(prepared), expected, atol=1e-5)
        np.testing.assert_allclose(embed_all(network, prepared), expected, atol=1e-5)

    def test_it_computes_in_the_dtype_asked_for(
        self, checkpoint: str, prepared: list[Image.Image], expected: np.ndarray
    ) -> None:
        if "BF16" not in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            pytest.skip("this processor has no bfloat16")
        half = load_network("openvino", "inception_resnet_v1", checkpoint, dtype=torch.bfloat16)
        outputs = half.outputs(prepared)
        assert (outputs * expected).sum(axis=1).min() > 0.99
        assert np.abs(outputs - expected).max() > 1e-4

    def test_what_the_processor_cannot_do_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Core:
            def get_property(self, device: str, name: str) -> list[str]:
                return ["FP32"]

        monkeypatch.setattr(import_openvino(), "Core", Core)
        with pytest.raises(DeviceError, match="OpenVINO cannot compute in bfloat16 on this processor"):
            load_network("openvino", "inception_resnet_v1", dtype=torch.bfloat16)


class Replay:
    """A CUDA graph's place on the CPU: it reads and writes the tensors it was recorded with."""

    def __init__(self, model: nn.Module, inputs: Tensor, outputs: Tensor):
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def replay(self) -> None:
        self.outputs.copy_(self.model(self.inputs))


def test_graphs_are_recorded_once_for_each_shape(
    checkpoint: str, prepared: list[Image.Image], expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = []

    def record(self: FoldedNetwork, batch: Tensor) -> tuple[Any, Tensor, Tensor]:
        recorded.append(tuple(batch.shape))
        inputs = batch.clone()
        outputs = self.model(inputs)
        return Replay(self.model, inputs, outputs), inputs, outputs

    monkeypatch.setattr(GraphNetwork, "runs_on", ("cpu",))
    monkeypatch.setattr(GraphNetwork, "_record", record)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    network = load_network("cuda graph", "inception_resnet_v1", checkpoint)
    np.testing.assert_allclose(embed_all(network, prepared), expected, atol=1e-5)
    np.testing.assert_allclose(network.outputs(prepared), expected, atol=1e-5)
    assert recorded == [(1, 3, 75, 75), (3, 3, 75, 75)]
    for side in range(80, 80 + MAX_GRAPHS):
        network.outputs([prepared[0].resize((side, side))])
    network.embed(prepared[0])
    assert recorded.count((1, 3, 75, 75)) == 2, "the oldest graph makes room"
