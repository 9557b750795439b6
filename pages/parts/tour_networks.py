"""What the tour's questions and figures are computed from: traces, and networks with weights."""

from collections import Counter

import pandas as pd
import streamlit as st
from PIL import Image

import inception
from inception import LayerGraph
from inception.graph.blocks import BlockType, block_types
from inception.graph.branches import branch_starts
from inception.graph.op import Op
from inception.models.surgery import Scales
from inception.runtime.pool import networks
from inception.runtime.predictor import Predictor
from inception.size import Size
from inception.studies.residual import ResidualInstrument
from inception.vision.samples import samples
from inception.weights.checkpoint_error import CheckpointError
from inception.weights.choice import WeightsChoice, WeightsKind
from inception.words import N_, _
from inception.zoo import VARIANTS, available_weights
from pages.parts import choices

V4, V2 = "inception_v4", "inception_resnet_v2"
NAMED_V2 = {  # what is called Inception-ResNet-v2, and who has it
    V2: N_("It is the authors' own code, and what libraries and their weights are made after."),
    "inception_resnet_v2.paper": N_("It is built as the paper's figures draw it."),
    "inception_resnet_v2.keras_blog": N_(
        "A tutorial mixed the two: it has the paper's stem, and as many blocks as the code."
    ),
}
SAMPLE = "cat"


def graph(name: str = V4, side: int | None = None) -> LayerGraph:
    """The trace of a network, by default at its own size."""
    return choices.graph_of(name, Size.square(side) if side else None)


def title(network: LayerGraph) -> str:
    """What people call a network."""
    return _(VARIANTS[network.name].title)


def with_branches(network: LayerGraph, number: int) -> BlockType:
    """The block with branches of that number, from 0, behind the stem: of Inception-v4 A, Reduction-A, B, …"""
    stem = network.layers[0].stage
    found = [block for block in block_types(network.layers) if branch_starts(block.layers)]
    return [block for block in found if block.layers[0].stage != stem][number]


def residual_blocks(network: LayerGraph) -> list[int]:
    """How many blocks with a shortcut each stage has, for the stages that have some."""
    return list(Counter(layer.stage for layer in network.layers if layer.op == Op.RESIDUAL_SUM).values())


def bundled(name: str) -> WeightsChoice:
    """The weights of a network that come with the project. Raises CheckpointError where a server has no such file."""
    for choice in available_weights(name):
        if choice.kind is WeightsKind.BUNDLED:
            return choice
    sentence = _("The small {network} that comes with the project is not on this server, so nothing can be measured.")
    raise CheckpointError(sentence.format(network=_(VARIANTS[name].title)))


def predictor(name: str) -> Predictor:
    """The small network that comes with the project."""
    return networks.predictor(name, bundled(name))


def graph_of_predictor(network: Predictor) -> LayerGraph:
    """Its trace at the size of its training."""
    assert network.description is not None
    return choices.graph_of(network.name, Size.square(network.input_size), **network.description.network)


def sample_bytes() -> bytes:
    """The sample picture of the tour, as a file."""
    return samples()[SAMPLE].path.read_bytes()


def sample_image() -> Image.Image:
    """The sample picture, decoded."""
    return inception.load_image(sample_bytes())


@st.cache_resource(show_spinner=False)
def instrument() -> ResidualInstrument:
    """The instrument on the small network with shortcuts; all sessions share it."""
    return ResidualInstrument(predictor(V2))


@st.cache_data(show_spinner=False)
def residual_sums(scales: Scales | None = None) -> pd.DataFrame:
    """The residual sums of the sample and crops of it, as the page Residual scale measures them."""
    return instrument().measure(_views(), scales or instrument().scales, "running")


@st.cache_data(show_spinner=False)
def sums_of_sample() -> pd.DataFrame:
    """The residual sums of the sample alone, as the page Through the network shows them."""
    return instrument().measure(_views()[:1], instrument().scales, "running")


def _views() -> list[Image.Image]:
    """The sample as the network sees it, and crops of it."""
    side = instrument().network.input_size
    return instrument().views(sample_image(), (side, side))
