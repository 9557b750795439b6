"""The one list of pages: app.py, each page's header, the README's table and the tests read it."""

from dataclasses import dataclass

from inception.words import N_, _

START = N_("Start")
NETWORKS, LABORATORIES, ON_PICTURE = N_("The networks"), N_("Laboratories"), N_("On your picture")
AS_TRAINED = N_("as the weights were trained")


@dataclass(frozen=True)
class PageEntry:
    """One page of the app."""

    name: str  # of its file in pages/, and its address
    title: str  # in the menu
    question: str  # that it answers; its header
    icon: str  # the name of a Material symbol
    group: str  # of the menu
    one_network: bool = True  # whether it is about the chosen network, which its headline then names
    own_size: str = ""  # which input size it takes by itself, where that is not the published network's
    controls: tuple[str, ...] = ("model", "size")  # of those that all pages share, which do something here

    @property
    def path(self) -> str:
        """The file, as Streamlit's links name it."""
        return f"pages/{self.name}.py"


PAGES = {
    page.name: page
    for page in (
        PageEntry(
            "home",
            N_("Home"),
            N_("What is Inception, and what goes on inside it?"),
            "home",
            START,
            one_network=False,
            controls=("model",),
        ),
        PageEntry(
            "tour",
            N_("Tour"),
            N_("How does Inception work? Guess first, then see"),
            "route",
            START,
            one_network=False,
            controls=(),
        ),
        PageEntry(
            "glossary",
            N_("Glossary"),
            N_("What do the words of Inception mean?"),
            "menu_book",
            START,
            one_network=False,
            controls=(),
        ),
        PageEntry(
            "room",
            N_("Room"),
            N_("How does a whole class look at the same thing, and what does it think?"),
            "groups",
            START,
            one_network=False,
            controls=(),
        ),
        PageEntry("atlas", N_("Atlas"), N_("What does the whole network look like?"), "map", NETWORKS),
        PageEntry(
            "layers",
            N_("Layers"),
            N_("Which shape does the tensor have here, and what does each layer cost?"),
            "table_rows",
            NETWORKS,
        ),
        PageEntry("blocks", N_("Blocks"), N_("What does each block look like inside?"), "account_tree", NETWORKS),
        PageEntry(
            "differences",
            N_("Paper, code, blogs"),
            N_("Why do the paper, the code and the blogs disagree about Inception?"),
            "difference",
            NETWORKS,
            one_network=False,
            controls=(),
        ),
        PageEntry(
            "zoo",
            N_("Zoo"),
            N_("Which Inception is which, and how do they differ?"),
            "pets",
            NETWORKS,
            one_network=False,
            own_size=N_("that of the largest network"),
            controls=("size",),
        ),
        PageEntry(
            "bottleneck",
            N_("1x1 convolutions"),
            N_("What does a 1x1 save before a 3x3?"),
            "compress",
            LABORATORIES,
        ),
        PageEntry(
            "factorisation",
            N_("Factorised convolutions"),
            N_("What does 1x7 followed by 7x1 save against 7x7?"),
            "call_split",
            LABORATORIES,
        ),
        PageEntry(
            "residual_scale",
            N_("Residual scale"),
            N_("What is the 0.17 for?"),
            "balance",
            LABORATORIES,
            own_size=N_("small, to be quick"),
        ),
        PageEntry(
            "race",
            N_("Training race"),
            N_("Do shortcuts make Inception train faster?"),
            "flag",
            LABORATORIES,
            False,
            controls=(),
        ),
        PageEntry(
            "live",
            N_("Live inference"),
            N_("What does the network make of your picture?"),
            "photo_camera",
            ON_PICTURE,
            own_size=AS_TRAINED,
        ),
        PageEntry(
            "inside",
            N_("Through the network"),
            N_("What becomes of your picture on its way through the network?"),
            "layers",
            ON_PICTURE,
            own_size=AS_TRAINED,
        ),
        PageEntry(
            "looks",
            N_("Where it looks"),
            N_("Where does the network look?"),
            "visibility",
            ON_PICTURE,
            own_size=AS_TRAINED,
        ),
        PageEntry(
            "cell",
            N_("What a cell sees"),
            N_("How much of your picture can one cell see?"),
            "filter_center_focus",
            ON_PICTURE,
            own_size=AS_TRAINED,
        ),
        PageEntry(
            "faces", N_("Faces"), N_("Are these two pictures the same person?"), "face", ON_PICTURE, own_size=AS_TRAINED
        ),
        PageEntry(
            "teach",
            N_("Teach it"),
            N_("Can the network learn your own things from five pictures each?"),
            "school",
            ON_PICTURE,
            own_size=AS_TRAINED,
        ),
        PageEntry(
            "speed",
            N_("Speed"),
            N_("How fast is the network on this machine?"),
            "timer",
            ON_PICTURE,
            own_size=AS_TRAINED,
        ),
    )
}
HOME = PAGES["home"]  # the page that opens at the bare address


def by_group() -> dict[str, list[PageEntry]]:
    """The pages of each group of the menu, in the order of the list."""
    groups: dict[str, list[PageEntry]] = {}
    for page in PAGES.values():
        groups.setdefault(page.group, []).append(page)
    return groups


def markdown_table() -> str:
    """The pages and their questions, as the README in the language of this thread has them."""
    rows = [f"| {_(page.title)} | {_(page.question)} |" for page in PAGES.values()]
    return "\n".join([_("| page | the question it answers |"), "|---|---|", *rows])


if __name__ == "__main__":
    print(markdown_table())
