"""Messages of the Open Inference Protocol over HTTP, as KServe, Triton and OpenVINO Model Server speak it.

A message is a JSON object with named tensors, whose numbers stand in the JSON ("data") or follow it as bytes, in the
order of the tensors and little-endian: Triton's binary tensor extension. The header `HEADER_LENGTH` then says how long
the JSON is. Nothing is unpickled, and what comes in is checked before it becomes an array.
https://github.com/kserve/open-inference-protocol
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError

from ..errors import InputError
from ..words import _

HEADER_LENGTH = "Inference-Header-Content-Length"
BINARY = "binary_tensor_data"  # what servers that speak the binary extension call it
OWN = "inception_views"  # what ours calls its own routes
BINARY_TYPE, JSON_TYPE = "application/octet-stream", "application/json"
MAX_BODY = 64 * 2**20  # bytes of a message
MAX_TENSORS = 16  # of a request
MAX_DIMENSIONS = 8
DATATYPES = {
    "BOOL": "?",
    "UINT8": "<u1",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
NAMES = {np.dtype(code).str: name for name, code in DATATYPES.items()}

Tensors = Mapping[str, NDArray[Any]]


class MessageError(InputError):
    """A message that is not of the protocol, or too large, in one sentence."""


@dataclass(frozen=True)
class Message:
    """A request or a response."""

    tensors: dict[str, NDArray[Any]]
    parameters: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    wants_binary: bool = False  # whether the answer may have its tensors as bytes; of requests
    wanted: tuple[str, ...] = ()  # the outputs that are asked for, all where empty; of requests


class _Tensor(BaseModel):
    name: str = Field(max_length=200)
    shape: list[NonNegativeInt] = Field(max_length=MAX_DIMENSIONS)
    datatype: str = Field(max_length=20)
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class _Output(BaseModel):
    name: str = Field(max_length=200)
    parameters: dict[str, Any] = {}


class _Request(BaseModel):
    id: str | None = Field(default=None, max_length=200)
    parameters: dict[str, Any] = {}
    inputs: list[_Tensor] = Field(max_length=MAX_TENSORS)
    outputs: list[_Output] = Field(default=[], max_length=MAX_TENSORS)


class _Response(BaseModel):
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[_Tensor]


def request_body(tensors: Tensors, parameters: Mapping[str, Any], binary: bool) -> tuple[bytes, dict[str, str]]:
    """A request, and the headers that go with it."""
    asked = {**parameters, "binary_data_output": True} if binary else dict(parameters)
    return _body({"parameters": asked} if asked else {}, "inputs", tensors, binary)


def response_body(
    model: str, tensors: Tensors, parameters: Mapping[str, Any], binary: bool, id: str | None = None
) -> tuple[bytes, dict[str, str]]:
    """A response, and the headers that go with it."""
    header: dict[str, Any] = {"model_name": model}
    header |= {"id": id} if id is not None else {}
    header |= {"parameters": dict(parameters)} if parameters else {}
    return _body(header, "outputs", tensors, binary)


_Kind = TypeVar("_Kind", _Request, _Response)


def read_request(body: bytes, headers: Mapping[str, str]) -> Message:
    """The request in a body; raises MessageError."""
    request, rest = _message(_Request, body, headers)
    asked = [output.parameters.get("binary_data") for output in request.outputs]
    parameters = dict(request.parameters)
    wants_binary = bool(parameters.pop("binary_data_output", False)) or True in asked
    wanted = tuple(output.name for output in request.outputs)
    return Message(_tensors(request.inputs, rest), parameters, request.id, wants_binary, wanted)


def read_response(body: bytes, headers: Mapping[str, str]) -> Message:
    """The response in a body; raises MessageError."""
    response, rest = _message(_Response, body, headers)
    return Message(_tensors(response.outputs, rest), response.parameters, response.id)


def _body(header: dict[str, Any], key: str, tensors: Tensors, binary: bool) -> tuple[bytes, dict[str, str]]:
    described, blobs = [], []
    for name, tensor in tensors.items():
        little = np.ascontiguousarray(tensor, dtype=tensor.dtype.newbyteorder("<"))
        entry: dict[str, Any] = {"name": name, "shape": list(tensor.shape), "datatype": NAMES[little.dtype.str]}
        if binary:
            blobs.append(little.tobytes())
            entry["parameters"] = {"binary_data_size": little.nbytes}
        else:
            entry["data"] = little.reshape(-1).tolist()
        described.append(entry)
    try:
        text = json.dumps({**header, key: described}, allow_nan=False).encode()
    except ValueError as error:
        sentence = _("A number that is not finite has no place in JSON; ask for binary tensors.")
        raise MessageError(sentence) from error
    if not binary:
        return text, {"Content-Type": JSON_TYPE}
    return b"".join([text, *blobs]), {"Content-Type": BINARY_TYPE, HEADER_LENGTH: str(len(text))}


def _message(kind: type[_Kind], body: bytes, headers: Mapping[str, str]) -> tuple[_Kind, memoryview]:
    """What a body describes, and the bytes after it; raises MessageError."""
    described, rest = _parts(body, headers)
    try:
        return kind.model_validate(described), rest
    except ValidationError as error:
        raise MessageError(_mistake(error)) from error


def _parts(body: bytes, headers: Mapping[str, str]) -> tuple[Any, memoryview]:
    """The JSON of a body, and the bytes after it."""
    given = next((value for name, value in headers.items() if name.lower() == HEADER_LENGTH.lower()), None)
    length = len(body) if given is None else int(given) if given.isascii() and given.isdecimal() else -1
    if not 0 <= length <= len(body):
        sentence = _("The header {header} must be a whole number of at most {most} bytes, not {value!r}.")
        raise MessageError(sentence.format(header=HEADER_LENGTH, most=len(body), value=given))
    try:
        return json.loads(body[:length]), memoryview(body)[length:]
    except (ValueError, RecursionError) as error:
        raise MessageError(_("The message is not JSON.")) from error


def _tensors(described: list[_Tensor], rest: memoryview) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for tensor in described:
        if tensor.datatype not in DATATYPES:
            sentence = _("The datatype of {name} must be one of {known}, not {datatype}.")
            known = _(", ").join(DATATYPES)
            raise MessageError(sentence.format(name=tensor.name, known=known, datatype=tensor.datatype))
        dtype = np.dtype(DATATYPES[tensor.datatype])
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            found[tensor.name] = _from_list(tensor, dtype)
            continue
        if size != prod(tensor.shape) * dtype.itemsize or size > len(rest):
            raise MessageError(_("The bytes of {name} do not fill its shape.").format(name=tensor.name))
        found[tensor.name] = np.frombuffer(rest[:size], dtype).reshape(tensor.shape)
        rest = rest[size:]
    if len(rest):
        raise MessageError(_("There are {count:,} bytes after the last tensor.").format(count=len(rest)))
    return found


def _from_list(tensor: _Tensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The numbers of a tensor in JSON, flat or in nested lists."""
    try:
        if tensor.data is None:
            raise ValueError("no data")
        return np.array(tensor.data, dtype).reshape(tensor.shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise MessageError(_("The data of {name} do not fill its shape.").format(name=tensor.name)) from error


def _mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    sentence = _("The message is not of the Open Inference Protocol: {place}: {problem}.")
    return sentence.format(place=place or "JSON", problem=first["msg"].lower())
