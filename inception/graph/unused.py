"""Parameters that a network has and a pass does not use, such as those of a head for training only."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..models.layers import Stage


@dataclass(frozen=True)
class Unused:
    """A module, or a single parameter, that did not run in the traced pass and has no row in the table."""

    title: str  # the paper's name of a whole stage, else the path
    stage: str  # the paper's name of the stage that it belongs to; the path's first piece in networks that are not ours
    path: str  # in the model
    params: int  # as PyTorch counts them
    norm_params: int  # those of them that belong to batch norms, which Keras counts in its own way
    statistics: int = 0  # running means and variances of these batch norms, which Keras counts as parameters


def find_unused(root: nn.Module, left: Collection[int]) -> tuple[Unused, ...]:
    """The largest modules of `root` all of whose parameters were left unused; `left` has the `id` of each of them.

    Parameters that PyTorch's lazy modules have not made yet are not among them: nobody knows how many they will be.
    """
    return tuple(_unused(root, root, "", set(left))) if left else ()


def _unused(root: nn.Module, module: nn.Module, path: str, left: set[int]) -> Iterator[Unused]:
    """`left`: ids of the unused parameters that are not named yet; a shared one is named once."""
    own = {id(p) for p in module.parameters()}
    if not own & left:
        return
    if path and own <= left:
        left -= own
        params = sum(p.numel() for p in module.parameters())
        norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
        norm_params = sum(p.numel() for norm in norms for p in norm.parameters())
        statistics = sum(2 * norm.num_features for norm in norms)
        yield _entry(root, path, module.title if isinstance(module, Stage) else path, params, norm_params, statistics)
        return
    prefix = f"{path}." if path else ""
    for name, parameter in module.named_parameters(recurse=False):
        if id(parameter) in left:
            left.remove(id(parameter))
            norm = parameter.numel() if isinstance(module, _BatchNorm) else 0
            yield _entry(root, prefix + name, prefix + name, parameter.numel(), norm, norm)
    for name, child in module.named_children():
        yield from _unused(root, child, prefix + name, left)


def _entry(root: nn.Module, path: str, title: str, params: int, norm_params: int, statistics: int) -> Unused:
    first = path.split(".")[0]
    stage = getattr(root, first)
    return Unused(title, stage.title if isinstance(stage, Stage) else first, path, params, norm_params, statistics)
