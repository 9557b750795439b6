"""What the pages on the reader's own picture are about: a picture, a network with weights, and its trace."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st
from PIL import Image

from inception import LayerGraph
from inception.runtime.crop import Crop, Fit
from inception.runtime.engines import FoldedNetwork
from inception.runtime.pool import networks
from inception.runtime.predictor import PictureNetwork, Predictor, TorchNetwork
from inception.runtime.preprocess import lost_share
from inception.size import Size
from inception.text import running_text
from inception.vision.titles import class_title
from inception.weights.choice import WeightsKind
from inception.weights.known import Weights
from inception.words import _
from pages.parts import choices
from pages.parts.crop_picker import choose_crop, fit_as
from pages.parts.decoded import decoded
from pages.parts.face_pictures import choose_face
from pages.parts.glossary import prose
from pages.parts.kept import kept
from pages.parts.pictures import choose_picture, uploads
from pages.parts.waiting import waiting
from pages.parts.weights_chooser import choose_weights, network_with

PREPARED = 16  # pictures as networks get them that a session keeps
MUCH = 0.5  # of a picture: where more is cut off, the page says so


@dataclass(frozen=True)
class Subject:
    """A picture and a network with weights, as the reader chose them."""

    network: Predictor
    graph: LayerGraph  # the network's trace at the size of the prepared picture
    data: bytes  # the picture as an encoded file
    picture_size: tuple[int, int]  # width and height in pixels
    crop: Crop  # which part of it the network gets, and how it is fitted in
    prepared: Image.Image  # what the network sees of it

    @property
    def own_weights(self) -> bool:
        """Whether the network has a file of the reader's own, which only this session knows."""
        return self.network.weights.kind is WeightsKind.UPLOAD

    @property
    def common(self) -> bool:
        """Whether it tells of no reader: one of the project's pictures, and weights that all sessions have."""
        return not self.own_weights and not self.network.embeds and self.data not in uploads().values()

    @property
    def quick(self) -> TorchNetwork:
        """What runs the passes in which one looks at layers: the network, or a faster copy of it."""
        network = self.network
        here = networks.ready(network.name, network.weights, network.device, FoldedNetwork.engine)
        with waiting(_("Building the network and loading its weights…"), here):
            return networks.quick(network)

    @property
    def picture(self) -> Image.Image:
        """Not kept here: Streamlit keeps what a page's callbacks can reach, and thirty photographs are large."""
        return decoded(self.data)

    @property
    def key(self) -> tuple[object, ...]:
        """Tells one subject from another in a session."""
        return self.network.name, self.network.weights, self.graph.input_size, hash(self.data), self.crop


def choose_subject(inviting: bool = False) -> Subject:
    """The controls for picture and weights, and what was chosen; a sentence ends the page where it cannot be had.

    A network that embeds gets one of the faces of the page Faces, with its crop.
    inviting: whether the page is the one to bring pictures to.
    """
    variant = choices.chosen_variant()
    above = st.container(
        key="chosen_picture"
    )  # which pictures there are depends on the weights, but people choose the picture first
    with st.container(key="chosen_weights"):
        weights = choose_weights(variant.name)
    network = network_with(variant.name, weights)
    graph = graph_of_network(network)
    decode: Callable[[], Image.Image]  # only where what it gives is not kept
    with above:
        if network.embeds:
            data, image, crop = choose_face()
            size, decode = image.size, lambda: image
        else:
            data = choose_picture(inviting)
            decode = partial(decoded, data)
            size = kept("picture_size", hash(data), lambda: decode().size)
            crop = choose_crop(data, size, decode)
    key = network.preprocessing, graph.input_size, hash(data), crop
    prepared = kept("prepared", key, lambda: network.prepare(decode(), graph.input_size, crop), most=PREPARED)
    return Subject(network, graph, data, size, crop, prepared)


def graph_of_network(network: Predictor) -> LayerGraph:
    """The trace of a network with weights at the chosen size, by default that of its training."""
    size = choices.chosen_size() or Size.square(network.input_size)
    if network.description:
        return choices.graph_of(network.name, size, **network.description.network)
    return choices.graph_of(network.name, size, num_classes=len(network.labels))


def crop_note(subject: Subject) -> None:
    """Says that most of the picture is cut off, where it is, and offers what keeps it."""
    lost = lost_share(subject.picture_size, subject.graph.input_size, subject.network.preprocessing, subject.crop)
    if lost <= MUCH:
        return
    if subject.crop.box:
        sentence = _("**Most of the box is cut off**: the network gets its centre only, {share:.0%} of it.")
    else:
        sentence = _("**Most of the picture is cut off**: the network gets its centre only, {share:.0%} of it.")
    st.warning(sentence.format(share=1 - lost), icon=":material/crop:")
    with st.container(horizontal=True):
        st.button(_("Pad it"), icon=":material/fit_screen:", on_click=fit_as, args=(Fit.PAD,))
        st.button(_("Squash it"), icon=":material/compress:", on_click=fit_as, args=(Fit.SQUASH,))


def size_note(network: PictureNetwork, graph: LayerGraph) -> None:
    """Says what another size than that of the training does to trained weights."""
    trained = network.input_size
    if network.trained and graph.input_size != (trained, trained):
        st.warning(
            _(
                "**Not the size of its training.** These weights learnt from pictures of {trained}x{trained} px. At "
                "{size}, things look larger or smaller than they learnt them, so answers can be sure and still wrong. "
                "To go back, empty the input size in the sidebar."
            ).format(trained=trained, size=choices.picture_size(graph)),
            icon=":material/straighten:",
        )


def weights_note(subject: Subject) -> None:
    """Says what weights cannot know, wherever something of them shows."""
    network, known = subject.network, subject.network.description
    size_note(network, subject.graph)
    if not network.trained:
        st.warning(
            _(
                "**Untrained weights.** The numbers in this network are random: it cannot name anything, and what it "
                "does to a picture is what training starts from."
            ),
            icon=":material/science:",
        )
    elif known and known.training:
        prose(running_text(":material/school:", what_it_knows(known, network.labels)), small=True)


def what_it_knows(known: Weights, labels: list[str]) -> str:
    """What weights that this project trained, or a reader with it, cannot know, in a sentence or two."""
    width, detail = known.overrides["width"], known.preprocessing.detail
    if width < 1:
        knows = _("A small network: channels x {width:g}, and it knows {count} things only: {things}.")
    else:
        knows = _("It knows {count} things only: {things}.")
    things = _(", ").join(map(class_title, labels))
    sentences = [knows.format(width=width, count=known.num_classes, things=things)]
    if detail:
        saw = _("It learnt from {detail}-pixel pictures, so yours is reduced to those first.")
        sentences += [saw.format(detail=detail)]
    return running_text(*sentences)
