"""What 1xk followed by kx1 saves against kxk: in general, in a network, and with square kernels put back.

The idea is from Szegedy et al. (2015), *Rethinking the Inception Architecture*, section 3.2. Three things with
similar names differ: the networks' 1xk -> batch norm -> ReLU -> kx1 is *factorised*, each half with its own weights
between all channels; it is no algebraic rewrite of a trained kxk kernel (`inception.studies.lowrank`), and not
*depthwise separable* (MobileNet), where each channel is filtered alone and a 1x1 mixes them.

Every count comes from a trace of modules that are really built, on the meta device unless they are run. A ratio
divides the square kernel's value by the row's own: above 1 the row is cheaper, below 1 dearer.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from torch import nn

from ..errors import InputError
from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..graph.window import Pair
from ..models.layers import BATCH_NORM_EPS, Kernel
from ..text import running_text, shape_text
from ..words import N_, _, ngettext

# Names of the options in tables, which are translated where they are shown.
SQUARE, FACTORISED, STACKED, SEPARABLE = N_("square"), N_("factorised"), N_("stacked 3x3"), N_("depthwise separable")

MAX_KERNEL = 31
MAX_CHANNELS = 16_384
MAX_SIZE = 4096  # rows or columns of the feature map


class FactorizeError(InputError):
    """A setting that cannot be built or measured, in one sentence."""


# The calculator
@dataclass(frozen=True)
class Setting:
    """What to compare. The defaults are the example that tutorials print: 256 channels, 7x7, 64x64.

    kernel: odd, from 3 to 31. in_channels, middle_channels, out_channels: 1 to 16,384; the middle is what stands
    between the layers of the pair and of the stack. size: (height, width) of the feature map, 1 to 4096 each.
    bias, batch_norm: of every convolution. Raises FactorizeError for anything else.
    """

    kernel: int = 7
    in_channels: int = 256
    middle_channels: int = 256
    out_channels: int = 256
    size: Pair = (64, 64)
    bias: bool = True
    batch_norm: bool = False

    def __post_init__(self) -> None:
        if not (_is_whole(self.kernel, 3, MAX_KERNEL) and self.kernel % 2):
            sentence = _("kernel must be an odd number from 3 to {most}, not {value!r}.")
            raise FactorizeError(sentence.format(most=MAX_KERNEL, value=self.kernel))
        for name in ("in_channels", "out_channels", "middle_channels"):
            if not _is_whole(getattr(self, name), 1, MAX_CHANNELS):
                sentence = _("{name} must be a whole number from 1 to {most:,}, not {value!r}.")
                raise FactorizeError(sentence.format(name=name, most=MAX_CHANNELS, value=getattr(self, name)))
        if not (
            isinstance(self.size, tuple) and len(self.size) == 2 and all(_is_whole(n, 1, MAX_SIZE) for n in self.size)
        ):
            sentence = _("size must be height and width as whole numbers from 1 to {most}, not {value!r}.")
            raise FactorizeError(sentence.format(most=MAX_SIZE, value=self.size))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.in_channels, *self.size

    @property
    def simple_factor(self) -> float:
        """Half of k: how many times fewer weights the pair has where in, middle and out are equally wide."""
        return self.kernel / 2

    @property
    def title(self) -> str:
        """What is compared, for the head of a table: 7x7 window, 256 to 256 to 256 channels, 64x64 grid, bias."""
        sentence = _("{kernel}x{kernel} window, {inputs:,} to {middle:,} to {outputs:,} channels, {grid} grid")
        if self.bias and self.batch_norm:
            sentence = _(
                "{kernel}x{kernel} window, {inputs:,} to {middle:,} to {outputs:,} channels, {grid} grid, bias, batch "
                "norm"
            )
        elif self.bias:
            sentence = _(
                "{kernel}x{kernel} window, {inputs:,} to {middle:,} to {outputs:,} channels, {grid} grid, bias"
            )
        elif self.batch_norm:
            sentence = _(
                "{kernel}x{kernel} window, {inputs:,} to {middle:,} to {outputs:,} channels, {grid} grid, batch norm"
            )
        return sentence.format(
            kernel=self.kernel,
            inputs=self.in_channels,
            middle=self.middle_channels,
            outputs=self.out_channels,
            grid=shape_text(self.size),
        )


@dataclass(frozen=True)
class Option:
    """One way to look through a kxk window: its name, its trace, and its parameters written out as a sum."""

    name: str
    graph: LayerGraph
    arithmetic: str

    @property
    def layers(self) -> str:
        """Its kernels: 1x7 + 7x1."""
        return " + ".join(shape_text(layer.window.kernel) for layer in self.graph.layers if layer.window)

    @property
    def receptive_field(self) -> str:
        """Height x width in cells of the feature map: 7x7."""
        field = self.graph.receptive_fields[-1]
        return shape_text(field.size) if field else ""


@dataclass(frozen=True)
class BreakEven:
    """The largest middle width at which the pair has fewer parameters, or MACs, than the square; 0 where none has."""

    params: int
    macs: int


def build_options(setting: Setting, device: str | torch.device = "meta") -> dict[str, nn.Sequential]:
    """The real modules by name, the square kernel first; each maps (N, in, H, W) to (N, out, H, W).

    square: one kxk. factorised: 1xk, kx1. stacked 3x3: as many as see kxk. depthwise separable: kxk on each channel
    alone, then 1x1 (Howard et al. 2017, *MobileNets*). Every convolution is SAME, and batch norm (where the setting
    has it) and ReLU follow it.
    """
    k, inputs, middle, outputs = setting.kernel, setting.in_channels, setting.middle_channels, setting.out_channels
    depth = (k - 1) // 2
    widths = [inputs, *[middle] * (depth - 1), outputs]
    with torch.device(device):
        options = {
            SQUARE: [conv_unit(setting, inputs, outputs, k)],
            FACTORISED: [conv_unit(setting, inputs, middle, (1, k)), conv_unit(setting, middle, outputs, (k, 1))],
            STACKED: [conv_unit(setting, widths[i], widths[i + 1], 3) for i in range(depth)],
            SEPARABLE: [conv_unit(setting, inputs, inputs, k, groups=inputs), conv_unit(setting, inputs, outputs, 1)],
        }
        return {name: nn.Sequential(*units).eval() for name, units in options.items()}


def calculate(setting: Setting) -> tuple[Option, ...]:
    """The options for `setting`, the square kernel first, counted by tracing them."""
    return tuple(traced_option(setting, name, module) for name, module in build_options(setting).items())


def option_table(options: Sequence[Option]) -> pd.DataFrame:
    """One row an option, with its ratios to the first (the square kernel, as `calculate` returns them).

    Columns: option, layers (kernels, height x width), params, macs (batch 1), activation_bytes (of all its layers'
    outputs, float32), params_ratio, macs_ratio, activation_ratio, rf (receptive field, height x width in cells of
    the feature map), out_shape (channels x height x width), arithmetic (the parameters as a sum).
    """
    return pd.DataFrame(
        {
            "option": option.name,
            "layers": option.layers,
            **counts_against(option.graph, options[0].graph),
            "rf": option.receptive_field,
            "out_shape": shape_text(option.graph.output_shape),
            "arithmetic": option.arithmetic,
        }
        for option in options
    )


def break_even(
    setting: Setting,
    options: Sequence[Option],
    build_pair: Callable[[Setting], nn.Module] = lambda setting: build_options(setting)[FACTORISED],
) -> BreakEven:
    """How wide the middle of the pair may be before it costs as much as the square kernel.

    options: for the setting, the square kernel first. build_pair: the pair at other settings.
    """
    square = options[0].graph
    # Each middle channel adds the same amount, so two built pairs tell the cost of every other one.
    narrow = [replace(setting, middle_channels=middle) for middle in (1, 2)]
    one, two = (trace(build_pair(each), each.input_shape) for each in narrow)

    def largest(at_one: int, at_two: int, limit: int) -> int:
        slope = at_two - at_one
        return max(0, (limit - 1 - (at_one - slope)) // slope)

    return BreakEven(
        params=largest(one.params, two.params, square.params), macs=largest(one.macs, two.macs, square.macs)
    )


def in_words(setting: Setting, options: Sequence[Option]) -> str:
    """What the pair saves against the square kernel, and up to which middle width it saves anything.

    options: what `calculate` returned for the setting.
    """
    square, pair = (option.graph for option in options[:2])
    # At stride 1 each weight is one multiply-accumulate for each cell.
    ratio = square.macs / pair.macs
    if setting.in_channels == setting.middle_channels == setting.out_channels:
        sentence = _(
            "With all widths equal the pair has k / 2 = {factor:g} times fewer weights than the square kernel."
        )
    elif ratio > 1:
        sentence = _(
            "With all widths equal the pair would have k / 2 = {factor:g} times fewer weights than the square kernel; "
            "with these widths it has {fewer:.2f} times fewer weights."
        )
    elif ratio < 1:
        sentence = _(
            "With all widths equal the pair would have k / 2 = {factor:g} times fewer weights than the square kernel; "
            "with these widths it has {more:.2f} times as many weights."
        )
    else:
        sentence = _(
            "With all widths equal the pair would have k / 2 = {factor:g} times fewer weights than the square kernel; "
            "with these widths it has as many weights."
        )
    factor = sentence.format(factor=setting.simple_factor, fewer=ratio, more=1 / ratio)
    even = break_even(setting, options)
    if even.params == even.macs:
        return running_text(factor, _cheaper(even.params))
    return running_text(factor, _fewer_params(even.params), _fewer_macs(even.macs))


def _cheaper(width: int) -> str:
    if width == 0:
        return _("However narrow its middle, it never has fewer parameters and MACs.")
    return ngettext(
        "Up to {width:,} channel in the middle it has fewer parameters and MACs, from {next:,} not.",
        "Up to {width:,} channels in the middle it has fewer parameters and MACs, from {next:,} not.",
        width,
    ).format(width=width, next=width + 1)


def _fewer_params(width: int) -> str:
    if width == 0:
        return _("However narrow its middle, it never has fewer parameters.")
    return ngettext(
        "Up to {width:,} channel in the middle it has fewer parameters, from {next:,} not.",
        "Up to {width:,} channels in the middle it has fewer parameters, from {next:,} not.",
        width,
    ).format(width=width, next=width + 1)


def _fewer_macs(width: int) -> str:
    if width == 0:
        return _("However narrow its middle, it never has fewer MACs.")
    return ngettext(
        "Up to {width:,} channel in the middle it has fewer MACs, from {next:,} not.",
        "Up to {width:,} channels in the middle it has fewer MACs, from {next:,} not.",
        width,
    ).format(width=width, next=width + 1)


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def conv_unit(setting: Setting, inputs: int, outputs: int, kernel: Kernel, groups: int = 1) -> nn.Sequential:
    """A SAME convolution, with the setting's bias and batch norm, and a ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding="same", groups=groups, bias=setting.bias)
    norm = [nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS)] if setting.batch_norm else []
    return nn.Sequential(conv, *norm, nn.ReLU())


