"""Home: what is Inception, and what goes on inside it?"""

import streamlit as st

import inception
from inception import words
from inception.graph.layer_graph import LayerGraph
from inception.runtime.pool import networks
from inception.runtime.predictor import Predictor
from inception.size import Size
from inception.vision.light_strip import LightStrip, light_strip, strip_html
from inception.vision.samples import samples
from inception.weights.choice import WeightsChoice, WeightsKind
from inception.words import _
from inception.zoo import available_weights
from pages.parts import choices, frame
from pages.parts.glossary import prose
from pages.parts.kept import kept
from pages.parts.page_list import PAGES, PageEntry

PICTURE = "cat"
FALLBACK = "inception_v4"  # for networks without weights that come with the project
TOUR = PAGES.get("tour", PAGES["factorisation"])  # the first lesson
BOOKS = [PAGES[name] for name in ("layers", "differences", "glossary") if name in PAGES]


def bundled(name: str) -> WeightsChoice | None:
    """The weights of a network that come with the project."""
    return next((choice for choice in available_weights(name) if choice.kind is WeightsKind.BUNDLED), None)


@st.cache_resource(show_spinner=False)
def strip_of(name: str) -> LightStrip:
    """The sample on its way through a network; one for all sessions, because the network does not change."""
    network = networks.get(name, bundled(name))
    assert isinstance(network, Predictor)
    assert network.description is not None
    size = Size.square(network.input_size)
    graph: LayerGraph = choices.graph_of(name, size, **network.description.network)
    image = inception.load_image(samples()[PICTURE].path)
    return light_strip(network, network.prepare(image, graph.input_size), graph)


def door(page: PageEntry, title: str, text: str) -> None:
    """A link as large as the card that it stands in."""
    st.page_link(page.path, label=f"**{title}** {text}", width="stretch")


frame.open_page("home")
prose(
    _(
        "**Inception-v4** and the **Inception-ResNets** (2016) are neural networks that say what a picture shows, "
        "looking at it through kernels of several shapes at once. Four of them together got only 3.08 % of ImageNet's "
        "test pictures wrong in five guesses, and they showed that shortcuts make such networks train much faster. "
        "Here they run on your own picture, and every number can be opened."
    )
)
drawn = [name for name in (choices.chosen_variant().name, FALLBACK) if bundled(name)]
strip = st.empty()
if drawn:  # a server may be without the files
    strip.html('<div class="strip strip-waiting"></div>')  # the doors below open before the first pass of a server
tour, around, up = st.columns([5, 4, 4])
with tour, st.container(key="door_tour"):
    door(TOUR, _("Take the tour"), _("Guess first, then see. Nothing to know beforehand."))
with around, st.container(key="door_around"):
    door(PAGES["atlas"], _("Look around"), _("The atlas: a whole network on one screen."))
with up, st.container(key="door_up"):
    st.markdown(_("**Look something up**"))
    with st.container(horizontal=True, gap="small"):
        for page in BOOKS:
            st.page_link(page.path, label=_(page.title))
prose(
    _(
        "**Teaching?** In the sidebar, which **»** opens on a phone, *Present* shows one figure at a time and *For the "
        "class* makes a link with a QR code; on the page *Room* your students answer questions.  \n"
        "**Building?** Tables and diagrams come as files from *Export* below each, or by `python -m inception`."
    ),
    small=True,
)
if drawn:
    strip.html(
        kept(
            "light_strip",
            (drawn[0], words.current()),
            lambda: strip_html(strip_of(drawn[0]), samples()[PICTURE].title),
            shared=True,
        )
    )
