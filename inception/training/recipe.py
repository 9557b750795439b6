"""The training recipe: SGD with Nesterov momentum, a learning rate that rises and falls, and label smoothing.

A run lives in a folder. `state.pt` is written whole after every epoch, so a run that was stopped goes on after its last
epoch, with the same pictures in the same order. `log.csv` has one row for each epoch. What was tried and left out
again is told in docs/experiments.md.
"""

import csv
import json
import math
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..files import replace_file
from ..models.surgery import ResidualError, cut_shortcuts, set_scales
from ..words import _
from ..zoo import create_model
from .augment import MILD, STRONG, augmented, scale_up
from .cifar10 import CLASSES, Pictures
from .outliers import outliers

HELD_OUT = 2000  # training pictures kept back, the same for every run, to watch and to fit the temperature
EVALUATION_BATCH = 200
# On a GPU convolutions run in bfloat16, and everything that adds up in float32. On a CPU that is for those with units
# for matrices of bfloat16; the others train in float32.
MIXED_ON_CPU = bool(torch.cpu.get_capabilities().get("amx_bf16"))
MOMENTUM = 0.9
WARM_UP = 0.25  # share of the steps in which the learning rate rises
START, END = 0.05, 0.001  # learning rate at the start and the end, as shares of its peak
FINISHING = 0.3  # learning rate from which the finish falls, as a share of its peak
INITS = ("default", "he")


class TrainingError(InputError):
    """A recipe that cannot be trained, in one sentence."""


@dataclass(frozen=True)
class Recipe:
    """All that a run depends on; the same recipe gives the same run on the same machine.

    Raises TrainingError for fields that contradict each other.
    """

    model: str  # a name of the zoo
    width: float = 0.25  # channel multiplier
    repeats: tuple[int, int, int] | None = None  # blocks of each kind; None for the network's own
    # Pixels of a side to which the 32-pixel pictures are scaled up. At 112 the last grid is 2x2, the smallest on which
    # the 3x3, 1x3 and 3x1 kernels of the C blocks see more than one cell.
    size: int = 112
    epochs: int = 10  # in a cycle
    batch: int = 128  # pictures in a step
    learning_rate: float = 0.1  # at its peak
    weight_decay: float = 5e-4  # of convolutions and linear layers; biases and batch norms have none
    label_smoothing: float = 0.1
    dropout: float = 0.0  # of the head's layer
    seed: int = 0  # of the first weights, the order of the pictures and how they are varied
    # How often the learning rate rises and falls, in `epochs` epochs each time (warm restarts, Loshchilov and Hutter
    # 2017). A finished run can go on with more cycles, and then with a finish.
    cycles: int = 1
    # Epochs after all cycles in which pictures are hardly varied and the learning rate falls from `FINISHING` of its
    # peak: the network settles on pictures as they come (He et al. 2019, *Data Augmentation Revisited*).
    finish: int = 0
    scale: float | None = None  # of the residuals, see `surgery.set_scales`; None for the network's own
    shortcuts: bool = True  # whether the network keeps them, see `surgery.cut_shortcuts`
    pictures: int | None = None  # how many of the training pictures to learn from; None for all
    outliers: int = 0  # drawn pictures of none of the classes in a step, beside the batch, see `outliers`
    # Pixels of a side in the cycles; None for `size`. Small pictures take less time, and a finish at `size` makes up
    # for them (Touvron et al. 2019, *Fixing the train-test resolution discrepancy*).
    cycle_size: int | None = None
    # What the convolutions start from, one of `INITS`: PyTorch's default, or He's normal distribution (He et al. 2015,
    # *Delving Deep into Rectifiers*).
    init: str = "default"

    def __post_init__(self) -> None:
        if self.scale is not None and not self.shortcuts:
            raise TrainingError(_("Without shortcuts nothing is summed, so there is no residual to scale."))
        if self.epochs < 1 or self.cycles < 1 or self.batch < 2:
            raise TrainingError(_("There must be one epoch and one cycle at least, and two pictures in a batch."))
        if not 0 < self.learning_rate < math.inf:
            raise TrainingError(_("The learning rate must be a number above 0."))
        if self.finish < 0:
            raise TrainingError(_("The epochs of the finish cannot be fewer than none."))
        if self.cycle_size is not None and not self.finish:
            raise TrainingError(_("Cycles at a size of their own need a finish at the final one."))
        if self.init not in INITS:
            sentence = _("Convolutions start from one of {known}, not {value!r}.")
            raise TrainingError(sentence.format(known=", ".join(INITS), value=self.init))
        if not 0 <= self.outliers <= self.batch:
            raise TrainingError(_("A step can have from none to as many outliers as pictures."))
        if self.pictures is not None and self.pictures < self.batch:
            sentence = _("{pictures} pictures do not fill a batch of {batch}.")
            raise TrainingError(sentence.format(pictures=self.pictures, batch=self.batch))

    @property
    def cycled(self) -> int:
        """Epochs of all cycles."""
        return self.epochs * self.cycles

    @property
    def all_epochs(self) -> int:
        """Of all cycles and the finish."""
        return self.cycled + self.finish

    @property
    def command(self) -> str:
        """The command line that trains it: whatever differs from the defaults stands in it."""
        default = asdict(Recipe(self.model))
        options = [f"--{name.replace('_', '-')} {x}" for name, x in asdict(self).items() if x != default[name]]
        return " ".join(["python -m inception train", self.model, *options])

    def overrides(self) -> dict[str, Any]:
        """What `create_model` needs beside the name."""
        repeats = {"repeats": self.repeats} if self.repeats else {}
        return {"num_classes": len(CLASSES), "width": self.width, **repeats}

    def size_in(self, epoch: int) -> int:
        """Pixels of a side in an epoch, counted from 1."""
        return self.size if self.cycle_size is None or epoch > self.cycled else self.cycle_size

    def build(self) -> nn.Module:
        """The untrained network, with the same weights for the same seed, also at another scale or without shortcuts.

        Raises TrainingError for a scale, or no shortcuts, where the network has no residual sums.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            model = create_model(self.model, **self.overrides())
            if self.init == "he":
                _start_as_he(model)
        try:
            if self.scale is not None:
                set_scales(model, (self.scale,) * 3)
            if not self.shortcuts:
                cut_shortcuts(model)
        except ResidualError as error:
            raise TrainingError(str(error)) from error
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = self.dropout
        return model


@dataclass(frozen=True)
class Epoch:
    """One row of the log. Losses are in nats, accuracies are shares."""

    epoch: int  # counted from 1
    steps: int
    learning_rate: float  # in the last step
    training_loss: float  # mean over the steps, with label smoothing and outliers
    training_accuracy: float
    held_out_loss: float  # without label smoothing; these pictures are scaled up to the epoch's size
    held_out_accuracy: float
    seconds: float  # as they passed
    cpu_seconds: float  # of all threads of this process together, whatever else the machine did


LOG_COLUMNS = [field.name for field in fields(Epoch)]


def split(pictures: Pictures) -> tuple[Pictures, Pictures]:
    """The training pictures as those to learn from and the `HELD_OUT` ones, the same for every run."""
    images, labels = pictures
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    kept, held = order[HELD_OUT:], order[:HELD_OUT]
    return (images[kept], labels[kept]), (images[held], labels[held])


def learning_rate(recipe: Recipe, epochs: float) -> float:
    """After so many of all epochs: up a cosine in each cycle's warm-up, then down one; only down in the finish."""
    if epochs >= recipe.cycled:
        high, low, position = FINISHING, FINISHING * END, (epochs - recipe.cycled) / recipe.finish
    else:
        progress = epochs % recipe.epochs / recipe.epochs
        if progress < WARM_UP:
            high, low, position = 1.0, START, 1 - progress / WARM_UP
        else:
            high, low, position = 1.0, END, (progress - WARM_UP) / (1 - WARM_UP)
    return recipe.learning_rate * (low + (high - low) * (1 + math.cos(math.pi * position)) / 2)


