"""The help, in the language of whoever asks: cyclopts lays it out, and would write it in English."""

from typing import Any

from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel, PanelSpec
from rich.box import Box
from rich.console import Console, ConsoleOptions
from rich.text import Text

from ..words import N_, _
from .language import OPTION

NO_FRAME = Box("    \n" * 8)  # around the parts of the help: blanks
ARGUMENTS = N_("Arguments")
OPTIONS = N_("Options")
COMMANDS = N_("Commands")
# What cyclopts says of its own two options.
OWN = (N_("Display this message and exit."), N_("Display application version."))
LANGUAGE = N_("Language, such as en or zh_CN. By default what LC_ALL, LC_MESSAGES or LANG names.")


class HelpFormatter(DefaultFormatter):
    """Translates every text of the help, and adds the option that all commands have."""

    def __init__(self) -> None:
        super().__init__(panel_spec=PanelSpec(box=NO_FRAME))

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Writes one part of the help."""
        entries = [translated(entry) for entry in panel.entries]
        if entries and panel.title != ARGUMENTS:
            entries.append(HelpEntry(positive_names=(OPTION,), metavar="CODE", description=Text(_(LANGUAGE))))
        super().__call__(console, options, panel.copy(title=_(str(panel.title)), entries=entries))

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Writes how the command is called."""
        console.print(Text(_("Usage: {usage}").format(usage=usage)))


def translated(entry: HelpEntry) -> HelpEntry:
    """One line of the help, with what is added to its text: choices, the default, whether it must be given."""
    texts = [_(entry.description.primary_renderable.plain)]
    if entry.choices:
        texts.append(_("[choices: {choices}]").format(choices=", ".join(entry.choices)))
    if entry.default is not None:
        texts.append(_("[default: {value}]").format(value=entry.default))
    if entry.required:
        texts.append(_("[required]"))
    description = Text(" ".join(text for text in texts if text))
    return entry.copy(description=description, choices=None, default=None, required=False)
