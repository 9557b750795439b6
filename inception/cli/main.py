"""The command line: `python -m inception COMMAND`, or the installed command.

Exit status: 0 on success; 2 for bad input or an output that cannot be written, with one sentence on standard error;
130 after Ctrl-C and 141 when the reader of a pipe leaves early, as shells count them.
A command is a function whose parameters are its arguments and options; it writes, or returns the text to be written.
Its module is imported only when it is called, so that --help does not wait for what the commands need.
"""

import io
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError, Parameter
from cyclopts.help import DefaultFormatter, PanelSpec
from rich.box import Box
from rich.console import Console

from ..errors import InceptionError
from ..version import DISTRIBUTION, __version__
from .output import UsageError, write

NO_FRAME = Box("    \n" * 8)  # around the parts of the help: blanks
COMMANDS = {
    "models": ("networks", "List every model with its input size in pixels, its parameters and its GMACs."),
    "table": ("networks", "Write the layer table of a model."),
    "compare": ("networks", "Compare models side by side, stage by stage."),
    "summary": ("networks", "Write torchinfo's own summary of a model."),
    "diagram": ("diagrams", "Draw a model, or one of its blocks."),
    "factorize": ("networks", "Say what 1xk followed by kx1 saves, in a model or for any channels."),
    "predict": ("vision", "Say what pictures show, by a model with weights."),
    "similarity": (
        "vision",
        "Say how far apart two faces are, and with trained weights whether they are the same person.",
    ),
    "maps": ("maps", "Measure which maps of where a network looks tell most."),
    "train": ("training", "Train a network on CIFAR-10, or on a folder of your own pictures, and measure it."),
    "evaluate": ("training", "Measure networks on CIFAR-10's 10,000 test pictures."),
    "race": ("training", "Train the small networks that the page Training race compares."),
    "app": ("app", "Serve the app to a browser."),
    "settings": ("settings", "List the settings: environment variables, their values and what they mean."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    program = DISTRIBUTION if Path(sys.argv[0]).stem == DISTRIBUTION else "python -m inception"
    shown = io.StringIO()  # by --help and --version
    try:
        if not arguments:
            raise UsageError(f"name a COMMAND; {program} --help lists them")
        text: str | None = make_app(program, shown, called=arguments[0])(arguments)
        write((text or re.sub(" +$", "", shown.getvalue(), flags=re.MULTILINE)).encode())
    except BrokenPipeError:
        return 141
    except KeyboardInterrupt:
        return 130
    except CycloptsError as error:
        help = " ".join([program, *(error.command_chain or ()), "--help"])
        return _fail(program, f"{_sentence(error)}; see {help}")
    except InceptionError as error:
        return _fail(program, str(error))
    return 0


def make_app(program: str, shown: io.StringIO, called: str = "") -> App:
    """The command line under a name; --help and --version are written to `shown`.

    called: the command that will be called. It describes itself, whereas all others are described by `COMMANDS`.
    """
    app = App(
        name=program,
        help="Inception-v4, Inception-ResNet-v1 and -v2 from the inside.",
        version=f"{DISTRIBUTION} {__version__}",
        default_parameter=Parameter(negative=(), show_default=lambda value: None if value is False else value),
        group_parameters="Options",
        console=Console(file=shown, width=min(120, shutil.get_terminal_size().columns)),
        help_formatter=DefaultFormatter(panel_spec=PanelSpec(box=NO_FRAME)),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name, (module, help) in COMMANDS.items():
        app.command(f"{__package__}.{module}:{name}", name=name, help=None if name == called else help)
    return app


def _sentence(error: CycloptsError) -> str:
    """What cyclopts says in several sentences as one, without the list of commands, which --help has."""
    text = str(error).partition(" Available commands:")[0]
    parts = re.split(r"(?<=[.?]) (?=[A-Z])", text)
    return "; ".join(part[:1].lower() + part[1:].removesuffix(".") for part in parts)


def _fail(program: str, sentence: str) -> int:
    print(f"{program}: {' '.join(sentence.split())}", file=sys.stderr)
    return 2
