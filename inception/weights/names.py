"""What other implementations call the modules of our networks."""

import re
from collections.abc import Iterator

from torch import nn

from ..models.layers import Parallel, Stage

# What other implementations call our stages and blocks. {n} counts the blocks of the network from 0, {i} those
# of the stage, {short} is TF-Slim's name of the block in lower case and without the kernel. The most specific
# entry counts: layer before block before stage before "".
NAMES = {
    "inception_v4": {  # timm's
        "": "features.{n}",
        "head.Logits.Logits": "last_linear",
    },
    "inception_resnet_v2": {  # timm's
        "": "{short}",
        "inception_resnet_a": "repeat.{i}",
        "inception_resnet_b": "repeat_1.{i}",
        "inception_resnet_c": "repeat_2.{i}",
        "inception_resnet_c.Block8": "{short}",
        "head.Logits.Logits": "classif",
    },
    "inception_resnet_v1": {  # facenet-pytorch's
        "": "{short}",
        "inception_resnet_a": "repeat_1.{i}",
        "inception_resnet_b": "repeat_2.{i}",
        "inception_resnet_c": "repeat_3.{i}",
        "inception_resnet_c.Block8": "{short}",
        "head.Bottleneck.fully_connected": "last_linear",
        "head.Bottleneck.batch_norm": "last_bn",
        "head.Classifier": "logits",
    },
}
# FaceNet's checkpoints carry the classifier they were trained with; an embedding network has no use for it.
OPTIONAL = {"logits.weight", "logits.bias"}


def renamed_keys(model: nn.Module, keys: list[str]) -> Iterator[dict[str, str]]:
    """Others' keys of this network mapped to ours; of a network built without `create_model`, by every table."""
    stages = {name: stage for name, stage in model.named_children() if isinstance(stage, Stage)}
    blocks = [(name, block) for name, stage in stages.items() for block in stage._modules]
    if not blocks:
        return
    variant = getattr(model, "variant", None)
    tables = NAMES if variant is None else {name: NAMES[name] for name in NAMES if name == variant.name}
    for table in tables.values():
        prefixes = {}
        for n, (stage, block) in enumerate(blocks):
            template = table.get(f"{stage}.{block}") or table.get(stage) or table[""]
            i = list(stages[stage]._modules).index(block)
            short = "_".join(block.lower().split("_")[:2])
            prefixes[stage, block] = template.format(n=n, i=i, short=short)
        renamed = {}
        for key in keys:
            module, _, entry = key.rpartition(".")
            stage, block, inner = key.split(".", 2)
            if module in table:
                theirs = f"{table[module]}.{entry}"
            else:
                theirs = f"{prefixes[stage, block]}.{name_by_position(stages[stage].get_submodule(block), inner)}"
            # timm's Mixed3a and Mixed5a have one convolution and call it so.
            renamed[re.sub(r"^features\.([35])\.branch\d", r"features.\1.conv", theirs)] = key
        yield renamed


def name_by_position(block: nn.Module, key: str) -> str:
    """A key inside a block as timm and facenet-pytorch have it.

    Branch_1.Conv2d_0b_3x3.conv.weight becomes branch1.1.conv.weight, or branch1.conv.weight where the branch has
    one layer; in a branch that forks, branch1_0, branch1_1a and branch1_1b; the linear 1x1 is conv2d.
    """
    if not isinstance(block, Parallel):
        return key
    if key.startswith("Conv2d_1x1."):
        return key.replace("Conv2d_1x1", "conv2d", 1)
    branch, layer, rest = key.split(".", 2)
    layers = block.get_submodule(branch)._modules
    position = str(list(layers).index(layer))
    fork = layers.get("fork")
    if layer == "fork" and fork is not None:
        arm, rest = rest.split(".", 1)
        position += "ab"[list(fork._modules).index(arm)]
    index = f"{'_' if fork else '.'}{position}" if len(layers) > 1 else ""
    return f"{branch.lower().replace('_', '')}{index}.{rest}"
