"""torch.fx's symbolic tracing, adapted: it stops at modules with a table row, and does not disturb other threads."""

import threading
from collections.abc import Callable
from typing import Any

from torch import fx, nn

from ..models.layers import Concat, L2Normalize, ResidualSum

_turn = threading.RLock()


class Tracer(fx.Tracer):
    """Traces a module without looking inside PyTorch's own modules and three of ours, which have a table row each.

    While torch.fx traces, it patches `nn.Module` for the whole process, so the calls of every thread come here. Those
    of other threads run as if nothing were patched, and only one thread traces at a time.
    """

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Concat | ResidualSum | L2Normalize) or super().is_leaf_module(m, module_qualified_name)

    def trace(self, root: nn.Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None) -> fx.Graph:
        with _turn:
            self._thread = threading.get_ident()
            return super().trace(root, concrete_args)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)
