"""The words on uploaders, cameras, fields and menus that Streamlit has in English only, in the session's language.

Streamlit lets an app set none of them, so style hides each and puts ours in its place, which screen readers read too.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from inception import words
from inception.words import N_, _


class Said(NamedTuple):
    """Words of Streamlit's."""

    box: str  # in which they stand, as a CSS selector
    hidden: str  # what of it is hidden; empty where they are no element of their own
    sentence: str  # ours, marked and not yet translated


DROPZONE = "[data-testid=stFileUploaderDropzone]"
CAMERA = "[data-testid=stCameraInput]"
WORDS = (
    Said(f"{DROPZONE} button [data-testid=stMarkdownContainer]", "p", N_("Upload")),
    Said(f"{DROPZONE} > input:not([multiple]) + div:not([data-testid])", "span", N_("Drop the file here")),
    Said(f"{DROPZONE} > input[multiple] + div:not([data-testid])", "span", N_("Drop the files here")),
    Said(f"{CAMERA}:not(:has(img)) [data-testid=stCameraInputButton]", "", N_("Take the picture")),
    Said(f"{CAMERA}:has(img) [data-testid=stCameraInputButton]", "", N_("Take another one")),
    Said(".stTextInput [data-testid=InputInstructions]", "span:first-child", N_("Enter to apply")),
    Said(".stNumberInput [data-testid=InputInstructions]", "span:first-child", N_("Enter to apply")),
    Said(".stTextArea [data-testid=InputInstructions]", "span:first-child", N_("Ctrl+Enter to apply")),
    Said("[data-testid=stMainMenuItem-theme-System]", "", N_("As the system")),
    Said("[data-testid=stMainMenuItem-theme-Light]", "", N_("Light")),
    Said("[data-testid=stMainMenuItem-theme-Dark]", "", N_("Dark")),
    Said("[data-testid=stMainMenuItem-print] [data-testid=stMainMenuItemLabel]", "", N_("Print")),
    Said(
        "[data-testid=stMainMenuItem-recordScreencast] [data-testid=stMainMenuItemLabel]", "", N_("Record the screen")
    ),
    Said("[data-testid=stMainMenuPopover] span:has(+ .stMenuVersionCopyButton)", "", N_("Made with Streamlit")),
    Said("[data-testid=stStatusWidget] button [data-testid=stMarkdownContainer]", "p", N_("Stop")),
    Said("[role=listbox][data-empty] > [role=option]", "span", N_("No results")),
    Said("[role=option][data-key=__creatable__] > div", "", N_("Take what is written")),
)


def say_streamlits_words() -> None:
    """Puts ours in the place of Streamlit's words on this page; in English these stay."""
    if words.current() != words.ENGLISH:
        st.html(f"<style>{''.join(_rules(box, hidden, _(sentence)) for box, hidden, sentence in WORDS)}</style>")


def say_limit(key: str, megabytes: int, types: Sequence[str] = ()) -> None:
    """Says what the uploader with this key takes, which Streamlit says as "20MB per file"."""
    if words.current() != words.ENGLISH:
        limit = _("At most {most} MB each").format(most=megabytes)
        known = _(", ").join(type.upper() for type in types)
        sentence = _("{limit}: {known}").format(limit=limit, known=known) if types else limit
        name = re.sub(r"[^a-zA-Z0-9_-]", "-", key)  # as Streamlit makes a class of a key
        box = f".st-key-{name} [data-testid=stFileUploaderDropzoneInstructions] > div"
        st.html(f"<style>{_rules(box, 'span', sentence)}</style>")


def _rules(box: str, hidden: str, sentence: str) -> str:
    """Rules of style that show a sentence in place of what a box says."""
    hide = f"{box} > {hidden} {{ display: none; }}" if hidden else f"{box} {{ font-size: 0; }}"
    text = json.dumps(sentence, ensure_ascii=False).replace("<", r"\3c ")
    return f"{hide} {box}::after {{ content: {text}; {'' if hidden else 'font-size: 1rem;'} }} "
