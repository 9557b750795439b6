"""The terms of the glossary: what each means, a number of this app's own networks, and where to see it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import inception
from inception import LayerGraph
from inception.graph.layer import Layer
from inception.graph.op import Op, is_pool
from inception.runtime.pool import networks
from inception.runtime.predictor import Predictor
from inception.size import Size
from inception.studies.factorize import SEPARABLE, SQUARE, Setting, calculate
from inception.studies.pairs import pair_totals
from inception.text import and_list, scaled, shape_text
from inception.training.race import SEEDS
from inception.vision.inside import LayerMaps, silent_channels, through_network
from inception.vision.samples import samples
from inception.words import N_
from pages.parts import choices

PICTURE, WEIGHTS = "cat", "inception_v4.cifar10"
Values = dict[str, Any]


class Numbers:
    """What the facts are computed from: traces, and one pass of a bundled network on a sample."""

    @cached_property
    def v4(self) -> LayerGraph:
        return choices.graph_of("inception_v4")

    @cached_property
    def v2(self) -> LayerGraph:
        return choices.graph_of("inception_resnet_v2")

    @cached_property
    def v1(self) -> LayerGraph:
        return choices.graph_of("inception_resnet_v1")

    @property
    def network(self) -> Predictor:
        found = networks.get("inception_v4", WEIGHTS)
        assert isinstance(found, Predictor)
        return found

    @cached_property
    def classes(self) -> Values:
        """What the bundled network says of the sample: the first two classes, as logits and probabilities."""
        network = self.network
        image = inception.load_image(samples()[PICTURE].path)
        prepared = network.prepare(image, (network.input_size, network.input_size))
        first, second = network.classify(prepared).head(2).to_dict("records")
        return {"logit": first["logit"], "share": first["probability"], "other": second["probability"]}

    @cached_property
    def maps(self) -> list[LayerMaps]:
        """What each block of the bundled network hands on for the sample."""
        network = self.network
        assert network.description is not None
        size = Size.square(network.input_size)
        graph = choices.graph_of(network.name, size, **network.description.network)
        image = inception.load_image(samples()[PICTURE].path)
        return through_network(network, network.prepare(image, graph.input_size), graph, 1)

    def block(self, name: str) -> list[Layer]:
        """The layers of a block of Inception-v4, by TF-Slim's name."""
        return [layer for layer in self.v4.layers if layer.block == name]

    def windows(self, padding: str) -> int:
        """How many convolutions and pools of Inception-v4 declare a padding."""
        return sum(layer.window is not None and layer.window.padding == padding for layer in self.v4.layers)


@dataclass(frozen=True)
class Term:
    """One word of the field."""

    id: str  # in addresses
    name: str  # marked; in a translation what stands before a bracket is looked for in texts
    meaning: str  # marked, one sentence
    fact: str  # marked, with the values of `values`
    values: Callable[[Numbers], Values]
    page: str  # where to see it
    query: dict[str, str] = field(default_factory=dict)  # of the link
    also: str = ""  # marked: other words that people look for it by


def _convs(graph: LayerGraph) -> list[Layer]:
    return [layer for layer in graph.layers if layer.op == Op.CONV]


def _sums(graph: LayerGraph) -> list[Layer]:
    return [layer for layer in graph.layers if layer.op == Op.RESIDUAL_SUM]


def _kernels(graph: LayerGraph) -> str:
    kernels = {layer.window.kernel for layer in _convs(graph) if layer.window}
    return and_list([shape_text(kernel) for kernel in sorted(kernels, key=lambda kernel: (max(kernel), kernel))])


def _of_part(graph: LayerGraph, op: str) -> int:
    return sum(part.op == op for layer in graph.layers for part in layer.parts)


def _depthwise(_n: Numbers) -> Values:
    options = calculate(Setting(7, 256, 256, 256, (64, 64), False, False))
    weights = {option.name: option.graph.params for option in options}
    return {"count": weights[SEPARABLE], "ratio": weights[SQUARE] / weights[SEPARABLE]}


def _stem(n: Numbers) -> Values:
    layers = [layer for layer in n.v4.layers if layer.stage == _first(n).stage]
    return {"count": len(layers), "before": shape_text(n.v4.input_shape), "after": shape_text(layers[-1].out_shape)}


