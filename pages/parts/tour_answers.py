"""The questions of the tour that run a network or read a measurement, and the list of all questions."""

from functools import partial
from math import inf

from inception.runtime.predictor import Predictor
from inception.studies.residual import UNSCALED, summarise
from inception.text import and_list, running_text
from inception.training.race import TITLES
from inception.training.race_results import common_target, compare, read_curves
from inception.vision.attributions.attribution import Attribution
from inception.vision.attributions.cams import layer_cam
from inception.vision.attributions.choice import first_layer
from inception.vision.titles import class_title
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import tour_networks as on
from pages.parts import tour_questions as shapes
from pages.parts.decoded import decoded
from pages.parts.tour_question import Choice, Option, Place, Question, options_in_order

BRIGHTEST = 0.2  # share of the picture where a click is right
RACERS = ("v2", "v4")  # with shortcuts, without


def shortcut() -> Choice:
    """How much a block with a shortcut adds to what passes by."""
    ratios = on.sums_of_sample()["ratio"]
    scale = on.instrument().scales[1]  # of most of the blocks
    truth, blocks = float(ratios.median()), len(ratios)
    as_scale = _(
        "No: that would be so if the branches found as much as passes by. They find {share:.0%} of it, and the network "
        "multiplies that by a small number, here {scale:g}, before it adds it. The next step is about that number."
    ).format(share=truth / scale, scale=scale)
    as_much = _("No: then a block would add as much as it got. It adds {times:.0f} times less.")
    options = [
        (scale, Option("scale", f"{scale:.0%}", as_scale)),
        (1.0, Option("same", _("{share:.0%}, as much").format(share=1), as_much.format(times=1 / truth))),
        (
            0.0,
            Option(
                "nothing",
                _("nothing at all"),
                _("No: it is little, but {blocks} blocks add it one after the other.").format(blocks=blocks),
            ),
        ),
    ]
    says = _(
        "Half of the {blocks} blocks add less than {share:.1%} of what passes by, half add more; block {place} adds "
        "most, {most:.0%}."
    ).format(blocks=blocks, share=truth, place=int(ratios.argmax()) + 1, most=ratios.max())
    right = Option("little", f"{truth:.1%}", _("Yes. {truth}").format(truth=says))
    prompt = _(
        "In a block with a shortcut the input passes by unchanged, and what the branches found is added to it. If what "
        "passes by counts as 100%, how much is added? A trained network has {blocks} such blocks. We measure each on "
        "the sample picture, and take the one in the middle from the least to the most."
    ).format(blocks=blocks)
    return Choice(prompt, options_in_order(options, right, truth), right.id, says)


def growth(scaled: bool) -> float:
    """How many times the spread of the values grows from the first sum to the last."""
    found = summarise(on.residual_sums(None if scaled else UNSCALED))
    return found.last_spread / found.first_spread


def scale() -> Choice:
    """What happens without the 0.17."""
    blocks = len(on.residual_sums())
    with_scale, truth = growth(True), growth(False)
    behind_the_first = blocks - 1
    times = _("{times:.2g} times")
    kept = _("No: that is what they do with the scales {scales}.").format(
        scales=_(", ").join(f"{one:g}" for one in on.instrument().scales)
    )
    each = truth ** (1 / behind_the_first) - 1
    doubled = _("No: for that each block would have to double them. They grow by {each:.0%} a block on average.")
    options = [
        (with_scale, Option("scaled", times.format(times=with_scale), kept)),
        (
            2.0**behind_the_first,
            Option(
                "doubled",
                _("{times:,.0f} times: they double in each block").format(times=2.0**behind_the_first),
                doubled.format(each=each),
            ),
        ),
        (
            float(blocks),
            Option(
                "blocks",
                _("{times} times: once for each block").format(times=blocks),
                _(
                    "No: that would be so if each block added the same amount. But each adds a share of what has come "
                    "together so far, so they grow by {each:.0%} a block on average: growth upon growth."
                ).format(each=each),
            ),
        ),
    ]
    says = _(
        "From the first sum to the last the values grow {scaled:.2g} times with the scales, and {free:.2g} times "
        "without."
    )
    says = says.format(scaled=with_scale, free=truth)
    right = Option("unscaled", times.format(times=truth), _("Yes. {truth}").format(truth=says))
    prompt = _(
        "The network multiplies what a block adds by {scale:g} in its first blocks. We take the same trained network, "
        "set all scales to 1, and run the sample picture and crops of it. How many times do the values grow from the "
        "first sum to the last?"
    ).format(scale=on.instrument().scales[0])
    return Choice(prompt, options_in_order(options, right, truth), right.id, says)


