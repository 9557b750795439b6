"""Where it looks: which map it opens on and why, what it computes unasked, and what it says of an empty map."""

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import inception
from inception.paths import SAMPLES
from inception.runtime.pool import networks
from inception.vision.attributions import choice
from inception.vision.attributions.attribution import GRAD_CAM, GRADIENTS, LAYER_CAM, OCCLUSION
from inception.vision.attributions.cams import grad_cam
from inception.vision.attributions.score import Target
from inception.vision.inside import block_ends
from inception.weights.known import known_weights

from .conftest import open_at

BUNDLED = [known.variant for known in known_weights().values() if not known.published]
UNTRAINED = "inception_resnet_v1"


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def open_page(app: AppTest, model: str, size: str | None = None) -> AppTest:
    return healthy(open_at(app, "looks", model=model, **({"size": size} if size else {})))


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info])


@pytest.mark.parametrize("model", BUNDLED)
def test_it_opens_on_a_map_that_tells_something_and_says_why(app: AppTest, model: str) -> None:
    """The picture and the method that the page opens on: the map is there at once, of the class that is named first."""
    open_page(app, model)
    assert app.radio(key="method").value == OCCLUSION
    assert "falls when a grey window" in texts(app), "nobody asked for it"
    found = choice.scores_of(OCCLUSION, None, inception.trace(model, 112, width=0.25))
    assert found
    assert "**Occlusion** tells most of what takes about a second here." in texts(app)
    assert f"{found.photographs} right answers" in texts(app)
    assert f"{found.changed:.0%} of them change" in texts(app)
    assert f"{found.insertion:.0%} on average" in texts(app)
    assert "Nothing was measured on this one" not in texts(app)
    assert not app.info, "no map is missing"


def test_other_methods_say_what_was_measured_of_them(app: AppTest) -> None:
    open_page(app, "inception_v4")
    for method in (LAYER_CAM, GRAD_CAM, GRADIENTS):
        healthy(app.radio(key="method").set_value(method).run())
        assert "tells most" not in texts(app)
        assert "right answers for photographs" in texts(app)
    assert app.toggle(key="smoothed").label == "Smoothed to 32 cells"
    smooth = texts(app)
    healthy(app.toggle(key="smoothed").set_value(False).run())
    assert texts(app) != smooth, "other scores"
    healthy(app.radio(key="method").set_value(LAYER_CAM).run())
    healthy(app.selectbox(key="looks_layer").set_value("stem.Conv2d_2a_3x3").run())
    assert "measured on other layers than this one" in texts(app)


@pytest.mark.usefixtures("no_bundled_weights")
@pytest.mark.parametrize("method", [GRADIENTS, OCCLUSION])
def test_what_takes_long_waits_for_the_button(app: AppTest, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "MACS", 0)
    for module, name in (("gradients", "STEPS"), ("occlusion", "WINDOWS")):
        monkeypatch.setattr(f"inception.vision.attributions.{module}.{name}", 2)
    open_page(app, UNTRAINED, "75")
    assert app.radio(key="method").value == LAYER_CAM, "a single pass"
    assert "speaks for likeness" in texts(app), "at once"
    assert "Nothing was measured on this one" in texts(app)
    healthy(app.radio(key="method").set_value(method).run())
    assert "the score of likeness to the reference" not in texts(app)
    healthy(app.button(key="run_attribution").click().run())
    assert "the score of likeness to the reference" in texts(app)


def test_a_dead_map_is_told_in_words(app: AppTest) -> None:
    """A class for which nothing speaks in the last grid: no picture, but the reason."""
    model = "inception_v4"
    tag, known = next(
        (tag, known) for tag, known in known_weights().items() if known.variant == model and not known.published
    )
    open_page(app, model)
    network, graph = networks.get(model, tag), inception.trace(model, 112, **known.network)
    prepared = network.prepare(inception.load_image(SAMPLES / f"{app.session_state['picture']}.jpg"), (112, 112))
    layers = [
        layer for layer in graph.layers if layer.block == block_ends(graph)[-1].block and len(layer.out_shape) == 3
    ]
    layer, target = next(
        (layer, target) for layer in layers for target in range(10) if dead(network, prepared, graph, layer, target)
    )
    app.radio(key="method").set_value(GRAD_CAM).run()
    app.selectbox(key="looks_layer").set_value(layer.path)
    next(box for box in app.selectbox if box.label == "Class").set_value(target)
    healthy(app.run())
    (said,) = [info.value for info in app.info]
    assert said.startswith("**There is no map to show.**")
    assert "below 0" in said or "is 0" in said
    assert not any(slider.label.startswith("Strength") for slider in app.slider)


def dead(network, prepared: Image.Image, graph, layer, target: Target) -> bool:  # type: ignore[no-untyped-def]
    return bool(grad_cam(network, prepared, graph, layer, target).dead)
