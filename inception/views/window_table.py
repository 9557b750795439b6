"""What the drawings of windows show, as tables."""

from collections.abc import Mapping

import pandas as pd

from ..graph.window import Slide, Window, slides
from ..words import _
from .playground import PlaygroundResult


def window_table(window: Window) -> pd.DataFrame:
    """A window over a grid: one row for the rows of the grid and one for its columns, as `slides_table` has them."""
    rows, columns = slides(window)
    return slides_table({_("rows"): rows, _("columns"): columns})


def playground_table(result: PlaygroundResult) -> pd.DataFrame:
    """The playground's axis in TensorFlow and in PyTorch, where that does not refuse it."""
    both = {"TensorFlow": result.tensorflow}
    if result.pytorch:
        both["PyTorch"] = result.pytorch
    return slides_table(both)


def slides_table(axes: Mapping[str, Slide]) -> pd.DataFrame:
    """One row an axis: axis, size, before and after (its padding), kernel, stride and unread in pixels, and out."""
    return pd.DataFrame(
        {
            "axis": name,
            "size": slide.size,
            "before": slide.before,
            "after": slide.after,
            "kernel": slide.kernel,
            "stride": slide.stride,
            "out": slide.out,
            "unread": len(slide.unread),
        }
        for name, slide in axes.items()
    )
