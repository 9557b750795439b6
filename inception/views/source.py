"""Where a block is written: its classes' source, and the line of each of its layers."""

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from torch import nn

from .. import models
from ..graph.layer import Layer
from ..models import layers as shared
from ..models.layers import Parallel, Stage
from ..zoo import create_model

MADE_FROM = ("Stage", "Parallel", "ResidualBlock", "StemV3")  # what the classes of blocks are made from
PIECES = ("ResidualBlock",)  # those of them that are no block themselves


@dataclass(frozen=True)
class BlockSource:
    """Source of the classes that a block is made of."""

    summary: str  # the first sentence of its docstring, with the paper's figure; translated where it is shown
    why: str  # the paragraph after it, if any, the same
    text: str  # the source
    lines: dict[int, int]  # index of a layer to the line of `text`, from 1, where its module is made


def block_source(name: str, layers: Sequence[Layer]) -> BlockSource:
    """The source of the block or stage of network `name` that `layers` belong to."""
    model = create_model(name, device="meta")
    stage, block = layers[0].path.split(".")[:2]
    depth = 1 if len({layer.block for layer in layers}) > 1 else 2
    module = model.get_submodule(".".join([stage, block][:depth]))
    if type(module).__module__ == shared.__name__:  # made of shared pieces only, such as the block of a head
        depth, module = 1, model.get_submodule(stage)
    classes = [cls for cls in type(module).__mro__ if cls.__module__.startswith(models.__name__) and cls is not Stage]
    if Parallel not in classes and any(isinstance(inner, Parallel) for inner in module.modules()):
        classes.append(Parallel)
    text = "\n\n".join(inspect.getsource(cls) for cls in classes)
    summary, why = _shown(classes[0].__doc__ or "")
    makers = _Makers(text)
    lines = {layer.index: line for layer in layers if (line := makers.line(module, layer.path.split(".")[depth:]))}
    return BlockSource(summary, why, text, lines)


def _shown(docstring: str) -> tuple[str, str]:
    """The summary of a docstring and the paragraph after it, each in one line."""
    summary, why, *_others = [*inspect.cleandoc(docstring).split("\n\n"), ""]
    return " ".join(summary.split()), " ".join(why.split())


def extract_docstrings(file: IO[bytes], keywords: Any, tags: Any, options: Any) -> Iterator[Any]:
    """Babel's extractor for the networks' modules: marked sentences, and what is shown of the docstrings of blocks."""
    from babel.messages.extract import extract_python

    yield from extract_python(file, keywords, tags, options)
    file.seek(0)
    for node in ast.parse(file.read()).body:
        if not isinstance(node, ast.ClassDef) or node.name in PIECES:
            continue
        if any(ast.unparse(base).startswith(MADE_FROM) for base in node.bases):
            for text in _shown(ast.get_docstring(node) or ""):
                if text:
                    yield node.lineno, "_", text, []


@dataclass(frozen=True)
class _Made:
    """A place in the source that makes a submodule."""

    name: str  # a pattern for `re.fullmatch`, because names can be f-strings
    line: int
    value: ast.expr  # what it is set to
    function: ast.FunctionDef  # where that is written


class _Makers:
    """Finds the lines of a source text in which submodules are made."""

    def __init__(self, text: str):
        tree = ast.parse(text)
        self.constructors = {
            cls.name: function
            for cls in tree.body
            if isinstance(cls, ast.ClassDef)
            for function in cls.body
            if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        }

    def line(self, module: nn.Module, names: Sequence[str]) -> int | None:
        """The line where the last of `names` is made, each being a submodule of the one before it.

        Where a submodule is not made by name, it is the line of the module that holds it.
        """
        found = None
        for name in names:
            made = next((made for made in self._made_in(module, found) if re.fullmatch(made.name, name)), None)
            if made is None:
                break
            module, found = module.get_submodule(name), made
        return found.line if found else None

    def _made_in(self, module: nn.Module, maker: _Made | None) -> Iterator[_Made]:
        """All that makes a submodule of `module`: in the expression that makes it, and in its class."""
        if maker:
            yield from _members(maker.value, maker.function)
        for cls in type(module).__mro__:
            if function := self.constructors.get(cls.__name__):
                yield from _members_of_self(function)


def _members_of_self(function: ast.FunctionDef) -> Iterator[_Made]:
    """The submodules that an `__init__` makes by self.NAME = ..., super().__init__(NAME=...) or self.add_module."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                    yield _Made(re.escape(target.attr), node.lineno, node.value, function)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
            yield from _members(node, function)
    yield from _added("self", function)


def _members(value: ast.expr, function: ast.FunctionDef) -> Iterator[_Made]:
    """The named members of a call's keywords or of a dictionary, also by way of a variable of the function."""
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg:
                yield _Made(re.escape(keyword.arg), keyword.lineno, keyword.value, function)
            else:
                yield from _members(keyword.value, function)
    elif isinstance(value, ast.Dict):
        for key, member in zip(value.keys, value.values, strict=True):
            if key is None:
                yield from _members(member, function)
            elif name := _pattern(key):
                yield _Made(name, key.lineno, member, function)
    elif isinstance(value, ast.DictComp) and (name := _pattern(value.key)):
        yield _Made(name, value.key.lineno, value.value, function)
    elif isinstance(value, ast.Name):
        yield from _members_of_variable(value.id, function)


def _members_of_variable(variable: str, function: ast.FunctionDef) -> Iterator[_Made]:
    """The members of what a variable is set to, and those added by VARIABLE[NAME] = ... or VARIABLE.add_module."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and target.id == variable and not isinstance(node.value, ast.Name):
                yield from _members(node.value, function)
            elif (
                isinstance(target, ast.Subscript)
                and ast.unparse(target.value) == variable
                and (name := _pattern(target.slice))
            ):
                yield _Made(name, node.lineno, node.value, function)
    yield from _added(variable, function)


def _added(variable: str, function: ast.FunctionDef) -> Iterator[_Made]:
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == f"{variable}.add_module"
            and len(node.args) == 2
            and (name := _pattern(node.args[0]))
        ):
            yield _Made(name, node.lineno, node.args[1], function)


def _pattern(key: ast.expr) -> str:
    """A pattern for the text of a string or f-string; empty for anything else, such as a parameter."""
    pieces = key.values if isinstance(key, ast.JoinedStr) else [key]
    constants = [piece.value if isinstance(piece, ast.Constant) else None for piece in pieces]
    if not any(isinstance(constant, str) for constant in constants):
        return ""
    return "".join(re.escape(constant) if isinstance(constant, str) else ".+" for constant in constants)
