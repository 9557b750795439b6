"""Loads checkpoints under our names or those of other implementations: all of a file or nothing."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.network import Network
from ..words import N_, Filled, _
from .checkpoint_error import CheckpointError as CheckpointError
from .labels import BACKGROUND, IMAGENET_CLASSES
from .names import Naming, naming_of, tidy
from .reading import MAX_BYTES as MAX_BYTES
from .reading import read_checkpoint as read_checkpoint
from .reading import unwrapped


def load_weights(model: nn.Module, path_or_state_dict: str | PathLike[str] | Mapping[str, Tensor]) -> tuple[str, ...]:
    """Copies weights from a .safetensors, .pt, .pth or .h5 file or a state dict into `model`.

    Keys are ours, or those of another implementation of the network: timm's, torchvision's, pretrained-models.pytorch's
    (Cadene), facenet-pytorch's with or without its logits, TF-Slim's, Keras Applications'. State dicts are found inside
    training checkpoints, averaged weights (EMA) before the last ones, and prefixes such as ``module.`` do not matter.
    Tensors take the dtype of the model. As in PyTorch, ``num_batches_tracked`` may be absent.

    Returns sentences on what the owner of the file should know of how it was read, in English, which `words.gettext`
    translates; mostly there are none.
    Raises CheckpointError when an entry is missing, unexpected or of the wrong shape, or when the file is not a
    checkpoint of plain tensors. The model then keeps all the weights it had.
    """
    if isinstance(path_or_state_dict, Mapping):
        origin, found = _("the state dict"), unwrapped(path_or_state_dict)
    else:
        origin, found = Path(path_or_state_dict).name, read_checkpoint(path_or_state_dict)
    ours = model.state_dict()
    if any(tensor.is_meta for tensor in ours.values()):
        sentence = _("{file}: a network on the meta device cannot hold weights.")
        raise CheckpointError(sentence.format(file=origin))
    state, notes = tidy(found.state)
    naming = naming_of(state, model)
    fitting = fitted(state, ours, naming, origin)
    for key, our_key in naming.keys.items():
        if key in state and not is_plain(state[key]):
            raise CheckpointError(_("{file}: {key!r} is not a plain tensor.").format(file=origin, key=key))
        if our_key not in fitting and not our_key.endswith("num_batches_tracked"):
            fitting[our_key] = torch.ones_like(ours[our_key])  # a batch norm's gamma that nobody trained
    model.load_state_dict({**ours, **fitting})
    return (*found.notes, *notes, *remarks(model, naming))


def fitted(state: Mapping[str, Tensor], ours: Mapping[str, Tensor], naming: Naming, origin: str) -> dict[str, Tensor]:
    """The tensors of a state dict under our keys, in PyTorch's order of axes.

    ours: the state dict of the network; tensors of both may lie on the meta device. origin: begins each sentence.
    Raises CheckpointError when an entry is missing, unexpected, of the wrong shape or of the wrong kind of number.
    """
    if not naming.keys.keys() & state.keys():
        sentence = _("{file}: no entry belongs to this network; the first is {key!r}.")
        raise CheckpointError(sentence.format(file=origin, key=next(iter(state), None)))
    found: dict[str, Tensor] = {}
    for key, our_key in naming.keys.items():
        needed = ours[our_key]
        if key not in state:
            if naming.may_lack(key):
                continue
            raise CheckpointError(_("{file}: {key!r} is missing.").format(file=origin, key=key))
        if not isinstance(state[key], Tensor):
            raise CheckpointError(_("{file}: {key!r} is not a plain tensor.").format(file=origin, key=key))
        tensor = naming.to_torch(state[key], needed.ndim)
        if tensor.shape != needed.shape:
            sentence = _("{file}: {key!r} has shape {shape}, the network needs {needed}.")
            raise CheckpointError(
                sentence.format(file=origin, key=key, shape=shape_text(tensor), needed=shape_text(needed))
            )
        if tensor.is_floating_point() != needed.is_floating_point():
            sentence = _("{file}: {key!r} holds {dtype}, the network needs {needed}.")
            raise CheckpointError(sentence.format(file=origin, key=key, dtype=tensor.dtype, needed=needed.dtype))
        found[our_key] = tensor
    for key in state:
        if key not in naming.keys and not (isinstance(key, str) and key.startswith(naming.ignored)):
            raise CheckpointError(_("{file}: {key!r} does not belong to this network.").format(file=origin, key=key))
    return found


def remarks(model: nn.Module, naming: Naming) -> list[str]:
    """What the owner of a file should know of the network that it gives, a sentence each."""
    if not isinstance(model, Network):
        return []
    found = []
    if naming.title != "PyTorch" and model.tensorflow and model.tensorflow.differs:
        found.append(model.tensorflow.differs)
    if not model.num_classes and model.classifier_path == Network.classifier_path:
        found.append(N_("It has no classifier, so the network gives features instead of classes."))
    if model.num_classes == IMAGENET_CLASSES + 1:
        found.append(
            Filled(
                N_("It has {count:,} classes: the first is {first!r}, then follow ImageNet's."),
                count=model.num_classes,
                first=BACKGROUND,
            )
        )
    return found


def classes_in(state: Mapping[str, Tensor], model: Network) -> int | None:
    """How many classes the classifier of a checkpoint tells apart; None if it has none.

    model: the network that the checkpoint is for, which knows what its classifier is called; with any number of
    classes, on any device.
    """
    state, _ = tidy(state)
    theirs = {ours: key for key, ours in naming_of(state, model).keys.items()}
    bias = state.get(theirs.get(f"{model.classifier_path}.bias", ""))
    return int(bias.numel()) if isinstance(bias, Tensor) else None


def is_plain(value: object) -> bool:
    """Whether a value is a tensor with its numbers in memory: not sparse, not quantised, not on the meta device."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta and not value.is_quantized


def shape_text(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or _("of a single number")
