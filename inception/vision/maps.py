"""Activation maps as pictures."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import hex_to_rgb, sequential


def strongest_channels(activations: NDArray[np.float32], count: int) -> list[int]:
    """Channels of (C, H, W) by mean response, the strongest first."""
    means = activations.reshape(len(activations), -1).mean(axis=1)
    return [int(channel) for channel in np.argsort(-means, kind="stable")[:count]]


def map_image(activation: NDArray[np.float32], side: int) -> Image.Image:
    """One channel (H, W) as a picture `side` pixels high: dark is its smallest value, bright its largest.

    Cells stay square and sharp. Cividis, which reads the same to colour-blind people.
    """
    low, high = float(activation.min()), float(activation.max())
    scaled = (activation - low) / (high - low) if high > low else np.zeros_like(activation)
    anchors = np.array([hex_to_rgb(color) for color in sequential.Cividis])
    positions = np.linspace(0, 1, len(anchors))
    pixels = np.stack([np.interp(scaled, positions, anchors[:, i]) for i in range(3)], axis=-1).round().astype(np.uint8)
    height, width = activation.shape
    return Image.fromarray(pixels).resize((max(1, round(side * width / height)), side), Image.Resampling.NEAREST)
