"""Training on a folder of class folders: a head on a network's frozen features, or after it the whole network.

The network that comes out is one file that says its classes, as `predict` reads it. Some pictures of each class are
held out, the same for the same seed and folder; nothing is learnt from them and nothing chosen by them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from ..errors import InputError
from ..models.network import Network
from ..runtime.image import ImageError, load_image
from ..runtime.predictor import Predictor
from ..weights.header import MOST_CLASSES
from ..weights.known import Weights
from ..weights.preprocessing import Preprocessing
from ..words import _
from ..zoo import create_model
from .augment import MILD, augmented
from .features import features_of
from .head import Examples, Floats, Head, HeadTraining, Share, Whole

HELD_OUT = 0.2  # share of each class's pictures, and one at least
MOST_VARIED = 2000  # pictures to learn from, up to which the head learns from varied views of each
MOST_BYTES = 4 * 2**30  # of prepared pictures in memory
LEARNING_RATE, LAST = 0.01, 0.01  # of the whole network: at the start, and at the end as a share of that
MOMENTUM, WEIGHT_DECAY, LABEL_SMOOTHING = 0.9, 5e-4, 0.1

Tell = Callable[[str], None]


@dataclass(frozen=True)
class OwnTraining:
    """How to train on a folder. Raises InputError for what cannot be."""

    everything: bool = False  # trains all of the network after the head
    epochs: int = 10  # of all of it
    batch: int = 128  # pictures in a step of all of it
    learning_rate: float = LEARNING_RATE
    seed: int = 0  # of what is held out, and of the order and variations

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not 0 < self.learning_rate < math.inf:
            raise InputError(
                _("There must be one epoch and one picture in a batch at least, and a learning rate above 0.")
            )


@dataclass(frozen=True)
class OwnPictures:
    """The files of a folder of class folders, split into those to learn from and those held out."""

    names: tuple[str, ...]  # of the classes, which are those of the folders
    learnt: list[tuple[Path, int]]  # with the number of the class
    held_out: list[tuple[Path, int]]


def class_folders(folder: Path) -> list[Path]:
    """The folders in a folder, by name, without hidden ones."""
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(found, key=lambda path: path.name)


def find_pictures(folder: Path, seed: int, tell: Tell) -> OwnPictures:
    """The pictures in the folders, split; those that cannot be read are told of and left out.

    Raises InputError for fewer than two classes, or a class with fewer than two pictures.
    """
    folders = class_folders(folder)
    if not 2 <= len(folders) <= MOST_CLASSES:
        sentence = _("{folder}: needs from 2 to {most:,} folders, one for each class; it has {count}.")
        raise InputError(sentence.format(folder=folder, most=MOST_CLASSES, count=len(folders)))
    found = OwnPictures(tuple(path.name for path in folders), [], [])
    generator = np.random.default_rng(seed)
    for number, path in enumerate(folders):
        files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
        readable = [file for file in files if _can_be_read(file, tell)]
        if len(readable) < 2:
            sentence = _("{folder}: a class needs two pictures that can be read; this one has {count}.")
            raise InputError(sentence.format(folder=path, count=len(readable)))
        order = generator.permutation(len(readable))
        count = max(1, round(HELD_OUT * len(readable)))
        found.held_out.extend((readable[i], number) for i in sorted(order[:count]))
        found.learnt.extend((readable[i], number) for i in sorted(order[count:]))
    return found


def train_on(network: Predictor, pictures: OwnPictures, training: OwnTraining, tell: Tell) -> tuple[Network, Share]:
    """The network with a classifier for the folder's classes, and how many held-out pictures it gets right.

    tell: called with a sentence now and then. Raises InputError where the pictures do not fit into memory,
    OutOfMemory.
    """
    model = with_head(network, _head(network, pictures, tell))
    if training.everything:
        _train_everything(model, network, pictures, training, tell)
    right = 0
    for path, number in pictures.held_out:
        x = network.to_input(_prepared(network, path))
        with torch.inference_mode():
            right += int(model.to(network.device)(x).argmax(1).item() == number)
    return model.cpu(), Share(right, len(pictures.held_out))


def file_of(
    model: Network, network: Predictor, folder: Path, pictures: OwnPictures, training: OwnTraining, share: Share
) -> bytes:
    """The trained network as a .safetensors file whose header `described` reads. network: what it was trained from.

    What the header says in words is in the language of whoever trains.
    """
    known = network.description
    weights = Weights(
        tag="",
        variant=network.name,
        title=_("{folder}: {classes} classes").format(folder=folder.resolve().name, classes=len(pictures.names)),
        source=_("trained from {weights}").format(weights=network.weights.label),
        licence=known.licence if known else _("not known"),
        accuracy=measured(share),
        num_classes=len(pictures.names),
        labels=pictures.names,
        preprocessing=network.preprocessing,
        input_size=network.input_size,
        megabytes=0,
        overrides=_kept_overrides(network),
        training={
            "data": _("{count} pictures of {classes} classes").format(
                count=len(pictures.learnt), classes=len(pictures.names)
            ),
            "trained": _("everything") if training.everything else _("the classifier; all else is frozen"),
            "seed": str(training.seed),
        },
    )
    return save({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, weights.metadata)


def measured(share: Share) -> str:
    """12 of 15 held-out pictures right: 80.0 %, 95 % interval 54.8 to 93.0 %."""
    low, high = share.interval
    return _(
        "{right} of {pictures} held-out pictures right: {share:.1f} %, 95 % interval {low:.1f} to {high:.1f} %"
    ).format(right=share.right, pictures=share.pictures, share=100 * share.value, low=100 * low, high=100 * high)


def with_head(network: Predictor, head: Head) -> Network:
    """A copy of a network, on the CPU, with a head as its classifier."""
    model = create_model(network.name, num_classes=len(head.names), **_kept_overrides(network))
    ours, path = model.state_dict(), f"{model.classifier_path}."
    body = {key: value.cpu() for key, value in network.model.state_dict().items() if not key.startswith(path)}
    weight, mean = torch.from_numpy(head.weight), torch.from_numpy(head.mean)
    bias = torch.from_numpy(head.bias).double() - weight.double() @ mean.double()
    classifier = {f"{path}weight": weight, f"{path}bias": bias.float()}
    model.load_state_dict({**ours, **{key: value for key, value in body.items() if key in ours}, **classifier})
    return model.eval()


def _kept_overrides(network: Predictor) -> dict[str, Any]:
    """Those that a header has; an auxiliary head is left behind, because only training from nothing needs it."""
    known = network.description
    return {key: value for key, value in (known.overrides if known else {}).items() if key in ("width", "repeats")}


def _can_be_read(path: Path, tell: Tell) -> bool:
    try:
        load_image(path)
    except ImageError as error:
        tell(_("{folder}: {error} It is left out.").format(folder=path.parent.name, error=error))
        return False
    return True


def _prepared(network: Predictor, path: Path) -> Image.Image:
    return network.prepare(load_image(path), (network.input_size, network.input_size))


def _head(network: Predictor, pictures: OwnPictures, tell: Tell) -> Head:
    """A head that has learnt the pictures to learn from."""
    varied, rows = len(pictures.learnt) <= MOST_VARIED, list[Floats]()
    for count, (path, _number) in enumerate(pictures.learnt, 1):
        size = network.input_size, network.input_size
        rows.append(features_of(network, load_image(path), size, varied))
        if count % 20 == 0 or count == len(pictures.learnt):
            sentence = _("the network has looked at {count} of {whole} pictures")
            tell(sentence.format(count=count, whole=len(pictures.learnt)))
    classes: Whole = np.array([number for _, number in pictures.learnt], dtype=np.int64)
    every = np.ones((1, len(classes)), dtype=bool)
    return HeadTraining(Examples(np.stack(rows), classes, pictures.names), every, ~every).run().head


def _train_everything(
    model: Network, network: Predictor, pictures: OwnPictures, training: OwnTraining, tell: Tell
) -> None:
    """SGD on all weights, from a head that fits them already (Kumar et al. 2022), with the rate falling as a cosine.

    Batch norms keep the statistics of the weights, because a few pictures have none that would be worth more.
    """
    side, count = network.input_size, len(pictures.learnt)
    if 3 * side * side * count > MOST_BYTES:
        sentence = _("{count:,} pictures of {side} px are more than the {most} GB that may be held.")
        raise InputError(sentence.format(count=count, side=side, most=MOST_BYTES >> 30))
    images = torch.stack(
        [torch.from_numpy(np.array(_prepared(network, path))).permute(2, 0, 1) for path, _ in pictures.learnt]
    )
    classes = torch.tensor([number for _, number in pictures.learnt])
    model.to(network.device)
    optimizer = torch.optim.SGD(
        model.parameters(), training.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY, nesterov=True
    )
    steps = training.epochs * math.ceil(count / training.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, LAST * training.learning_rate)
    generator = torch.Generator().manual_seed(training.seed)
    for epoch in range(1, training.epochs + 1):
        total = 0.0
        for part in torch.randperm(count, generator=generator).split(training.batch):
            x = _varied(images[part].to(network.device), side, network.preprocessing, generator)
            loss = F.cross_entropy(model(x), classes[part].to(network.device), label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(part)
        sentence = _("epoch {epoch} of {epochs}: training loss {loss:.3f}")
        tell(sentence.format(epoch=epoch, epochs=training.epochs, loss=total / count))


def _varied(images: Tensor, side: int, preprocessing: Preprocessing, generator: torch.Generator) -> Tensor:
    """(N, 3, H, W) uint8 prepared pictures to the network's input, varied a little."""
    pixels = 127.5 * (augmented(images, side, generator, MILD) + 1)
    mean, std = (
        torch.as_tensor(numbers, dtype=torch.float32, device=images.device).reshape(-1, 1, 1)
        for numbers in (preprocessing.mean, preprocessing.std)
    )
    return (pixels - mean) / std