def train(
    recipe: Recipe,
    pictures: Pictures,
    folder: Path,
    device: str = "cpu",
    progress: Callable[[int, int, int, float], None] = lambda epoch, step, steps, loss: None,
) -> Generator[Epoch, None, None]:
    """Trains until the recipe's last epoch and yields each; goes on from the folder's state where there is one.

    progress: called now and then with the epoch, the step in it, how many it has, and the loss.
    Raises TrainingError when the folder belongs to another recipe, or the recipe asks for what there is not.
    """
    training, held_out = split(pictures)
    model = recipe.build()
    if (least := recipe.pictures or recipe.batch) > len(training[0]):
        sentence = _("There are {count:,} pictures to learn from, not {least:,}.")
        raise TrainingError(sentence.format(count=len(training[0]), least=least))
    images, labels = (tensor[: recipe.pictures] for tensor in training)
    model = model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]  # biases and batch norm
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        momentum=MOMENTUM,
        nesterov=True,
    )
    for epoch in range(_resume(recipe, folder, model, optimizer) + 1, recipe.all_epochs + 1):
        row = _epoch(recipe, epoch, (images, labels), held_out, model, optimizer, device, progress)
        _save(recipe, folder, model, optimizer, row)
        yield row


def trained_model(folder: Path) -> tuple[Recipe, nn.Module]:
    """The recipe of a run and its network as it stands; raises TrainingError for a folder without a state."""
    if not (folder / "state.pt").is_file():
        raise TrainingError(_("{folder}: no training has saved anything here.").format(folder=folder))
    recipe = read_recipe(folder)
    model = recipe.build()
    model.load_state_dict(torch.load(folder / "state.pt", map_location="cpu", weights_only=True)["model"])
    return recipe, model.eval()


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a run."""
    content = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    if content["repeats"]:
        content["repeats"] = tuple(content["repeats"])
    return Recipe(**content)


def logits_of(forward: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """(N, classes) float32 on the CPU for (N, 3, H, W) uint8 pictures, some at a time.

    forward: from some of the pictures, as they are, to their logits.
    """
    with torch.inference_mode():
        return torch.cat([forward(part).cpu() for part in images.split(EVALUATION_BATCH)])


def _start_as_he(model: nn.Module) -> None:
    """The variance of the gradients stays the same through a convolution and its ReLU."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _forward(model: nn.Module, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type != "cpu" or MIXED_ON_CPU):
        return model(x.contiguous(memory_format=torch.channels_last)).float()


