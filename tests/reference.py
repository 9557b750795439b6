"""Figures measured on other implementations (see `tests/reference/README.md`), and small helpers around them."""

import csv
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

DATA = Path(__file__).with_name("reference")

# Networks that others have too, and the input size at which their outputs were measured: all with reference data.
MEASURED: dict[str, int] = {
    name: json.loads((DATA / f"{name}.outputs.json").read_text())["input_size"]
    for name in sorted(path.name.removesuffix(".state_dict.csv") for path in DATA.glob("*.state_dict.csv"))
}
# Those of them whose layers were measured as well.
LAYERS_MEASURED = {name: size for name, size in MEASURED.items() if (DATA / f"{name}.layers_{size}.csv").exists()}


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file in `tests/reference`."""
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def outputs(model: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DATA / f"{model}.outputs.json").read_text())
    return content


def sizes(text: str) -> tuple[int, ...]:
    """192x35x35 as numbers; nothing for the empty text."""
    return tuple(map(int, text.split("x"))) if text else ()


def state_dict_shapes(model: str) -> dict[str, tuple[int, ...]]:
    """Key and shape of every entry of the reference's state dict, in order."""
    return {row["key"]: sizes(row["shape"]) for row in table(f"{model}.state_dict.csv")}


def variable_shapes(model: str, by: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every variable of the network in "slim" or "keras"."""
    return {row["key"]: sizes(row["shape"]) for row in table(f"{model}.{by}.csv")}


def fill(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The recipe's float64 weights: they depend on key and shape alone."""
    out = {}
    for key, shape in shapes.items():
        if key.endswith("num_batches_tracked"):
            out[key] = torch.zeros((), dtype=torch.long)
            continue
        generator = torch.Generator().manual_seed(int(hashlib.sha256(key.encode()).hexdigest()[:8], 16))
        values = torch.rand(shape, generator=generator, dtype=torch.float64)
        if key.endswith("running_var") or (key.endswith("weight") and len(shape) == 1):
            out[key] = 0.5 + values
        elif len(shape) >= 2:
            out[key] = (values - 0.5) * 2 * math.sqrt(3.0 / math.prod(shape[1:]))
        else:
            out[key] = (values - 0.5) * 0.2
    return out


def fill_tensorflow(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """float32 weights for variables of TF-Slim or Keras by the same recipe: they depend on key and shape alone."""
    out = {}
    for key, shape in shapes.items():
        generator = torch.Generator().manual_seed(int(hashlib.sha256(key.encode()).hexdigest()[:8], 16))
        values = torch.rand(shape, generator=generator)
        if key.endswith("moving_variance"):
            out[key] = 0.5 + values
        elif len(shape) >= 2:
            out[key] = (values - 0.5) * 2 * math.sqrt(3.0 / math.prod(shape[:-1]))
        else:
            out[key] = (values - 0.5) * 0.2
    return out


def image(n: int, size: int) -> Tensor:
    """The recipe's pictures: (n, 3, size, size), float64, from -1 to 1."""
    generator = torch.Generator().manual_seed(20261122)
    return torch.rand((n, 3, size, size), generator=generator, dtype=torch.float64) * 2 - 1


def assert_one_sentence(error: BaseException) -> None:
    """What a reader gets to see: one line, one sentence, no traceback."""
    message = str(error)
    assert message.strip(), "an empty message"
    assert "\n" not in message, message
    assert ". " not in message, message
    assert "Traceback" not in message, message
    assert len(message) < 400, message
