"""The steps of the tour: what each says beside its figure, and the page in the app where it goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from inception.words import N_
from pages.parts import tour_networks as on
from pages.parts.tour_answers import QUESTIONS
from pages.parts.tour_question import Question
from pages.parts.tour_questions import ODD_SIDE

Query = dict[str, str]


@dataclass(frozen=True)
class Step:
    """One step: its question has the same name."""

    id: str
    title: str
    text: str  # two or three sentences beside the figure
    try_it: str  # what to do on the page that it leads to
    page: str  # its name
    query: Callable[[], Query]  # the state in which the page opens

    @property
    def question(self) -> Question:
        """What is asked before it is seen."""
        return QUESTIONS[self.id]


def _block(number: int, name: str = on.V4) -> Callable[[], Query]:
    """The address of a block with branches."""
    return lambda: {"model": name, "layer": on.with_branches(on.graph(name), number).layers[-1].path}


def _last_grid() -> Query:
    return {"model": on.V4, "layer": on.graph().grids[-1].path}


def _first_layer() -> Query:
    return {"model": on.V4, "size": str(ODD_SIDE), "layer": on.graph().layers[0].path}


def _first_residual_block() -> Query:
    last = on.with_branches(on.graph(on.V2), 1).layers[-1]
    return {"model": on.V2, "layer": last.path, "opened": last.block}


def _of(model: str, **query: str) -> Callable[[], Query]:
    return lambda: {"model": model, **query}


STEPS = (
    Step(
        "work",
        N_("The problem"),
        N_(
            "To see more, a network has to become deeper and wider, and each layer more costs work for every picture. "
            "Inception looks for a way to see at several scales at once without paying for all of them in full. This "
            "is all of Inception-v4, stage by stage, from the picture to the answer."
        ),
        N_("Press a box of the atlas: it opens, and shows its layers and what they cost."),
        "atlas",
        _of(on.V4, shown="structure"),
    ),
    Step(
        "grid",
        N_("What does a layer do to a grid?"),
        N_(
            "A layer moves a window over its grid, and each stop of the window becomes one cell of the next grid. "
            "Where the last window no longer fits, the pixels behind it are lost."
        ),
        N_("Press the button with the network's own size: nothing is lost any more."),
        "layers",
        _first_layer,
    ),
    Step(
        "branches",
        N_("Why branches?"),
        N_(
            "Nobody knows beforehand how large the thing is that a cell should answer to. So an Inception block does "
            "not choose one kernel: several look at the same grid, and their channels are put side by side."
        ),
        N_("Press a layer in the diagram: which lines of PyTorch make it?"),
        "blocks",
        _block(0),
    ),
    Step(
        "bottleneck",
        N_("What does a 1x1 save before a 3x3?"),
        N_(
            "A 1x1 sees no neighbour at all: it only mixes the channels of a cell into fewer ones. The 3x3 behind it "
            "then has fewer channels to read, and so needs fewer weights."
        ),
        N_("Change the number of channels: when does the 1x1 save nothing any more?"),
        "bottleneck",
        _of(on.V4),
    ),
    Step(
        "pair",
        N_("Why 1x7 and then 7x1?"),
        N_(
            "A 7x7 looks at a square of cells at once. A 1x7 looks along the row, and a 7x1 behind it along the "
            "column: together they see the same square in two steps. They do not compute the same: they have fewer "
            "weights, and a ReLU stands between them."
        ),
        N_("Look for the pair that saves most."),
        "factorisation",
        _of(on.V4, view="in-this-network"),
    ),
    Step(
        "reduction",
        N_("What does a reduction do?"),
        N_(
            "Between the stages the grid becomes coarser. Three ways stand side by side there, each with a step of two "
            "cells: a pool, a convolution, and a longer branch. Fewer cells come out, with more channels."
        ),
        N_("Find the pool: how many parameters has it?"),
        "blocks",
        _block(1),
    ),
    Step(
        "field",
        N_("How far does a cell see?"),
        N_(
            "Each window reads cells that have windows of their own. So what a cell depends on grows from layer to "
            "layer: its receptive field."
        ),
        N_("Play how the field grows, from the first layer on."),
        "cell",
        _last_grid,
    ),
    Step(
        "shortcut",
        N_("What do the branches add to the shortcut?"),
        N_(
            "In Inception-ResNet the input of a block also goes past its branches, on a shortcut, and what the "
            "branches found is added to it. So a block need not make a new picture of the world: it corrects the one "
            "it got. The paper found that this makes training faster; step {race} shows a race."
        ),
        N_("See what passes by and what is added as pictures, channel by channel. Then choose another block."),
        "inside",
        _first_residual_block,
    ),
    Step(
        "scale",
        N_("What is the 0.17 for?"),
        N_(
            "Before it is added, what the branches found is multiplied by a small number. The paper says that wide "
            "networks died early in training without it. The curve shows how far the values spread at each sum of a "
            "trained network, with the scales that it was built with."
        ),
        N_("The sliders stand at 1. Move the first one back to 0.17."),
        "residual_scale",
        _of(on.V2, a="1", b="1", c="1"),
    ),
    Step(
        "race",
        N_("Does it train faster?"),
        N_(
            "The paper says that shortcuts accelerate the training of Inception significantly. Here two networks of "
            "equal cost learnt the same small pictures, several times from different beginnings."
        ),
        N_("Ask for another accuracy: does the same network win?"),
        "race",
        dict,
    ),
    Step(
        "versions",
        N_("v4, v1, v2: which is which, and why do the blogs disagree?"),
        N_(
            "One paper brought three networks, and its authors released others than they drew. Tutorials then mixed "
            "the figures, the code and each other. So one name stands for several networks: two sources can give "
            "other numbers of blocks and of parameters, and both be right about the network that they mean."
        ),
        N_("Find the claim of a blog that you have read."),
        "differences",
        dict,
    ),
    Step(
        "look",
        N_("Your picture through all of it"),
        N_(
            "Take one of your own pictures, or a sample. A small Inception-v4 that knows ten things will name it, and "
            "a map shows which places spoke for its answer."
        ),
        N_("See how the map changes with another class."),
        "looks",
        _of(on.V4),
    ),
)
PLACES = {step.id: number for number, step in enumerate(STEPS, 1)}  # by which texts name other steps
