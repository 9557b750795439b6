"""A trained network as one small file that says all about itself, a card for people, and its figures as data.

Convolutions and linear layers are stored in float16, batch norm in float32: its variances do not all fit float16.
Every figure is that of the stored numbers, as the app runs them, not of the network before rounding.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import copyfile

import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import InputError
from ..paths import OTHERS, ROOT
from ..runtime.predictor import PictureNetwork, Predictor
from ..text import and_list, running_text
from ..vision.none_of_them import refusals, wrong_refusals
from ..vision.photographs import Hits, answers, hits
from ..weights.known import MEASURED, Weights
from ..weights.preprocessing import Preprocessing
from ..words import ENGLISH, N_, _, current, languages, speaking
from ..zoo import get_variant
from .calibration import calibration_error, fit_temperature
from .cifar10 import CLASSES, SIDE, Pictures
from .recipe import Recipe, logits_of, split, trained_model

LICENCE = "Apache-2.0"
DATA_SOURCE = "https://www.cs.toronto.edu/~kriz/cifar.html"
DATA = "CIFAR-10 (Krizhevsky 2009)"
PREPARATION = Preprocessing(mean=127.5, std=127.5, crop=1.0, interpolation="bicubic", detail=SIDE)
SURE = 0.9  # share of held-out pictures, all of which show one of the classes, that pass the threshold


@dataclass(frozen=True)
class Scores:
    """How good a network's answers are, measured on pictures that it did not learn from."""

    pictures: int  # how many
    accuracy: float  # share of the pictures whose class came first
    top_3: float  # share of those whose class was among the first three
    calibration_error: float  # expected calibration error, a share, of probabilities after the temperature
    confusion: pd.DataFrame  # how many pictures of each class (rows) were taken for which (columns)


def answers_to(network: PictureNetwork, images: Tensor, side: int | None = None) -> Tensor:
    """(N, classes) float32 logits for (N, 3, H, W) uint8 pictures, prepared and run as the app does it.

    side: pixels of the network's input; those of its training where none are given.
    """
    size = side or network.input_size, side or network.input_size

    def forward(part: Tensor) -> Tensor:
        pixels = part.permute(0, 2, 3, 1).numpy()
        return torch.from_numpy(
            network.outputs([network.prepare(Image.fromarray(picture), size) for picture in pixels])
        )

    return logits_of(forward, images)


def evaluate(network: PictureNetwork, pictures: Pictures) -> Scores:
    """What the network makes of pictures of CIFAR-10's classes; raises ValueError for a network of other classes."""
    if tuple(network.labels) != CLASSES:
        sentence = _("{weights} does not tell CIFAR-10's ten classes apart.")
        raise InputError(sentence.format(weights=network.weights.given))
    images, labels = pictures
    return scores(answers_to(network, images), labels, network.temperature)


def scores(logits: Tensor, labels: Tensor, temperature: float) -> Scores:
    """Of (N, classes) logits and (N,) labels."""
    count = len(CLASSES)
    pairs = torch.bincount(labels * count + logits.argmax(1), minlength=count**2).reshape(count, count)
    return Scores(
        pictures=len(labels),
        accuracy=(logits.argmax(1) == labels).double().mean().item(),
        top_3=(logits.topk(3).indices == labels[:, None]).any(1).double().mean().item(),
        calibration_error=calibration_error(F.softmax(logits.double() / temperature, dim=1), labels),
        confusion=pd.DataFrame(pairs.numpy(), index=CLASSES, columns=CLASSES),
    )


