"""Inception-v4, Inception-ResNet-v1 and Inception-ResNet-v2: the networks and what is inside them."""

import os

# Before anything loads torch: threads that spin while they wait make inference on a busy machine ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from .anatomy import LayerGraph, TraceError, parse_size, trace
from .models import CheckpointError, create_model, list_models, load_weights
from .vision import ImageError, load_image

__all__ = [
    "CheckpointError",
    "ImageError",
    "LayerGraph",
    "TraceError",
    "create_model",
    "list_models",
    "load_image",
    "load_weights",
    "parse_size",
    "trace",
]
