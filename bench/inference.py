"""Every offered setting against the plain network on the same pictures: speed, agreement, distance to the peak.

The weights are random, because none need be on the machine, but the batch norms have the statistics of real pictures
and the logits the spread that training gives them, so that the probabilities are neither all alike nor all one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import inception
from bench.timing import Row, seconds
from inception.paths import SAMPLES
from inception.runtime.devices import DTYPES, DeviceError, devices, dtype_name
from inception.runtime.engines import load_network
from inception.runtime.predictor import PictureNetwork
from inception.runtime.preprocess import crop_and_resize, to_input
from inception.runtime.speed import PlainNetwork, Setting, compare_outputs, offered_settings
from inception.weights.preprocessing import TIMM_V2

NAME = "inception_resnet_v2"
SIZE = (299, 299)
RUNS = {1: 21, 8: 7}  # by batch
LOGIT_SPREAD = 3.0  # standard deviation over the classes
MATRIX_SIDE = 4096  # of the product that shows a device's peak

# How many times as fast as the plain network on the same device; by engine, dtype and batch.
GOALS = {
    ("folded", "float32", 1): 1.1,
    ("folded", "bfloat16", 1): 1.75,
    ("folded", "bfloat16", 8): 2.7,
    ("openvino", "float32", 1): 1.8,
    ("openvino", "bfloat16", 1): 3.3,
    ("cuda graph", "bfloat16", 1): 3.0,
}


def rows() -> Iterator[Row]:
    """One row a device, batch and setting; those of one device and batch take turns."""
    pictures = [inception.load_image(path) for path in sorted(SAMPLES.glob("*.jpg"))]
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_weights(weights, pictures)
        for device in devices():
            yield from device_rows(device, str(weights), pictures)


def device_rows(device: str, weights: str, pictures: list[Image.Image]) -> Iterator[Row]:
    """All settings of a device against its plain network, which is itself a row: how far it is from the peak."""
    plain = PlainNetwork(NAME, weights, device)
    prepared = [plain.prepare(picture, SIZE) for picture in pictures]
    expected = plain.outputs(prepared)
    settings = [setting for setting in offered_settings() if setting.device == device]
    networks = [plain, *filter(None, (load(setting, weights) for setting in settings))]
    flops = 2 * inception.trace(NAME, SIZE).macs
    agreements = [agreement(network, prepared, expected) for network in networks]
    products = {dtype: product(device, dtype) for dtype in {network.dtype for network in networks}}
    for batch, runs in RUNS.items():
        passes = [one_pass(network, prepared[:batch]) for network in networks]
        times = medians([*passes, *products.values()], runs)
        peaks = {dtype: 2 * MATRIX_SIDE**3 / time for dtype, time in zip(products, times[len(passes) :], strict=True)}
        for network, time, agreed in zip(networks, times, agreements, strict=False):
            dtype = dtype_name(network.dtype)
            goal = GOALS.get((network.engine, dtype, batch))
            reached, peak = batch * flops / time, peaks[network.dtype]
            yield Row(
                f"{NAME} on {device}, batch {batch}, {network.engine} {dtype} / plain float32",
                time / times[0],
                "x",
                None if goal is None else 1 / goal,
                f"{1e3 * time:.1f} ms / {1e3 * times[0]:.1f} ms, {times[0] / time:.2f} times as fast; "
                f"{reached / 1e9:,.0f} GFLOP/s, {reached / peak:.0%} of a matrix product's {peak / 1e9:,.0f}; {agreed}",
            )


def load(setting: Setting, weights: str) -> PictureNetwork | None:
    """None where this machine cannot run it."""
    try:
        return load_network(setting.engine, NAME, weights, setting.device, DTYPES[setting.dtype])
    except DeviceError:
        return None


def agreement(network: PictureNetwork, prepared: list[Image.Image], expected: NDArray[np.float32]) -> str:
    share, difference = compare_outputs(network.outputs(prepared), expected)
    return f"top-1 equal on {share * len(prepared):.0f} of {len(prepared)}, probabilities within {difference:.1g}"


def one_pass(network: PictureNetwork, prepared: list[Image.Image]) -> Callable[[], object]:
    """From input to answer."""
    batch = torch.cat([network.to_input(image) for image in prepared])

    @torch.inference_mode()
    def run() -> Tensor:
        return network.run(batch).float().cpu()

    return run


def product(device: str, dtype: torch.dtype) -> Callable[[], object]:
    """A product of two large square matrices, which is as fast as a device gets."""
    matrix = torch.rand(MATRIX_SIDE, MATRIX_SIDE, device=device).to(dtype)
    return lambda: (matrix @ matrix)[0, 0].item()


def medians(calls: list[Callable[[], object]], runs: int) -> list[float]:
    """Seconds of each, taken in turns after a warm-up, so that all meet the same machine."""
    for call in calls:
        call()
        call()
    rounds = [[seconds(call) for call in calls] for _ in range(runs)]
    return [median(times) for times in zip(*rounds, strict=True)]


def save_weights(path: Path, pictures: list[Image.Image]) -> None:
    """Random weights, with batch norms that have seen the pictures once."""
    torch.manual_seed(0)
    model = inception.create_model(NAME)
    batch = torch.cat([to_input(crop_and_resize(picture, SIZE, TIMM_V2), TIMM_V2) for picture in pictures])
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the statistics of this pass alone
    with torch.no_grad():
        model.train()(batch)
        scale = LOGIT_SPREAD / model.eval()(batch).std(dim=1).mean()
        for parameter in model.get_submodule("head.Logits.Logits").parameters():
            parameter.mul_(scale)
    save_file(model.state_dict(), path)