def write_bundle(run: Path, training: Pictures, test: Pictures, folder: Path) -> Weights:
    """Writes the network of a finished run, its cards and its figures into `folder`; what the file says of itself.

    Temperature and threshold are fitted on the held-out training pictures; nothing here is chosen by the test pictures,
    and that they were used is noted in the folder, beside what shorter trainings of the network scored.
    Raises TrainingError for a run without a saved state.
    """
    recipe, model = trained_model(run)
    folder.mkdir(parents=True, exist_ok=True)
    tag = f"{recipe.model}.cifar10"
    seen, (held_out, labels) = split(training)
    weights, scratch = _untested(tag, recipe, len(seen[0])), folder / f".{tag}.safetensors"
    state = rounded(model)
    try:
        save_file(state, scratch, weights.metadata)
        network = Predictor(recipe.model, str(scratch))
        logits = answers_to(network, held_out)
        temperature = fit_temperature(logits, labels)
        threshold = (logits.double() / temperature).logsumexp(1).quantile(1 - SURE).item()
        found = scores(answers_to(network, test[0]), test[1], temperature)
        weights = replace(
            weights,
            accuracy=MEASURED.format(accuracy=f"{found.accuracy:.2%}", pictures=f"{found.pictures:,}"),
            temperature=temperature,
            threshold=threshold,
            training={
                **weights.training,
                "test_accuracy": f"{found.accuracy:.4f}",
                "test_top_3_accuracy": f"{found.top_3:.4f}",
                "expected_calibration_error": f"{found.calibration_error:.4f}",
            },
        )
        save_file(state, scratch, weights.metadata)
        scratch.chmod(0o644)  # safetensors lets no one else read what it writes
        scratch.replace(folder / f"{tag}.safetensors")
    finally:
        scratch.unlink(missing_ok=True)
    seen_by_no_one = answers(Predictor(recipe.model, str(folder / f"{tag}.safetensors")))
    write_tables(folder, tag, found, seen_by_no_one)
    copyfile(run / "log.csv", folder / f"{tag}.log.csv")
    recognised = hits(seen_by_no_one)
    tests = noted(folder / f"{tag}.tests.csv", recipe, found, recognised)
    for language in languages():
        with speaking(language):
            (folder / card_file(tag)).write_text(card(weights, recipe, recognised, tests), encoding="utf-8")
    return weights


def write_tables(folder: Path, tag: str, found: Scores, photographs: pd.DataFrame) -> None:
    """Writes the confusion matrix, and the `answers` for the project's photographs, as CSV into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found.confusion.to_csv(folder / f"{tag}.confusion.csv", index_label="class", lineterminator="\n")
    photographs.to_csv(folder / f"{tag}.photographs.csv", index=False, float_format="%.4f", lineterminator="\n")


def noted(path: Path, recipe: Recipe, found: Scores, photographs: Hits) -> pd.DataFrame:
    """Adds a row to the file of all uses of the test pictures for a network, and gives them all, the bundled last.

    Runs of another seed are other networks, measured by the same people.
    """
    before = [pd.read_csv(path)] if path.is_file() else []
    row = {
        "seed": recipe.seed,
        "epochs": recipe.all_epochs,
        "test_accuracy": round(found.accuracy, 4),
        "photographs_top_1": round(photographs.top_1, 4),
        "command": recipe.command,
    }
    tests = pd.concat([*before, pd.DataFrame([row])], ignore_index=True)
    tests.to_csv(path, index=False, lineterminator="\n")
    return tests


def used_before(tests: pd.DataFrame) -> str:
    """What the test pictures were used for besides the last of these measurements, in a sentence or more."""
    same, others = _before_last(tests)
    if len(same):
        sentence = _(
            "They had been used before: {measured}. These were reasons to train on or to end otherwise, so the last is "
            "no first look; how to go on was decided by held-out training pictures."
        ).format(measured=_listed(same, "test_accuracy", 2))
    else:
        sentence = _("They were used this once for this run.") if len(others) else _("They were used this once.")
    if len(others):
        more = _("Runs from other seeds were measured on them too: {measured}.")
        sentence = running_text(sentence, more.format(measured=_listed(others, "test_accuracy", 2)))
    return sentence


def _recognised(found: Hits, tests: pd.DataFrame) -> str:
    """The card's line about photographs; where there were shorter trainings, with what they recognised."""
    same, _others = _before_last(tests)
    if len(same):
        sentence = _(
            "- **Photographs**: of the project's {count} real ones that show one of the classes, {top_1:.0%} are\n"
            "  recognised (top-3 {top_3:.0%}); it had been {before}."
        )
    else:
        sentence = _(
            "- **Photographs**: of the project's {count} real ones that show one of the classes, {top_1:.0%} are\n"
            "  recognised (top-3 {top_3:.0%})."
        )
    before = _listed(same, "photographs_top_1", 0)
    return sentence.format(count=found.known, top_1=found.top_1, top_3=found.top_3, before=before)


