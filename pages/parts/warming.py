"""Gets a server ready before anyone asks: what its first visitors would wait for is done while no page runs.

The work is done in steps of a fraction of a second, so that it hardly delays who comes meanwhile. Its priority is not
low: a thread that waits for a processor with Python's lock, or with that of a trace, lets all others wait too.
"""

import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module

REST = 1.0  # seconds without a page that runs, before the work goes on: a reader's next click comes first
Step = Callable[[], object]

_changed = threading.Condition()
_running = 0  # pages


@contextmanager
def page_runs() -> Iterator[None]:
    """Round the run of a page, which lets the work wait."""
    global _running
    with _changed:
        _running += 1
    try:
        yield
    finally:
        with _changed:
            _running -= 1
            _changed.notify_all()


def get_ready(steps: Iterable[Step]) -> None:
    """Does the steps one after the other, each while no page runs."""
    for step in steps:
        with _changed:
            while _running:
                _changed.wait_for(lambda: not _running)
                _changed.wait(REST)
        step()


def all_steps() -> Iterator[Step]:
    """What pages are made of, the network that they open on, every trace that the overviews of all networks need."""
    yield partial(import_module, "pages.parts.frame")
    yield open_network
    for package in ("pages.parts", "pages.figures"):
        for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
            yield partial(import_module, module.name)
    yield from traces()
    yield draw
    yield from claims()


def open_network() -> None:
    """Loads the network and the weights that pages open on, and runs them once: the first pass takes longest."""
    import inception
    from inception.errors import InceptionError
    from inception.runtime.pool import networks
    from inception.vision.samples import samples
    from inception.zoo import available_weights

    name = inception.list_models()[0]
    picture = inception.load_image(next(iter(samples().values())).path)
    with suppress(InceptionError):  # whoever asks for it is told
        for weights in available_weights(name)[:1]:
            network = networks.predictor(name, weights)
            quick = networks.quick(network)
            side = network.input_size
            quick.outputs([quick.prepare(picture, (side, side))])


def traces() -> Iterator[Step]:
    """A trace of each network at its own size, and one of each at the size of the others."""
    import inception
    from inception.zoo import VARIANTS

    largest = max(variant.input_size for variant in VARIANTS.values())
    for size in (None, largest):
        for name, variant in VARIANTS.items():
            yield partial(inception.trace, name, size or variant.input_size)


def draw() -> None:
    """Draws a diagram and a chart: their libraries take a while to load."""
    import inception
    from inception.views.charts import comparison_chart
    from inception.views.diagram import diagram_svg
    from inception.views.overview import overview_dot

    graph = inception.trace(inception.list_models()[0])
    diagram_svg(overview_dot(graph), "")
    comparison_chart([graph]).to_json()


def claims() -> Iterator[Step]:
    """What the sources say of the networks, in every language."""
    from inception import words
    from inception.studies.differences.topics import ABOUT, differences_about

    for language in words.languages():
        for place in range(len(ABOUT)):
            yield partial(differences_about, place, language)
