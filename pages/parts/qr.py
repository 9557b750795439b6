"""A link as a QR code, to be read from the wall by a telephone's camera."""

from html import escape

import segno
import streamlit as st


def qr_svg(link: str, label: str) -> str:
    """The code of a link as SVG, black on white in dark mode too; label: what screen readers say instead."""
    drawn: str = segno.make(link, error="m", micro=False).svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    named = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label)}"'
    return drawn.replace("<svg", named, 1)


def qr_code(link: str, label: str, width: int = 240) -> None:
    """Shows the code of a link, so many pixels wide where there is room."""
    st.image(qr_svg(link, label), width=width, alt=label)
