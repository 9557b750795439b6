"""Inception-v4, Inception-ResNet-v1 and Inception-ResNet-v2: the networks and what is inside them."""

from .anatomy import LayerGraph, TraceError, trace
from .models import CheckpointError, create_model, list_models, load_weights

__all__ = [
    "CheckpointError",
    "LayerGraph",
    "TraceError",
    "create_model",
    "list_models",
    "load_weights",
    "trace",
]
