"""What several test modules need."""

import pytest

from inception.models.weights import KNOWN_WEIGHTS, PUBLISHED


@pytest.fixture
def no_bundled_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this project came without weights of its own."""
    for tag in KNOWN_WEIGHTS.keys() - PUBLISHED.keys():
        monkeypatch.delitem(KNOWN_WEIGHTS, tag)
