"""What MODEL stands for on the command line: a network of the zoo, the reader's own, timm's or torchvision's."""

import importlib
import sys
import sysconfig
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from ..errors import InceptionError, InputError
from ..graph.layer_graph import LayerGraph
from ..graph.trace import OtherInputsError, TraceError, trace
from ..size import Size
from ..text import or_list
from ..words import _
from ..zoo import Variant, get_variant
from .output import UsageError

LIBRARIES = ("timm", "torchvision")
USUAL_SIDE = 224  # pixels, for a network that does not say what it takes
InputShape = tuple[int, ...]  # without the batch


class ModelError(InputError):
    """A network that cannot be had, in one sentence."""


@dataclass(frozen=True)
class Named:
    """A network of the command line under the name that it was given there."""

    name: str
    model: str | nn.Module  # a name of the zoo, or a network in eval mode
    input_size: InputShape  # what it takes by itself, for `trace`

    def graph(self, size: Size | None, inputs: Sequence[InputShape]) -> LayerGraph:
        """Its trace under its name. size or inputs: what it reads instead of what it takes by itself."""
        input_size = self.reads(size, inputs)
        try:
            return replace(trace(self.model, input_size), name=self.name)
        except OtherInputsError as error:
            sentence = _(
                "{network} takes other inputs than these ({error}): give the shape of each without the batch, e.g. "
                "--input 3x224x224 --input 10"
            )
            raise ModelError(sentence.format(network=self.name, error=error.reason)) from error
        except TraceError as error:
            where = _place(error.__cause__) if isinstance(self.model, nn.Module) else ""
            raise ModelError(f"{str(error).rstrip('.。')}{where}") from error

    def reads(self, size: Size | None, inputs: Sequence[InputShape]) -> Any:
        """The `input_size` for `trace`."""
        if size and inputs:
            raise UsageError(_("--size and --input exclude each other: --input says the whole shape"))
        if inputs:
            return [*inputs]
        shape = size or self.input_size
        return shape if len(shape) in (2, 3) else [shape]


def named_model(name: str) -> Named:
    """The network of that name: of the zoo, `package.module:factory`, `timm:NAME` or `torchvision:NAME`.

    Raises InputError where there is none, ModelError for a package that is missing and for errors of the code that
    builds the network: one sentence that names the file and line.
    """
    source, colon, rest = name.partition(":")
    if not colon:
        try:
            return Named(name, name, Size.square(get_variant(name).input_size))
        except InputError as error:
            sentence = _("{problem}; your own is package.module:factory, others are timm:NAME and torchvision:NAME")
            raise InputError(sentence.format(problem=error)) from error
    with redirect_stdout(sys.stderr):  # what foreign code prints would stand in the table
        if source in LIBRARIES:
            model, shape = (_timm if source == "timm" else _torchvision)(rest)
        else:
            model = _built(_found(source, rest), name)
            shape = _declared(model)
    return Named(name, model.eval(), shape)


def _timm(name: str) -> tuple[nn.Module, InputShape]:
    timm = _library("timm")
    if not timm.is_model(name):
        raise ModelError(_unknown("timm", name, timm.list_models()))
    model = _built(partial(timm.create_model, name), f"timm:{name}")
    return model, _declared(model)


def _torchvision(name: str) -> tuple[nn.Module, InputShape]:
    models = _library("torchvision").models
    if name not in models.list_models():
        raise ModelError(_unknown("torchvision", name, models.list_models()))
    # Its detectors would otherwise fetch a backbone, and Inception-v3 warns of its initial weights.
    options: dict[str, Any] = {"weights": None}
    if name in models.list_models(models.detection) + models.list_models(models.segmentation):
        options["weights_backbone"] = None
    elif name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    model = _built(partial(models.get_model, name, **options), f"torchvision:{name}")
    trained = getattr(models.get_model_weights(name), "DEFAULT", None)
    side = getattr(trained.transforms, "keywords", {}).get("crop_size", USUAL_SIDE) if trained else USUAL_SIDE
    sides = tuple(side) if isinstance(side, Sequence) else (side, side)
    return model, (3, 16, *sides) if name in models.list_models(models.video) else sides