def _before_last(tests: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The measurements besides the last: those of its run, and those of runs from other seeds."""
    before, seed = tests.iloc[:-1], tests["seed"].iloc[-1]
    return before[before["seed"] == seed], before[before["seed"] != seed]


def _listed(tests: pd.DataFrame, column: str, decimals: int) -> str:
    sentence = _("{share} after {epochs} epochs")
    shares = zip(tests[column], tests["epochs"], strict=True)
    return _(", ").join(sentence.format(share=f"{share:.{decimals}%}", epochs=epochs) for share, epochs in shares)


def rounded(model: nn.Module) -> dict[str, Tensor]:
    """The state with convolutions and linear layers in float16, and without the counters of batch norm."""
    halved = {
        f"{path}.{name}"
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
        for name, _ in module.named_parameters(recurse=False)
    }
    return {
        key: tensor.to(torch.float16 if key in halved else torch.float32).contiguous()
        for key, tensor in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }


def card(weights: Weights, recipe: Recipe, found: Hits, tests: pd.DataFrame, others: pd.DataFrame | None = None) -> str:
    """The model card, in Markdown, in the language of this thread.

    tests: as `noted` gives them. others: as `none_of_them.others_table` gives them, where the network is in there.
    """
    beginning = _(
        "{network} at {overrides}, trained by this project on CIFAR-10,\n"
        "so that the app can name things without the internet."
    ).format(
        network=get_variant(weights.variant).title,
        overrides=_(", ").join(f"{name} {value}" for name, value in weights.overrides.items()),
    )
    tables = _(
        "For teaching. It knows ten words; which ones it mixes up is in `{tag}.confusion.csv`, and what it makes of "
        "each\nphotograph in `{tag}.photographs.csv`."
    ).format(tag=weights.tag)
    made = _("How it was made")
    log = _("`{tag}.log.csv` is its log. The recipe in full, defaults included:").format(tag=weights.tag)
    return "\n\n".join(
        [
            f"# {weights.tag}",
            beginning,
            "\n".join(_card_lines(weights, recipe, found, tests, others)),
            tables,
            f"## {made}",
            f"`{recipe.command}`",
            log,
            f"```json\n{json.dumps(asdict(recipe), indent=1)}\n```\n",
        ]
    )


def _card_lines(
    weights: Weights, recipe: Recipe, found: Hits, tests: pd.DataFrame, others: pd.DataFrame | None
) -> list[str]:
    """What the card says of the network, a line each."""
    facts = weights.training
    return [
        _("- **Knows** {count} classes: {classes}.").format(count=len(CLASSES), classes=", ".join(CLASSES)),
        _(
            "- **Saw** {pictures} pictures of {side} pixels, scaled up {sizes}\n"
            "  each. A photograph is reduced to {side} pixels as well before it is scaled up for the network: small "
            "things are lost."
        ).format(pictures=facts["pictures"], side=SIDE, sizes=_scaled_up(recipe)),
        *_unsure(recipe),
        _(
            "- **Test accuracy** {accuracy:.2%} (top-3 {top_3:.2%}) on the\n"
            "  official test pictures, measured when the run had ended.\n"
            "  {used_before}\n"
            "  `python -m inception evaluate {variant}` measures it again, and with `-o DIR` writes both tables below."
        ).format(
            accuracy=float(facts["test_accuracy"]),
            top_3=float(facts["test_top_3_accuracy"]),
            used_before=used_before(tests),
            variant=weights.variant,
        ),
        _recognised(found, tests),
        _(
            "- **Probabilities**: logits are divided by a temperature of {temperature:.3f}, fitted on training "
            "pictures that\n"
            "  were held out. The expected calibration error on the test pictures\n"
            "  is {error:.4f}."
        ).format(temperature=weights.temperature, error=float(facts["expected_calibration_error"])),
        _(
            "- **None of the classes** is said when the log of the summed exponentials of these logits (the negative "
            "energy of Liu\n"
            "  et al. 2020) is below {threshold:.3f}: {sure:.0%} of the pictures that were held out have more. A rule "
            "of\n"
            "  thumb: of the project's photographs it turns away {others:.0%} of those that show none of the classes,\n"
            "  and {known:.0%} of those that do. These photographs had a say in the choice of the rule and of\n"
            "  the recipe, so expect less of other ones."
        ).format(threshold=weights.threshold, sure=SURE, others=found.others_refused, known=found.known_refused),
        *([] if others is None else [_others(weights.tag, others)]),
        _("- **Stored** in float16, batch norm in float32."),
        _("- **Licence** of the weights: {licence}. The pictures are CIFAR-10's: {source}").format(
            licence=weights.licence, source=DATA_SOURCE
        ),
    ]


def card_file(tag: str) -> str:
    """What the card's file is called in the language of this thread: TAG.md in English, else TAG.zh_CN.md and so on."""
    return f"{tag}.md" if current() == ENGLISH else f"{tag}.{current()}.md"


def _scaled_up(recipe: Recipe) -> str:
    """To which sizes, and how often each picture was seen."""
    sizes = Counter(recipe.size_in(epoch) for epoch in range(1, recipe.all_epochs + 1))
    sentence = _("to {size} px, {count} times")
    return and_list([sentence.format(size=size, count=count) for size, count in sizes.items()])


def _unsure(recipe: Recipe) -> list[str]:
    """The card's line about outliers, where there were some."""
    if not recipe.outliers:
        return []
    sentence = _(
        "- **Learnt to be unsure** of {outliers} drawn pictures beside every {batch}: plain colours, noise,\n"
        "  patterns, shapes, text, and pictures whose parts have changed places (outlier exposure, Hendrycks et al. "
        "2019)."
    )
    return [sentence.format(outliers=recipe.outliers, batch=recipe.batch)]


def _others(tag: str, table: pd.DataFrame) -> str:
    """The card's line about photographs of none of the classes that had no say in anything."""
    return _(
        "- **Other photographs** of none of the classes, which had no say in any choice: it turns away\n"
        "  {alone}.\n"
        "  Asked together with the project's other networks, where the least sure of them decides, it turns away\n"
        "  {together},\n"
        "  and of the project's photographs that do show one of the classes {wrong:.0%}.\n"
        "  `{file}` has every picture and what each network says of it."
    ).format(
        alone=refusals(table, tag),
        together=refusals(table, "together"),
        wrong=wrong_refusals(table, "together").share,
        file=OTHERS.relative_to(ROOT).as_posix(),
    )


def _untested(tag: str, recipe: Recipe, pictures: int) -> Weights:
    return Weights(
        tag=tag,
        variant=recipe.model,
        title=N_("CIFAR-10, ten classes"),
        source=f"assets/weights/{tag}.md",
        licence=LICENCE,
        accuracy="",
        num_classes=len(CLASSES),
        labels=CLASSES,
        preprocessing=PREPARATION,
        input_size=recipe.size,
        megabytes=0,
        overrides={key: value for key, value in recipe.overrides().items() if key != "num_classes"},
        training={
            "data": DATA,
            "pictures": f"{pictures:,}",
            "epochs": str(recipe.all_epochs),
            "seed": str(recipe.seed),
            "recipe": json.dumps(asdict(recipe)),
        },
    )
