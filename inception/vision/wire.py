"""What a view of a picture gives, taken apart for a message and put together again: a JSON tree and named tensors.

Only what is named here travels: numbers, texts, arrays, tables, layers of a graph, and classes marked by `travels`.
"""

import math
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..words import Filled

CLASSES: dict[str, type] = {}
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
Tensors = dict[str, NDArray[Any]]


T = TypeVar("T")


def travels(kind: type[T]) -> type[T]:
    """Marks a dataclass whose objects travel by their fields."""
    CLASSES[kind.__name__] = kind
    return kind


def pack(value: Any, tensors: Tensors) -> Any:
    """The tree of a value, whose arrays are added to `tensors`."""
    match value:
        case Filled():
            values = {name: pack(part, tensors) for name, part in value.values.items()}
            return {"filled": value.marked, "values": values}
        case None | bool() | str():
            return value
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value) if math.isfinite(value) else {"float": str(float(value))}
        case list():
            return [pack(part, tensors) for part in value]
        case tuple():
            return {"tuple": [pack(part, tensors) for part in value]}
        case pd.DataFrame():
            columns = {name: value[name].to_numpy() for name in value.columns}
            return {
                "table": {
                    name: pack(column.tolist() if column.dtype == object else column, tensors)
                    for name, column in columns.items()
                }
            }
        case np.ndarray():
            name = f"t{len(tensors)}"
            tensors[name] = value
            return {"tensor": name}
        case Layer():
            return {"layer": value.index}
    if is_dataclass(value) and type(value).__name__ in CLASSES:
        parts = {field.name: pack(getattr(value, field.name), tensors) for field in fields(value)}
        return {"class": type(value).__name__, "fields": parts}
    raise TypeError(f"{type(value).__name__} does not travel")


def unpack(tree: Any, tensors: Tensors, graph: LayerGraph) -> Any:
    """The value of a tree; layers are those of the graph. Raises KeyError or TypeError for what `pack` did not make."""
    match tree:
        case {"filled": marked, "values": values}:
            return Filled(marked, **{name: unpack(part, tensors, graph) for name, part in values.items()})
        case {"float": text}:
            return NOT_FINITE[text]
        case {"tuple": parts}:
            return tuple(unpack(part, tensors, graph) for part in parts)
        case {"table": columns}:
            return pd.DataFrame({name: unpack(column, tensors, graph) for name, column in columns.items()})
        case {"tensor": name}:
            return np.array(tensors[name])
        case {"layer": index}:
            return graph.layers[index - 1]
        case {"class": name, "fields": parts}:
            return CLASSES[name](**{part: unpack(value, tensors, graph) for part, value in parts.items()})
        case list():
            return [unpack(part, tensors, graph) for part in tree]
        case dict():
            raise TypeError(f"a tree has no {sorted(tree)}")
    return tree