def _library(name: str) -> ModuleType:
    """A library of networks; where it is missing, the sentence says how to get it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        sentence = _("{name}: networks need the package {package}; pip install {name}")
        raise ModelError(sentence.format(name=name, package=error.name)) from error
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    # A build of torchvision for GPUs beside the CPU build of torch: its own kernels do not load. No trace needs them.
    _define_kernels()
    return importlib.import_module(name)


def _define_kernels() -> None:
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)
    for module in [name for name in sys.modules if name.split(".")[0] in LIBRARIES]:
        del sys.modules[module]


_kept: list[Any] = []  # operators vanish with the object that defined them


def _unknown(library: str, name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=3)
    sentence = _("{library} has no network {name!r}")
    if close:
        sentence = _("{library} has no network {name!r}; did you mean {close}?")
    return sentence.format(library=library, name=name, close=or_list(close))


def _found(module: str, attribute: str) -> Any:
    """What the reader's module has under that name; modules are looked for in the current directory first."""
    if module.endswith(".py") or "/" in module:
        name = ".".join(Path(module).with_suffix("").parts)
        sentence = _("{file} is a file; give the module, {name}:{attribute}")
        raise ModelError(sentence.format(file=module, name=name, attribute=attribute))
    where = str(Path.cwd())
    if where not in sys.path:
        sys.path.insert(0, where)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            sentence = _("there is no module {module!r}, neither in this directory nor installed")
            raise ModelError(sentence.format(module=module)) from error
        raise _not_imported(module, error) from error
    except (Exception, SystemExit) as error:
        raise _not_imported(module, error) from error
    for piece in attribute.split("."):
        if not hasattr(found, piece):
            names = [name for name, value in getattr(found, "__dict__", {}).items() if _builds(value, found)]
            sentence = (
                _("{module} has no {attribute!r}; it has {names}") if names else _("{module} has no {attribute!r}")
            )
            raise ModelError(sentence.format(module=module, attribute=attribute, names=", ".join(names)))
        found = getattr(found, piece)
    return found


def _not_imported(module: str, error: BaseException) -> ModelError:
    sentence = _("{module} cannot be imported: {reason}{place}")
    return ModelError(sentence.format(module=module, reason=_what(error), place=_place(error)))


def _builds(value: Any, module: Any) -> bool:
    """Whether a module's attribute may be a network or make one."""
    return isinstance(value, nn.Module) or (
        callable(value) and getattr(value, "__module__", "") == getattr(module, "__name__", "")
    )


def _built(factory: Any, name: str) -> nn.Module:
    """The network itself, or what a class or function without arguments makes: on meta, where that works."""
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        sentence = _("{name} is neither a network nor something that makes one, but {kind}")
        raise ModelError(sentence.format(name=name, kind=type(factory).__name__))
    try:
        model = _called(factory)
    except InceptionError:
        raise
    except (Exception, SystemExit) as error:
        sentence = _("{name} cannot be built: {reason}{place}")
        raise ModelError(sentence.format(name=name, reason=_what(error), place=_place(error))) from error
    if not isinstance(model, nn.Module):
        sentence = _("{name} makes {kind}, not an nn.Module")
        raise ModelError(sentence.format(name=name, kind=type(model).__name__))
    return model


def _called(factory: Callable[[], Any]) -> Any:
    """On the meta device a network of any size takes no memory; code that needs values runs again on the CPU."""
    try:
        with torch.device("meta"):
            return factory()
    except Exception:
        return factory()


def _declared(model: nn.Module) -> InputShape:
    """What the network itself says that it takes, as timm's and ours do."""
    variant = getattr(model, "variant", None)
    if isinstance(variant, Variant):
        return Size.square(variant.input_size)
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None) or {}
    shape = config.get("input_size") if isinstance(config, dict) else None
    return tuple(shape) if shape else Size.square(USUAL_SIDE)


def _what(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _place(error: BaseException | None) -> str:
    """Where in the reader's code an error arose; empty where none of it took part."""
    if isinstance(error, SyntaxError) and error.filename:
        return _(" ({file}, line {line})").format(file=Path(error.filename).name, line=error.lineno)
    frames = traceback.extract_tb(error.__traceback__) if error else []
    outside = (str(Path(__file__).parents[1]), str(Path(torch.__file__).parent))
    own = [
        frame
        for frame in frames
        if not frame.filename.startswith((*outside, "<"))
        and ("site-packages" in frame.filename or not frame.filename.startswith(sysconfig.get_path("stdlib")))
    ]
    if not own:
        return ""
    return _(" ({file}, line {line})").format(file=Path(own[-1].filename).name, line=own[-1].lineno)
