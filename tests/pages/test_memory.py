"""The memory for networks is a setting, and holds whatever one visitor asks for."""

import gc

import pytest

from inception.runtime.pool import networks
from inception.runtime.predictor import PictureNetwork

from .conftest import app_on

LIMIT = 22_000_000  # bytes: two of the small networks that come with the project, and not three


def networks_in_memory() -> list[PictureNetwork]:
    """Those that anything in this process holds with their weights."""
    gc.unfreeze()  # what pages.parts.collector has set aside
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, PictureNetwork) and one.loaded]


def test_a_page_that_is_open_holds_no_more_than_the_setting(
    in_the_frame: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session, whose page Streamlit keeps with all that it names, holds on to no weights that had to make room."""
    monkeypatch.setattr(networks, "_given", LIMIT)
    for name in ("limit", "_entries"):  # as they were read before
        monkeypatch.delitem(vars(networks), name, raising=False)
    others = networks_in_memory()  # of other tests in this process
    app = app_on("live")  # which asks three networks whether a picture shows something else
    app.run(timeout=120)
    assert not app.exception
    held = [one for one in networks_in_memory() if all(one is not other for other in others)]
    assert held
    assert sum(network.nbytes for network in held) <= LIMIT, [(network.name, network.nbytes) for network in held]
    assert networks.nbytes <= LIMIT
