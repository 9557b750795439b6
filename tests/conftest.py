"""What several test modules need."""

import pytest

from inception.weights.known import KNOWN_WEIGHTS


@pytest.fixture
def no_bundled_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this project came without weights of its own."""
    for tag in [tag for tag, weights in KNOWN_WEIGHTS.items() if not weights.published]:
        monkeypatch.delitem(KNOWN_WEIGHTS, tag)
