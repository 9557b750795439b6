"""The language that the command line speaks."""

import os
from collections.abc import Sequence

from ..words import ENGLISH, _, codes, languages, match
from .output import UsageError

OPTION = "--lang"
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # as POSIX asks them: the first that is set decides


def of_environment() -> str:
    """What the environment asks for; English where it asks for nothing that there is."""
    return match(next((value for name in VARIABLES if (value := os.environ.get(name))), None)) or ENGLISH


def without_language(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without `--lang CODE`, which may stand before or after a command, and its language.

    The language is None where there is no such option. Raises UsageError for one that there is not.
    """
    if not any(argument.partition("=")[0] == OPTION for argument in arguments):
        return list(arguments), None
    left: list[str] = []
    wanted: str | None = None
    following = iter(arguments)
    for argument in following:
        name, equals, value = argument.partition("=")
        if name == OPTION:
            wanted = value if equals else next(following, "")
        else:
            left.append(argument)
            if argument == "--":  # what follows are no options
                left += following
    if wanted is not None and not (language := match(wanted)):
        known = ", ".join(f"{code} ({languages()[code]})" for code in codes().values())
        if not wanted:
            raise UsageError(_("{option} needs a language: {known}").format(option=OPTION, known=known))
        raise UsageError(_("there is no language {wanted!r}; there are {known}").format(wanted=wanted, known=known))
    return left, language if wanted is not None else None
