"""torch.fx's symbolic tracing, which stops at the modules a table has rows for, and leaves other threads alone."""

import threading
from collections.abc import Callable
from typing import Any

from torch import fx, nn

from ..models.layers import Concat, L2Normalize, ResidualSum

_turn = threading.RLock()


class Tracer(fx.Tracer):
    """Stops at PyTorch's own modules and the leaves of `inception.models.layers`.

    While torch.fx traces, every call of a module in the process comes here, whichever thread makes it. So others'
    calls are passed on as they are, and one thread traces at a time.
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