def _pairs(n: Numbers) -> Values:
    largest = pair_totals(n.v4).iloc[0]
    return {"pairs": int(largest["pairs"]), "ratio": largest["ratio"]}


def _grids(n: Numbers) -> Values:
    block = n.block("Mixed_6a")
    return {"before": shape_text(block[0].in_shapes[0][1:]), "after": shape_text(block[-1].out_shape[1:])}


def _thinned(n: Numbers) -> Values:
    thin = next(layer for layer in n.block("Mixed_5b") if layer.branch == "Branch_1")
    return {"channels": thin.in_shapes[0][0], "fewer": thin.out_shape[0]}


def _concat(n: Numbers) -> Values:
    joint = n.block("Mixed_5b")[-1]
    return {"parts": " + ".join(str(shape[0]) for shape in joint.in_shapes), "sum": joint.out_shape[0]}


def _field(n: Numbers) -> Values:
    found = n.v4.receptive_field(n.v4.grids[-1])
    picture = n.v4.input_size[0]
    return {
        "size": found.size[0],
        "picture": picture,
        "stride": found.stride[0],
        "share": (picture / found.size[0]) ** 2,
    }


def _scales(n: Numbers) -> Values:
    return {"scales": and_list([f"{scale:g}" for scale in dict.fromkeys(one.parts[0].scale for one in _sums(n.v2))])}


def _dead(n: Numbers) -> Values:
    last = n.maps[-1]
    return {"dead": silent_channels(last.channels), "count": len(last.channels)}


def _without_temperature(n: Numbers) -> Values:
    return {"temperature": n.network.temperature, "share": n.classes["share"]}


def _cifar(n: Numbers) -> Values:
    known = n.network.description
    assert known is not None
    return {"count": len(n.network.labels), "side": known.preprocessing.detail}


def _first(n: Numbers) -> Layer:
    return n.v4.layers[0]


def _pool(n: Numbers) -> Layer:
    return [layer for layer in n.v4.layers if is_pool(layer.op)][-1]


