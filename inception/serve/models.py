"""Which networks the engine has, by the names under which it is asked for them."""

from ..runtime.remote import model_id
from ..weights.choice import UNTRAINED, WeightsChoice
from ..zoo import available_weights, list_models


def served_models() -> dict[str, tuple[str, WeightsChoice]]:
    """Name in the zoo and weights of every network that this machine can run, by its `model_id`.

    Only weights that lie here are named, so that a request cannot reach any other file.
    """
    return {
        model_id(name, weights): (name, weights)
        for name in list_models()
        for weights in (*available_weights(name), UNTRAINED)
    }
