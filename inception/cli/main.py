"""The command line: `python -m inception COMMAND`, or the installed command.

Exit status: 0 on success; 2 for bad input or an output that cannot be written, with one sentence on standard error;
130 after Ctrl-C and 141 when the reader of a pipe leaves early, as shells count them.
A command is a function whose parameters are its arguments and options; it writes, or returns the text to be written.
Its module is imported only when it is called, so that --help does not wait for what the commands need.
What people read is in the language of --lang or of the environment; what programs read, CSV and JSON, is in English.
"""

import io
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from ..errors import InceptionError
from ..version import DISTRIBUTION, __version__
from ..words import N_, _, current, speaking
from .help import OPTIONS, HelpFormatter
from .language import of_environment, without_language
from .mistakes import mistake
from .output import UsageError, write


class Command(NamedTuple):
    """Where the function of a command is, and what its help says before the options."""

    module: str
    summary: str
    more: str = ""


COMMANDS = {
    "models": Command("networks", N_("List every model with its input size in pixels, its parameters and its GMACs.")),
    "table": Command("networks", N_("Write the layer table of a model.")),
    "compare": Command("networks", N_("Compare models side by side, stage by stage.")),
    "summary": Command("networks", N_("Write torchinfo's own summary of a model.")),
    "diagram": Command("diagrams", N_("Draw a model, or one of its blocks.")),
    "factorize": Command("networks", N_("Say what 1xk followed by kx1 saves, in a model or for any channels.")),
    "bottleneck": Command("networks", N_("Say what a 1x1 saves before a kxk, in a model or for any channels.")),
    "predict": Command(
        "vision",
        N_("Say what pictures show, by a model with weights."),
        N_(
            "As JSON, one entry a picture: file, model, weights, device, milliseconds of the second run, and the top "
            "classes."
        ),
    ),
    "similarity": Command(
        "vision",
        N_("Say how far apart two faces are, and with trained weights whether they are the same person."),
        N_(
            "The largest face that is found in each picture is cut out, with a margin, and stretched to the model's "
            "size. The embeddings are compared by Euclidean distance and cosine."
        ),
    ),
    "cell": Command(
        "cell",
        N_("Take one number of a layer apart into the sum of products that it is."),
        N_(
            "As JSON: the channels that give most to the sum, what the rest gives, and each step from the sum to the "
            "network's own activation: bias, batch norm, ReLU. Channels, rows and columns count from 0."
        ),
    ),
    "maps": Command(
        "maps",
        N_("Measure which maps of where a network looks tell most."),
        N_(
            "Every method on the project's photographs that the networks which come with it name rightly: how many "
            "answers change when the most important fifth of the pixels is hidden, and how soon the answer is back "
            "when pixels come in their order of importance. It takes about a quarter of an hour. Standard error says "
            "how far it is."
        ),
    ),
    "train": Command(
        "training",
        N_("Train a network on CIFAR-10, or on a folder of your own pictures, and measure it."),
        N_(
            "On CIFAR-10 a run that was stopped goes on where its last epoch ended; on your own pictures it writes "
            "nothing before its end, and starts again. Standard error says how far it is."
        ),
    ),
    "evaluate": Command(
        "training",
        N_("Measure networks on CIFAR-10's 10,000 test pictures."),
        N_(
            "One entry a checkpoint: model, weights, pictures, accuracy, top-3 accuracy and expected calibration error."
        ),
    ),
    "race": Command(
        "training",
        N_("Train the small networks that the page Training race compares."),
        N_("What an earlier run has trained is not trained again. Standard error says how far it is."),
    ),
    "app": Command("app", N_("Serve the app to a browser."), N_("It is served until it is stopped.")),
    "serve": Command(
        "serve",
        N_("Start the engine that runs networks for the app, in processes of their own (Ray Serve)."),
        N_(
            "The app uses it where INCEPTION_ENGINE_URL names its address. It speaks the Open Inference Protocol. It "
            "is served until it is stopped."
        ),
    ),
    "batch": Command(
        "serve",
        N_("Run a network on a folder of pictures, a million if need be (Ray Data), into one Parquet file."),
        N_(
            "A run that was stopped goes on where it stopped. Files that are no pictures have a row that says why. "
            "Standard error says how far it is."
        ),
    ),
    "settings": Command("settings", N_("List the settings: environment variables, their values and what they mean.")),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    program = DISTRIBUTION if Path(sys.argv[0]).stem == DISTRIBUTION else "python -m inception"
    with speaking(of_environment()):
        try:
            arguments, language = without_language(arguments)
        except UsageError as error:
            return _fail(program, str(error))
        with speaking(language or current()):
            return _run(program, arguments)


def _run(program: str, arguments: Sequence[str]) -> int:
    shown = io.StringIO()  # by --help and --version
    try:
        if not arguments:
            raise UsageError(_("name a COMMAND; {program} --help lists them").format(program=program))
        text: str | None = make_app(program, shown)(arguments)
        write((text or re.sub(" +$", "", shown.getvalue(), flags=re.MULTILINE)).encode())
    except BrokenPipeError:
        return 141
    except KeyboardInterrupt:
        return 130
    except CycloptsError as error:
        help = " ".join([program, *(error.command_chain or ()), "--help"])
        return _fail(program, _("{problem}; see {help}").format(problem=mistake(error), help=help))
    except InceptionError as error:
        return _fail(program, str(error))
    return 0


def make_app(program: str, shown: io.StringIO) -> App:
    """The command line under a name; --help and --version are written to `shown`."""
    app = App(
        name=program,
        help=_("Inception-v4, Inception-ResNet-v1 and -v2 from the inside."),
        version=f"{DISTRIBUTION} {__version__}",
        default_parameter=Parameter(negative=(), show_default=lambda value: None if value is False else value),
        group_parameters=OPTIONS,
        console=Console(file=shown, width=min(120, shutil.get_terminal_size().columns)),
        help_format="plaintext",
        help_formatter=HelpFormatter(),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name, command in COMMANDS.items():
        help = "\n\n".join(_(text) for text in (command.summary, command.more) if text)
        app.command(f"{__package__}.{command.module}:{name}", name=name, help=help)
    return app


def _fail(program: str, sentence: str) -> int:
    print(f"{program}: {' '.join(sentence.split())}", file=sys.stderr)
    return 2