TERMS = {
    term.id: term
    for term in (
        Term(
            "convolution",
            N_("convolution"),
            N_("A layer that slides small grids of weights over what it reads, and hands on a sum at each place."),
            N_("Inception-v4 has {count} of them."),
            lambda n: {"count": len(_convs(n.v4))},
            "layers",
        ),
        Term(
            "kernel",
            N_("kernel"),
            N_("The small window of a convolution, height x width, through which it reads its input."),
            N_("Inception-v4 uses {kernels}."),
            lambda n: {"kernels": _kernels(n.v4)},
            "factorisation",
        ),
        Term(
            "filter",
            N_("filter"),
            N_("One set of weights of a convolution; it makes one channel of the output."),
            N_("The first layer of Inception-v4 has {count} of them, with {weights} weights each."),
            lambda n: {
                "count": _first(n).out_shape[0],
                "weights": _first(n).parts[0].weights // _first(n).out_shape[0],
            },
            "layers",
        ),
        Term(
            "channel",
            N_("channel"),
            N_("One of the maps that a layer hands on; each is the answer of one filter at every place."),
            N_("Inception-v4 goes from {first} channels, red, green and blue, to {last}."),
            lambda n: {"first": n.v4.input_shape[0], "last": n.v4.grids[-1].out_shape[0]},
            "inside",
        ),
        Term(
            "feature-map",
            N_("feature map"),
            N_("What one filter answers at every place of its input, seen as a picture."),
            N_("The first layer of Inception-v4 makes maps of {size} cells."),
            lambda n: {"size": shape_text(_first(n).out_shape[1:])},
            "inside",
        ),
        Term(
            "grid",
            N_("grid"),
            N_("The rows and columns of a feature map; it shrinks on the way through the network."),
            N_("In Inception-v4 from {first} to {last}."),
            lambda n: {"first": shape_text(n.v4.input_size), "last": shape_text(n.v4.grids[-1].out_shape[1:])},
            "layers",
        ),
        Term(
            "stride",
            N_("stride"),
            N_("How many cells the window of a layer moves on for the next output; 2 halves the grid."),
            N_("{count} layers of Inception-v4 have a stride of 2."),
            lambda n: {
                "count": sum(layer.window is not None and layer.window.stride == (2, 2) for layer in n.v4.layers)
            },
            "layers",
        ),
        Term(
            "padding",
            N_("padding"),
            N_("Zeros that a layer adds round its input, so that its window also fits at the edge."),
            N_("{count} layers of Inception-v4 add some."),
            lambda n: {"count": sum(layer.window is not None and any(layer.window.pad) for layer in n.v4.layers)},
            "layers",
        ),
        Term(
            "valid",
            N_("VALID"),
            N_("Padding that adds no zeros: the window stays inside, and the grid gets smaller."),
            N_("{count} convolutions and pools of Inception-v4 are VALID."),
            lambda n: {"count": n.windows("VALID")},
            "layers",
        ),
        Term(
            "same",
            N_("SAME"),
            N_("Padding with as many zeros as it takes to keep the grid, or to halve it exactly at a stride of 2."),
            N_("{count} convolutions and pools of Inception-v4 are SAME."),
            lambda n: {"count": n.windows("SAME")},
            "layers",
        ),
        Term(
            "max-pool",
            N_("max pool"),
            N_("A layer without weights that hands on the largest value of each window."),
            N_("Inception-v4 has {count}."),
            lambda n: {"count": sum(layer.op == Op.MAX_POOL for layer in n.v4.layers)},
            "layers",
        ),
        Term(
            "average-pool",
            N_("average pool"),
            N_("A layer without weights that hands on the mean of each window."),
            N_("The last one of Inception-v4 turns {before} into {after}."),
            lambda n: {"before": shape_text(_pool(n).in_shapes[0]), "after": shape_text(_pool(n).out_shape)},
            "layers",
        ),
        Term(
            "stem",
            N_("stem"),
            N_("The first layers of a network, which shrink the picture fast before the blocks begin."),
            N_("In Inception-v4 {count} layers make {after} of {before}."),
            _stem,
            "blocks",
            {"model": "inception_v4", "block": "Stem"},
        ),
        Term(
            "block",
            N_("block"),
            N_("A group of layers that is repeated as one piece, such as Inception-A."),
            N_("Inception-v4 repeats its block B {count} times."),
            lambda n: {"count": len({layer.block for layer in n.v4.layers if layer.stage == "Inception-B"})},
            "blocks",
        ),
        Term(
            "branch",
            N_("branch"),
            N_("One of several ways side by side through a block, each with kernels of its own."),
            N_("Inception-A has {count}."),
            lambda n: {"count": len({layer.branch for layer in n.block("Mixed_5b") if layer.branch})},
            "blocks",
            {"model": "inception_v4", "block": "Inception-A"},
        ),
        Term(
            "concatenation",
            N_("concatenation"),
            N_(
                "Putting the channels of several branches one behind the other, which computes nothing; the paper's "
                "figures call it *filter concat*."
            ),
            N_("In Inception-A {parts} channels make {sum}."),
            _concat,
            "blocks",
            {"model": "inception_v4", "block": "Inception-A"},
            N_("concat, joining"),
        ),
        Term(
            "reduction",
            N_("reduction"),
            N_("A block that halves the grid, with pooling and convolutions of stride 2 side by side."),
            N_("Reduction-A of Inception-v4 makes {after} of {before}."),
            _grids,
            "blocks",
            {"model": "inception_v4", "block": "Reduction-A"},
        ),
        Term(
            "bottleneck",
            N_("bottleneck"),
            N_("A cheap 1x1 convolution that leaves fewer channels for the dear kernel behind it."),
            N_("In Inception-A it leaves {fewer} of {channels} channels for a 3x3."),
            _thinned,
            "bottleneck",
            {"model": "inception_v4"},
        ),
        Term(
            "factorised",
            N_("factorised convolution"),
            N_("A 1xk and a kx1 convolution in a row in place of one kxk: the same reach, far fewer weights."),
            N_("{pairs} pairs in Inception-v4 have {ratio:.2f} times fewer weights than square kernels."),
            _pairs,
            "factorisation",
        ),
        Term(
            "depthwise",
            N_("depthwise separable convolution"),
            N_("It filters each channel alone, and then mixes the channels by a 1x1; Inception does not do it."),
            N_("7x7 on 256 channels: {count:,} weights, {ratio:.0f} times fewer than a full convolution."),
            _depthwise,
            "factorisation",
        ),
        Term(
            "shortcut",
            N_("shortcut"),
            N_("A way round the layers of a block: its input is added to what they found."),
            N_("Inception-ResNet-v2 has {count}, Inception-v4 {none}."),
            lambda n: {"count": len(_sums(n.v2)), "none": len(_sums(n.v4))},
            "race",
        ),
        Term(
            "residual",
            N_("residual"),
            N_("What a block finds and adds to its input, instead of replacing it."),
            N_("Inception-ResNet-v1 adds {count} of them."),
            lambda n: {"count": len(_sums(n.v1))},
            "residual_scale",
            {"model": "inception_resnet_v1"},
        ),
        Term(
            "residual-scale",
            N_("residual scale"),
            N_("The number by which a residual is multiplied before it is added, so that training stays calm."),
            N_(
                "Inception-ResNet-v2 takes {scales}; the paper recommends 0.1 to 0.3, and neither it nor the code says "
                "why exactly these."
            ),
            _scales,
            "residual_scale",
            {"model": "inception_resnet_v2"},
        ),
        Term(
            "relu",
            N_("ReLU"),
            N_("Sets every value below 0 to 0; without it, many layers could do no more than one."),
            N_("Inception-v4 does it {count} times."),
            lambda n: {"count": _of_part(n.v4, Op.RELU)},
            "blocks",
            {"opened": "true"},
        ),
        Term(
            "batch-norm",
            N_("batch norm"),
            N_("Brings each channel to a common mean and spread, so that deep networks train."),
            N_("Inception-v4 has {count}, one behind each convolution."),
            lambda n: {"count": _of_part(n.v4, Op.BATCH_NORM)},
            "blocks",
            {"opened": "true"},
        ),
        Term(
            "dead-channel",
            N_("dead channel"),
            N_("A channel that is 0 in every cell, because its ReLU passes nothing."),
            N_("On the cat {dead} of the last {count} channels of the bundled Inception-v4 are."),
            _dead,
            "inside",
        ),
        Term(
            "dropout",
            N_("dropout"),
            N_("Sets random values to 0 in training, so that the network does not rely on single ones; off in use."),
            N_("Inception-v4 has {count}, before its last layer."),
            lambda n: {"count": _of_part(n.v4, Op.DROPOUT)},
            "layers",
        ),
        Term(
            "receptive-field",
            N_("receptive field"),
            N_("The part of the picture on which one cell of a layer can depend."),
            N_("At the end of Inception-v4 {size:,} pixels across, of a picture of {picture}."),
            _field,
            "cell",
        ),
        Term(
            "effective-field",
            N_("effective receptive field"),
            N_("The part of the receptive field on which a cell really depends: mostly its middle."),
            N_("The last exact field of Inception-v4 is so large that the picture fills {share:.1%} of it."),
            _field,
            "cell",
        ),
        Term(
            "parameters",
            N_("parameters"),
            N_("The numbers that training changes: weights, biases, and two for each channel of a batch norm."),
            N_("Inception-v4 has {count:,}."),
            lambda n: {"count": n.v4.params},
            "zoo",
            also=N_("weights, size of a network"),
        ),
        Term(
            "mac",
            N_("MAC"),
            N_("A multiply-accumulate: one weight times one value, added to a sum; the unit of a network's work."),
            N_("Inception-v4 does {count} for one picture."),
            lambda n: {"count": scaled(n.v4.macs)},
            "layers",
            also=N_("multiplication, work, cost"),
        ),
        Term(
            "flop",
            N_("FLOP"),
            N_("One floating-point operation; a multiply-accumulate counts as two."),
            N_("Inception-v4 does {count} for one picture."),
            lambda n: {"count": scaled(2 * n.v4.macs)},
            "layers",
            {"flops": "true"},
        ),
        Term(
            "activation",
            N_("activation"),
            N_("A value that a layer computes for a picture, in contrast to its weights, which stay."),
            N_("All activations of Inception-v4 for one picture take {size} in float32."),
            lambda n: {"size": scaled(sum(layer.activation_bytes for layer in n.v4.layers), "B")},
            "layers",
        ),
        Term(
            "logits",
            N_("logits"),
            N_("What the last layer gives, one number for each class, before they become probabilities."),
            N_("The bundled Inception-v4 gives the cat {logit:.2f} for its own class."),
            lambda n: n.classes,
            "live",
        ),
        Term(
            "softmax",
            N_("softmax"),
            N_("Turns logits into probabilities that add up to 1."),
            N_("The cat gets {share:.1%} for its class, and {other:.1%} for the next one."),
            lambda n: n.classes,
            "live",
        ),
        Term(
            "temperature",
            N_("temperature"),
            N_("A number that divides the logits before the softmax, fitted so that the probabilities are honest."),
            N_("The bundled Inception-v4 has {temperature:.2f}, with which the cat gets {share:.1%}."),
            _without_temperature,
            "live",
        ),
        Term(
            "calibration",
            N_("calibration"),
            N_("How well probabilities keep their word: of answers given with 80 %, four in five should be right."),
            N_("The temperature {temperature:.2f} of the bundled Inception-v4 was fitted for it."),
            _without_temperature,
            "live",
        ),
        Term(
            "embedding",
            N_("embedding"),
            N_("A list of numbers for a picture, near to that of similar pictures."),
            N_("Inception-ResNet-v1 gives {count} numbers for a face."),
            lambda n: {"count": n.v1.output_shape[0]},
            "faces",
        ),
        Term(
            "attribution",
            N_("attribution map"),
            N_("A map over the picture that tells which pixels spoke for an answer."),
            N_("It has a value for each of the {count:,} pixels of a {size} picture."),
            lambda n: {"size": shape_text(n.v4.input_size), "count": n.v4.input_size[0] * n.v4.input_size[1]},
            "looks",
        ),
        Term(
            "gradient",
            N_("gradient"),
            N_("How much an output changes when an input or a weight is changed a little."),
            N_("Training computes one for each of the {count:,} parameters of Inception-v4."),
            lambda n: {"count": n.v4.params},
            "cell",
        ),
        Term(
            "checkpoint",
            N_("checkpoint"),
            N_("A file with the weights of a trained network."),
            N_("That of Inception-v4 in float32 has about {size}."),
            lambda n: {"size": scaled(4 * n.v4.params, "B")},
            "zoo",
            also=N_("trained weights, file"),
        ),
        Term(
            "tf-slim",
            N_("TF-Slim"),
            N_(
                "The TensorFlow library in which the paper's authors released their networks; its names count the "
                "grids by numbers and the layers of a grid by letters, and a block with branches is *Mixed*."
            ),
            N_("It calls the first layer of Inception-v4 {first}, and the last block {last}."),
            lambda n: {"first": _first(n).block, "last": n.v4.grids[-1].block},
            "differences",
            {"topic": "naming"},
            N_("library, released code, names of layers and blocks, Conv2d, Mixed_5b"),
        ),
        Term(
            "cifar-10",
            N_("CIFAR-10"),
            N_(
                "A collection of small photographs in ten classes, from which the networks that come with the app "
                "learnt."
            ),
            N_("The bundled Inception-v4 knows its {count} classes, and learnt from pictures of {side}x{side} pixels."),
            _cifar,
            "live",
            also=N_("data set, training pictures"),
        ),
        Term(
            "seed",
            N_("seed"),
            N_("The number from which all random numbers of a training follow, so that it can be repeated exactly."),
            N_("The training race ran each network from the seeds {seeds}."),
            lambda _n: {"seeds": and_list([str(seed) for seed in SEEDS])},
            "race",
            also=N_("random, chance, to repeat"),
        ),
        Term(
            "linear-probe",
            N_("linear probe"),
            N_("Training a new last layer only, on what a frozen network already sees."),
            N_("It trains {width:,} weights a class of Inception-v4's {count:,} parameters."),
            lambda n: {"width": n.v4.layers[-1].in_shapes[0][0], "count": n.v4.params},
            "teach",
        ),
    )
}
