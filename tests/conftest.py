"""What several test modules need."""

import pytest

from inception.weights.known import known_weights


@pytest.fixture
def no_bundled_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this project came without weights of its own."""
    for tag in [tag for tag, weights in known_weights().items() if not weights.published]:
        monkeypatch.delitem(known_weights(), tag)
