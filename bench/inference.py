"""Every offered setting against the plain network on the same pictures: speed, agreement, distance to the peak.

The weights are random, because none need be on the machine, but the batch norms have the statistics of real pictures
and the logits the spread that training gives them, so that the probabilities are neither all alike nor all one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

import inception
from bench.run import Run
from bench.timing import Row, measured, seconds
from inception.paths import SAMPLES
from inception.runtime.devices import DTYPES, DeviceError, devices, dtype_name
from inception.runtime.engines import load_network
from inception.runtime.predictor import PictureNetwork
from inception.runtime.preprocess import crop_and_resize, to_input
from inception.runtime.speed import PlainNetwork, Setting, compare_outputs, offered_settings
from inception.weights.known import Weights, known_weights
from inception.weights.preprocessing import TIMM_V2

NAME = "inception_resnet_v2"
LOGIT_SPREAD = 3.0  # standard deviation over the classes
Timed = float | Exception  # seconds, or what kept them from being measured


@dataclass(frozen=True)
class Scale:
    """How large the measurement is.

    pictures: how many the settings must agree on. size: height and width of the input in pixels. runs: how many, by
    batch. warm_up: runs before these, which do not count. matrix_side: of the matrices that show a device's peak.
    like: weights for a smaller network, whose description a file of such weights needs; None for the whole network.
    """

    pictures: int
    size: tuple[int, int]
    runs: dict[int, int]
    warm_up: int
    matrix_side: int
    like: Weights | None = None

    @property
    def overrides(self) -> dict[str, Any]:
        return dict(self.like.network) if self.like else {}


FULL = Scale(10, (299, 299), {1: 21, 8: 7}, 2, 4096)
_SMALL = {"width": 0.25, "repeats": (1, 1, 1)}
SHORT = Scale(2, (75, 75), {2: 1}, 0, 256, replace(known_weights()[f"{NAME}.cifar10"], overrides=_SMALL))

# How many times as fast as the plain network on the same device; by engine, dtype and batch.
GOALS = {
    ("folded", "float32", 1): 1.1,
    ("folded", "bfloat16", 1): 1.75,
    ("folded", "bfloat16", 8): 2.7,
    ("openvino", "float32", 1): 1.8,
    ("openvino", "bfloat16", 1): 3.3,
    ("cuda graph", "bfloat16", 1): 3.0,
}


def rows(run: Run) -> Iterator[Row]:
    """One row a device, batch and setting; those of one device and batch take turns."""
    scale = SHORT if run.short else FULL
    pictures = [inception.load_image(path) for path in sorted(SAMPLES.glob("*.jpg"))[: scale.pictures]]
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_weights(weights, pictures, scale)
        for device in devices():
            try:
                yield from device_rows(device, str(weights), pictures, scale)
            except Exception as error:  # the other devices go on
                yield Row(f"the rest of {NAME} on {device}", "x").without_value(error)


def device_rows(device: str, weights: str, pictures: list[Image.Image], scale: Scale) -> Iterator[Row]:
    """All settings of a device against its plain network, which is itself a row: how far it is from the peak."""
    plain = PlainNetwork(NAME, weights, device)
    prepared = [plain.prepare(picture, scale.size) for picture in pictures]
    expected = plain.outputs(prepared)
    networks: list[PictureNetwork] = [plain]
    agreements = [agreement(plain, prepared, expected)]
    errors: dict[Setting, Exception] = {}
    for setting in (setting for setting in offered_settings() if setting.device == device):
        try:
            network = load_network(setting.engine, NAME, weights, device, DTYPES[setting.dtype])
            agreements.append(agreement(network, prepared, expected))
            networks.append(network)
        except Exception as error:  # the other settings go on
            errors[setting] = error
    dtypes = list(dict.fromkeys(network.dtype for network in networks))
    products = [product(device, dtype, scale.matrix_side) for dtype in dtypes]
    flops, product_flops = 2 * inception.trace(NAME, scale.size, **scale.overrides).macs, 2 * scale.matrix_side**3
    for batch, runs in scale.runs.items():
        times = medians(
            [*(one_pass(network, prepared[:batch]) for network in networks), *products], runs, scale.warm_up
        )
        for number, (network, agreed) in enumerate(zip(networks, agreements, strict=True)):
            its_product = times[len(networks) + dtypes.index(network.dtype)]
            setting = Setting(network.engine, device, dtype_name(network.dtype))
            figures = partial(
                against_plain, (times[number], times[0], its_product), batch * flops, product_flops, agreed
            )
            yield from measured([empty_row(setting, batch)], figures)
        for setting, reason in errors.items():  # that this machine cannot run a setting is no failure
            yield empty_row(setting, batch).without_value(reason, failed=not isinstance(reason, DeviceError))


def empty_row(setting: Setting, batch: int) -> Row:
    """The claim about a setting."""
    goal = GOALS.get((setting.engine, setting.dtype, batch))
    return Row(
        f"{NAME} on {setting.device}, batch {batch}, {setting.engine} {setting.dtype} / plain float32",
        "x",
        None if goal is None else 1 / goal,
    )


def against_plain(
    times: tuple[Timed, Timed, Timed], flops: int, product_flops: int, agreed: str
) -> list[tuple[float, str]]:
    """A setting's time over that of the plain network, and the figures behind it.

    times: of the setting, of the plain network, and of a matrix product in the setting's dtype; an error among them is
    raised. flops: of a pass. product_flops: of the matrix product.
    """
    time, plain_time, product_time = map(seconds_or_raise, times)
    reached, peak = flops / time, product_flops / product_time
    detail = (
        f"{1e3 * time:.1f} ms / {1e3 * plain_time:.1f} ms, {plain_time / time:.2f} times as fast; "
        f"{reached / 1e9:,.0f} GFLOP/s, {reached / peak:.0%} of a matrix product's {peak / 1e9:,.0f}; {agreed}"
    )
    return [(time / plain_time, detail)]


def seconds_or_raise(time: Timed) -> float:
    if isinstance(time, Exception):
        raise time
    return time


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


def product(device: str, dtype: torch.dtype, side: int) -> Callable[[], object]:
    """A product of two square matrices, which, if they are large, is as fast as a device gets."""
    matrix = torch.rand(side, side, device=device).to(dtype)
    return lambda: (matrix @ matrix)[0, 0].item()


def medians(calls: list[Callable[[], object]], runs: int, warm_up: int) -> list[Timed]:
    """Seconds of each, taken in turns after a warm-up, so that all meet the same machine.

    For a call that raises it is the error, and the others go on without it.
    """
    times: list[list[float]] = [[] for _ in calls]
    errors: dict[int, Exception] = {}
    for _ in range(warm_up + runs):
        for number, call in enumerate(calls):
            if number not in errors:
                try:
                    times[number].append(seconds(call))
                except Exception as error:  # reported in the row of this call
                    errors[number] = error
    return [errors[n] if n in errors else median(taken[warm_up:]) for n, taken in enumerate(times)]


def save_weights(path: Path, pictures: list[Image.Image], scale: Scale) -> None:
    """Random weights, with batch norms that have seen the pictures once."""
    torch.manual_seed(0)
    model = inception.create_model(NAME, **scale.overrides)
    batch = torch.cat([to_input(crop_and_resize(picture, scale.size, TIMM_V2), TIMM_V2) for picture in pictures])
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the statistics of this pass alone
    with torch.no_grad():
        model.train()(batch)
        spread = LOGIT_SPREAD / model.eval()(batch).std(dim=1).mean()
        for parameter in model.get_submodule("head.Logits.Logits").parameters():
            parameter.mul_(spread)
    save_file(model.state_dict(), path, scale.like.metadata if scale.like else None)