def traced_option(setting: Setting, name: str, module: nn.Module) -> Option:
    """A module that was built for the setting, counted by tracing it."""
    graph = trace(module, setting.input_shape)
    terms = Counter(_term(setting, conv) for conv in module.modules() if isinstance(conv, nn.Conv2d))
    written = " + ".join(term if count == 1 else f"{count}·{term}" for term, count in terms.items())
    return Option(name, graph, f"{written} = {graph.params:,}")


def _term(setting: Setting, conv: nn.Conv2d) -> str:
    """Parameters of one unit: outputs · (weights of one output + 1 for the bias + 2 for the batch norm)."""
    outputs, *window = conv.weight.shape
    summands = ["·".join(str(n) for n in window if n > 1) or "1"]
    summands += ["1"] * setting.bias + ["2"] * setting.batch_norm
    return f"{outputs}·({' + '.join(summands)})" if len(summands) > 1 else f"{outputs}·{summands[0]}"


def counts_against(graph: LayerGraph, square: LayerGraph) -> dict[str, int | float]:
    return {
        "params": graph.params,
        "macs": graph.macs,
        "activation_bytes": activation_bytes_of(graph),
        "params_ratio": square.params / graph.params,
        "macs_ratio": square.macs / graph.macs,
        "activation_ratio": activation_bytes_of(square) / activation_bytes_of(graph),
    }


def activation_bytes_of(graph: LayerGraph) -> int:
    return sum(layer.activation_bytes for layer in graph.layers)
