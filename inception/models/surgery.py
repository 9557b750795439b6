"""Changes to models that are built: residual scales, cut shortcuts, folded batch norms."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_eval

from ..errors import InputError
from ..words import _
from .inception_resnet import ResidualBlock
from .layers import Branch, ConvUnit, ResidualSum


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """The eval-mode model itself, each batch norm put into the convolution or linear layer before it.

    In eval mode a batch norm multiplies each channel by one number and adds another (Ioffe and Szegedy 2015, section
    3.1), so the weights and the bias before it can take both over. Outputs stay the same up to rounding, and so do the
    paths of all modules: an `nn.Identity` takes the place of each batch norm.
    """
    for module in model.modules():
        if isinstance(module, ConvUnit):
            _fold(module.conv, module.bn)
            module.register_module("bn", nn.Identity())
        elif isinstance(module, Branch):
            for (name, layer), (after, norm) in pairwise(list(module.named_children())):
                if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                    module.register_module(name, fuse_linear_bn_eval(layer, norm))
                    module.register_module(after, nn.Identity())
    return model


def _fold(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> None:
    """Gives the convolution itself new weights and a bias; `fuse_conv_bn_eval` copies it first, which takes longer."""
    mean, variance = bn.get_buffer("running_mean"), bn.get_buffer("running_var")
    conv.weight, conv.bias = fuse_conv_bn_weights(conv.weight, conv.bias, mean, variance, bn.eps, bn.weight, bn.bias)


def lean(model: nn.Module) -> nn.Module:
    """The model itself with ReLUs that work in place and residual sums in one pass, which saves memory and time.

    A ReLU then overwrites the output of the layer before it, so activations can no longer be read from this model.
    """
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
        for name, child in module.named_children():
            if isinstance(child, ResidualSum):
                module.register_module(name, OnePassSum(child.scale))
    return model


class OnePassSum(ResidualSum):
    """A `ResidualSum` that needs no memory for the scaled residual: both summands (N, C, H, W), as the sum."""

    def forward(self, shortcut: Tensor, residual: Tensor) -> Tensor:
        return torch.add(shortcut, residual, alpha=self.scale)


Scales = tuple[float, float, float]  # of the A, B and C blocks


class ResidualError(InputError):
    """A network without residual sums, or scales out of range. The message is one sentence."""


def check_scales(scales: Scales) -> Scales:
    """`scales` as they are; raises ResidualError unless they are three numbers from 0 to 1."""
    if len(scales) != 3 or not all(0 <= scale <= 1 for scale in scales):
        raise ResidualError(
            _("The scales of the A, B and C blocks are three numbers from 0 to 1, not {scales}.").format(scales=scales)
        )
    return scales


def residual_blocks(model: nn.Module) -> dict[str, ResidualBlock]:
    """The residual blocks of a network by path, in order; raises ResidualError where there are none."""
    blocks = {path: module for path, module in model.named_modules() if isinstance(module, ResidualBlock)}
    if not blocks:
        raise ResidualError(_("This network has no residual sums: nothing to scale, and no shortcut to cut."))
    return blocks


def get_scales(model: nn.Module) -> Scales:
    """The scale of the first A, B and C block; raises ResidualError for a network without residual sums."""
    scales: dict[str, float] = {}
    for block in residual_blocks(model).values():
        scales.setdefault(block.kind, block.residual_sum.scale)
    return scales["A"], scales["B"], scales["C"]


def set_scales(model: nn.Module, scales: Scales) -> None:
    """Sets the scale of all A, B and C blocks; a last block without ReLU keeps its own scale.

    Raises ResidualError for scales out of range and for a network without residual sums.
    """
    by_kind = dict(zip("ABC", check_scales(scales), strict=True))
    for block in residual_blocks(model).values():
        if block.relu is not None:
            block.residual_sum.scale = by_kind[block.kind]


class Residual(nn.Module):
    """Stands where a residual sum was: two summands (N, C, H, W) to the second one, unscaled."""

    def forward(self, shortcut: Tensor, residual: Tensor) -> Tensor:
        return residual


def cut_shortcuts(model: nn.Module) -> None:
    """Takes the shortcut out of every residual block, which then hands on its residual alone, unscaled.

    Blocks and parameters stay. Raises ResidualError for a network without residual sums.
    """
    for block in residual_blocks(model).values():
        block.add_module("residual_sum", Residual())
