"""The devices of this machine, and the number formats that they compute in."""

import sys

import torch
import torch.nn.functional as F

from ..errors import InputError
from ..settings import settings
from ..words import N_, _
from .turns import OutOfMemory, is_out_of_memory

SWITCH = 0.0005  # seconds that a thread of Python goes on while others want to


def devices() -> list[str]:
    """The kinds of devices that PyTorch finds on this machine; cpu always comes first."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return ["cpu", *(device for device, available in found.items() if available)]


def use_threads() -> None:
    """Lets PyTorch compute with the number of threads that the setting `threads` names, if it names one.

    And lets a pass get on while others draw pages: after each layer it waits until Python's thread of the moment hands
    over, by default 5 ms. Beside four threads that drew, a small network ran 4 times a second instead of 19.

    The app and the commands that run networks call it; in a notebook, `torch.set_num_threads` is the reader's own.
    Raises SettingsError.
    """
    sys.setswitchinterval(SWITCH)
    threads = settings().threads
    if threads is not None:
        torch.set_num_threads(threads)


DEVICES = ("cpu", "cuda", "mps")
NO_DEVICE = N_("The device must be cpu, cuda or mps, not {device}.")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class DeviceError(InputError):
    """A device or engine that is not there or cannot compute in a dtype, in one sentence."""


def check_device(device: str | torch.device, dtype: torch.dtype) -> torch.device:
    """The device, if it is there and computes in `dtype`; raises DeviceError otherwise."""
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(_(NO_DEVICE).format(device=repr(device))) from error
    if found.type not in DEVICES:
        raise DeviceError(_(NO_DEVICE).format(device=found))
    if dtype not in DTYPES.values():
        sentence = _("The dtype must be float32, bfloat16 or float16, not {dtype}.")
        raise DeviceError(sentence.format(dtype=dtype_name(dtype)))
    if found.type not in devices() or (found.index or 0) >= torch.get_device_module(found).device_count():
        raise DeviceError(_("PyTorch finds no {device} device on this machine.").format(device=found))
    try:
        one = torch.ones(1, 1, 3, 3, device=found, dtype=dtype)
        F.conv2d(one, one).item()
    except (RuntimeError, TypeError) as error:
        if is_out_of_memory(error):
            raise OutOfMemory(_("There is too little memory on {device}.").format(device=found)) from error
        sentence = _("{device} cannot compute in {dtype} here.")
        raise DeviceError(sentence.format(device=found, dtype=dtype_name(dtype))) from error
    return found


def dtype_name(dtype: torch.dtype) -> str:
    """torch.float32 as float32."""
    return str(dtype).removeprefix("torch.")
