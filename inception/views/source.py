"""Where a block is written: its classes' source, and the line of each of its layers."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..graph.layer import Layer
from ..models.layers import Parallel, Stage
from ..zoo import create_model


@dataclass(frozen=True)
class BlockSource:
    """Source of the classes a block is made of.

    summary: first sentence of its docstring, with the paper's figure. why: the paragraph after it, if any.
    lines: index of a layer to its line in `text`, from 1.
    """

    summary: str
    why: str
    text: str
    lines: dict[int, int]


def block_source(name: str, layers: Sequence[Layer]) -> BlockSource:
    """The source of the block or stage of network `name` that `layers` belong to."""
    model = create_model(name, device="meta")
    stage, block = layers[0].path.split(".")[:2]
    whole_stage = len({layer.block for layer in layers}) > 1 or stage == "head"
    module = model.get_submodule(stage if whole_stage else f"{stage}.{block}")
    classes = [
        cls for cls in type(module).__mro__ if cls.__module__.startswith("inception.models") and cls is not Stage
    ]
    if any(isinstance(child, Parallel) for child in module.children()):
        classes.append(Parallel)
    text = "\n\n".join(inspect.getsource(cls) for cls in classes)
    summary, why, *_ = [*inspect.cleandoc(classes[0].__doc__ or "").split("\n\n"), ""]
    depth = 1 if whole_stage else 2
    lines = {layer.index: line for layer in layers if (line := _line(text, layer.path.split(".")[depth:]))}
    return BlockSource(" ".join(summary.split()), " ".join(why.split()), text, lines)


def _line(text: str, names: Sequence[str]) -> int | None:
    """The line where the last of nested module `names` is made, each looked for behind the one before it."""
    first, *rest = names
    match = re.compile(rf"self\.{first} =").search(text)
    if match is None:
        match = re.compile(rf'\b{first} ?=|\["{first}"\] =', re.IGNORECASE).search(text, text.find("def __init__"))
    for name in rest:
        if match is None:
            break
        formatted = re.sub(r"\d+x\d+$", r"(\\d|{kernel})x(\\d|{kernel})", name)
        pattern = re.compile(rf'\b{name}=|add_module\("{name}"|"{formatted}":|self\.{name} =')
        match = pattern.search(text, match.end())
    return text.count("\n", 0, match.start()) + 1 if match else None
