"""What is wrong with a command line, in one sentence and in the language of whoever wrote it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import get_args

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from ..words import _


def mistake(error: CycloptsError) -> str:
    """The sentence, without its stop. What nobody foresaw is said in cyclopts' own words, in English."""
    match error:
        case UnknownCommandError():
            word = (error.unused_tokens or [""])[0]
            return _unknown_command(word, error.app or ())
        case UnknownOptionError():
            names = [name for argument in error.argument_collection for name in argument.names]
            return _unknown_option(error.token.keyword or error.token.value, names)
        case MissingArgumentError() if error.argument is not None:
            name = error.keyword or error.argument.name
            sentence = _("{name} needs a value") if name.startswith("-") else _("{name} is missing")
            return sentence.format(name=name)
        case CoercionError() if error.token is not None:
            option, reason = error.token.keyword, _reason(error)
            return _("invalid value for {option}: {reason}").format(option=option, reason=reason) if option else reason
        case UnusedCliTokensError():
            return _("too many arguments: {arguments}").format(arguments=", ".join(error.unused_tokens or ()))
        case RepeatArgumentError():
            return _("{option} is given more than once").format(option=error.token.keyword)
    parts = re.split(r"(?<=[.?]) (?=[A-Z])", str(error))
    return "; ".join(part[:1].lower() + part[1:].removesuffix(".") for part in parts)


def _unknown_command(word: str, names: Iterable[str]) -> str:
    close = get_close_matches(word, [name for name in names if not name.startswith("-")], n=1)
    sentence = _('unknown command "{word}"; did you mean "{close}"?') if close else _('unknown command "{word}"')
    return sentence.format(word=word, close=close[0] if close else "")


def _unknown_option(word: str, names: Iterable[str]) -> str:
    close = get_close_matches(word.partition("=")[0], [name for name in names if name.startswith("--")], n=1)
    sentence = _("unknown option: {word}; did you mean {close}?") if close else _("unknown option: {word}")
    return sentence.format(word=word, close=close[0] if close else "")


def _reason(error: CoercionError) -> str:
    """Why a value cannot be used: what our own code said of it, or that it is none of the choices, or no number."""
    if error.msg is not None:
        return str(error.msg).rstrip(".。")
    value = error.token.value if error.token else ""
    if choices := get_args(error.target_type):
        return _("{value!r} is none of {choices}").format(value=value, choices=", ".join(choices))
    if error.target_type is float:
        return _("{value!r} is not a number").format(value=value)
    if error.target_type is bool:
        return _("it takes no value")
    return _("{value!r} cannot be used").format(value=value)
