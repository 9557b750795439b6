"""The networks, their checkpoints and the zoo of variants."""

from .checkpoint import CheckpointError, load_weights
from .zoo import VARIANTS, Variant, create_model, get_variant, list_models

__all__ = ["VARIANTS", "CheckpointError", "Variant", "create_model", "get_variant", "list_models", "load_weights"]