def _epoch(
    recipe: Recipe,
    epoch: int,
    training: Pictures,
    held_out: Pictures,
    model: nn.Module,
    optimizer: torch.optim.SGD,
    device: str,
    progress: Callable[[int, int, int, float], None],
) -> Epoch:
    began, cpu_began = time.monotonic(), time.process_time()
    images, labels = training
    # Of the epoch alone, so that a run that was stopped sees the same pictures as one that was not.
    generator = torch.Generator().manual_seed(1000 * recipe.seed + epoch)
    torch.manual_seed(1000 * recipe.seed + epoch)
    batches = torch.randperm(len(images), generator=generator).split(recipe.batch)
    steps = len(batches) if len(batches[-1]) == recipe.batch else len(batches) - 1
    variation, size = STRONG if epoch <= recipe.cycled else MILD, recipe.size_in(epoch)
    model.train()
    losses, right, rate = 0.0, 0, 0.0
    for step, batch in enumerate(batches[:steps]):
        rate = learning_rate(recipe, epoch - 1 + step / steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        shown = torch.cat([images[batch], outliers(images[batch[: recipe.outliers]], generator)])
        logits = _forward(model, augmented(shown.to(device), size, generator, variation))
        y = labels[batch].to(device)
        # Probabilities of all classes, because an outlier has no class: it belongs as little to each of them.
        wanted = torch.full_like(logits, 1 / len(CLASSES))
        wanted[: recipe.batch] = F.one_hot(y, len(CLASSES))
        loss = F.cross_entropy(logits, wanted, label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += loss.item()
        right += int((logits[: recipe.batch].argmax(1) == y).sum())
        if step % 10 == 9 or step + 1 == steps:
            progress(epoch, step + 1, steps, losses / (step + 1))
    model.eval()
    held = logits_of(lambda shown: _forward(model, scale_up(shown.to(device), size)), held_out[0])
    return Epoch(
        epoch=epoch,
        steps=steps,
        learning_rate=rate,
        training_loss=losses / steps,
        training_accuracy=right / (steps * recipe.batch),
        held_out_loss=F.cross_entropy(held, held_out[1]).item(),
        held_out_accuracy=(held.argmax(1) == held_out[1]).double().mean().item(),
        seconds=time.monotonic() - began,
        cpu_seconds=time.process_time() - cpu_began,
    )


def _resume(recipe: Recipe, folder: Path, model: nn.Module, optimizer: torch.optim.SGD) -> int:
    """The epochs that are done, with the network and the optimizer as they were then."""
    folder.mkdir(parents=True, exist_ok=True)
    before = read_recipe(folder) if (folder / "recipe.json").is_file() else recipe
    if before != recipe and not _is_start_of(before, recipe):
        sentence = _("{folder}: holds a run of another recipe; choose another folder or delete this one.")
        raise TrainingError(sentence.format(folder=folder))
    if before != recipe or not (folder / "recipe.json").is_file():
        replace_file(folder / "recipe.json", (json.dumps(asdict(recipe), indent=1) + "\n").encode())
    if not (folder / "state.pt").is_file():
        return 0
    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    _write_log(folder, state["log"])  # the log is written after the state and may lack its last row
    return len(state["log"])


def _is_start_of(before: Recipe, recipe: Recipe) -> bool:
    """Whether a run of the one, which has no finish, can go on as a run of the other."""
    differences = asdict(before).items() - asdict(recipe).items()
    longer = not before.finish and before.cycles <= recipe.cycles
    return longer and {field for field, _ in differences} <= {"cycles", "finish"}


def _save(recipe: Recipe, folder: Path, model: nn.Module, optimizer: torch.optim.SGD, row: Epoch) -> None:
    path = folder / "state.pt"
    log = torch.load(path, map_location="cpu", weights_only=True)["log"] if path.is_file() else []
    log.append(asdict(row))
    temporary = folder / "state.tmp"
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "log": log}, temporary)
    temporary.replace(path)
    _write_log(folder, log)


def _write_log(folder: Path, log: list[dict[str, Any]]) -> None:
    temporary = folder / "log.tmp"
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, LOG_COLUMNS)
        writer.writeheader()
        writer.writerows(log)
    temporary.replace(folder / "log.csv")
