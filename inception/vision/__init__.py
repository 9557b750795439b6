"""Pictures, weights and what a network makes of them."""

from .image import ImageError, load_image
from .maps import map_image, strongest_channels
from .predictor import DeviceError, Predictor
from .turns import OutOfMemory

__all__ = ["DeviceError", "ImageError", "OutOfMemory", "Predictor", "load_image", "map_image", "strongest_channels"]