def race() -> Choice:
    """Which network of equal cost reached an accuracy first in the race that was measured."""
    curves = read_curves()
    assert curves is not None  # the measured race comes with the project
    found = compare(curves, *RACERS, common_target(curves))
    winner = {"first": RACERS[0], "second": RACERS[1], "open": "neither"}[found.faster]
    pictures = dict(zip(RACERS, found.pictures, strict=True))
    options = []
    for key in RACERS:
        if pictures[key] == inf:
            why = _("No: not all of its runs got there.")
        elif winner == "neither":
            why = _("No: the runs of the two overlap, so nothing can be said.")
        elif key == winner:
            sentence = _("Yes: after {pictures:,.0f} pictures, {ratio:.1f} times fewer than the other.")
            why = sentence.format(pictures=round(pictures[key], -2), ratio=max(pictures.values()) / pictures[key])
        else:
            sentence = _("No: it took {pictures:,.0f} pictures, {ratio:.1f} times as many as the other.")
            why = sentence.format(pictures=round(pictures[key], -2), ratio=pictures[key] / min(pictures.values()))
        options.append(Option(key, _(TITLES[key]), why))
    why = _("Yes: their runs overlap.")
    if winner != "neither":
        why = _("No: every run of one was faster than every run of the other, with {runs} seeds each.")
        why = why.format(runs=min(found.runs))
    options.append(Option("neither", _("no clear difference"), why))
    says = _("Their runs overlap, so nothing can be said.")
    if winner != "neither":
        sentence = _("{fast} got there after {ratio:.1f} times fewer pictures than {slow}.")
        slow = next(key for key in RACERS if key != winner)
        says = sentence.format(fast=_(TITLES[winner]), slow=_(TITLES[slow]), ratio=pictures[slow] / pictures[winner])
    prompt = _(
        "Two narrow networks of equal cost learn the same pictures: one with shortcuts, one without. Which gets "
        "{target:.0%} of new pictures right first?"
    ).format(target=found.target)
    return Choice(prompt, tuple(options), winner, says)


def versions() -> Choice:
    """Which of the networks of one name is the smallest."""
    graphs = {name: on.graph(name) for name in on.NAMED_V2}
    least = min(graphs, key=lambda name: graphs[name].params)
    options = []
    for name, graph in graphs.items():
        sentence = _("No: it has {params:.1f} million parameters, in {blocks} blocks of the kinds A, B and C.")
        if name == least:
            sentence = _("Yes: {params:.1f} million parameters, in {blocks} blocks of the kinds A, B and C.")
        counted = and_list([f"{count}" for count in on.residual_blocks(graph)])
        why = running_text(sentence.format(params=graph.params / 1e6, blocks=counted), _(on.NAMED_V2[name]))
        options.append(Option(name.rpartition(".")[2], _(VARIANTS[name].title), why))
    says = _("{network} has {params:.1f} million parameters, the largest of the three {most:.1f} million.").format(
        network=_(VARIANTS[least].title),
        params=graphs[least].params / 1e6,
        most=max(graph.params for graph in graphs.values()) / 1e6,
    )
    yours = _("Your library most likely has the released one, with {params:.1f} million: TF-Slim, timm and Keras do.")
    says = running_text(says, yours.format(params=graphs[on.V2].params / 1e6))
    prompt = _("{count} different networks are called Inception-ResNet-v2. Which has the fewest parameters?")
    return Choice(prompt.format(count=len(graphs)), tuple(options), least.rpartition(".")[2], says)


def looked_at(network: Predictor, data: bytes) -> tuple[Attribution, str, float]:
    """Where a network looks for its answer to a picture, the answer and its probability."""
    graph = on.graph_of_predictor(network)
    prepared = network.prepare(decoded(data), graph.input_size)
    answer = network.classify(prepared).iloc[0]
    label = str(answer["label"])
    layer = first_layer("LayerCAM", graph)
    return (
        layer_cam(network, prepared, graph, layer, network.labels.index(label)),
        class_title(label),
        float(answer["probability"]),
    )


def look(data: bytes | None = None) -> Place:
    """Where the network looks for its answer to a picture, by default to the sample."""
    network = on.predictor(on.V4)
    data = data or on.sample_bytes()
    found, label, probability = looked_at(network, data)
    values = found.values
    height, width = values.shape
    ranked = (values.ravel()[:, None] < values.ravel()[None, :: max(1, values.size // 4000)]).mean(axis=1)
    brighter = ranked.reshape(height, width)  # share of the picture that is brighter than each place
    inside = (brighter <= BRIGHTEST) & (not found.dead)
    held = float(values[inside].sum() / values.sum()) if inside.any() else 0.0

    def why(x: float, y: float) -> str:
        if found.dead:
            return running_text(_("**There is no map to show.**"), found.dead)
        share = brighter[min(int(y * height), height - 1), min(int(x * width), width - 1)]
        sentence = _("No: {share:.0%} of the picture speaks more for {label} than this place.")
        if share <= BRIGHTEST:
            sentence = _("Yes: only {share:.0%} of the picture speaks more for {label} than this place.")
        return sentence.format(share=share, label=label)

    says = _("It says {label}, {probability:.0%}. The brightest fifth of the picture holds {held:.0%} of the map.")
    says = found.dead or says.format(label=label, probability=probability, held=held)
    prompt = _("The network names this picture. Click on a place where it looks for its answer.")
    prepared = network.prepare(decoded(data), (height, width))
    return Place(prompt, prepared, inside, says, why)


QUESTIONS = {
    question.id: question
    for question in (
        Question("work", "choice", shapes.work),
        Question("grid", "number", shapes.grid),
        Question("branches", "choice", shapes.branches),
        Question("bottleneck", "choice", shapes.bottleneck),
        Question("pair", "number", shapes.pair),
        Question("reduction", "choice", shapes.reduction),
        Question("field", "choice", shapes.field),
        Question("shortcut", "choice", shortcut),
        Question("scale", "choice", scale),
        Question("race", "choice", race),
        Question("versions", "choice", versions),
        Question("look", "place", partial(look)),
    )
}
