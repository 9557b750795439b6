"""The texts that a page shows, as Streamlit sends them: of controls, prose, tables, charts and drawings."""

import json
import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest

# Of Streamlit's messages: what readers see. "content" is an option of pills, "code_text" a formula.
SEEN = {"label", "body", "help", "caption", "placeholder", "options", "content", "delta", "code_text"}
# Of plotly's figures, the same; "x" and "y" are lists of names where they are no numbers.
DRAWN = {"text", "name", "hovertemplate", "hovertext", "texttemplate", "customdata", "ticktext", "ticksuffix", "prefix"}


def shown_texts(app: AppTest) -> Iterator[str]:
    """Every text of the page."""
    for node in app._tree:
        if (message := getattr(node, "proto", None)) is not None:
            yield from texts_of_element(message)


def unexplained(markdown: str) -> str:
    """Prose without the explanations that stand at its terms."""
    text = re.sub(r'<span class="term"[^>]*>(.*?)<span class="tip"[^>]*>[^<]*</span></span>', r"\1", markdown)
    return re.sub("</?em>", "*", re.sub("</?strong>", "**", text))


def texts_of_element(message: Any) -> Iterator[str]:
    """Every text that a message of Streamlit's tells a browser to show; HTML and SVG without their marks."""
    for text in _of_message(type(message).__name__, message):
        yield from _plain(text)


def _of_message(kind: str, message: Any) -> Iterator[str]:
    if kind == "PlotlyChart":
        yield from _of_figure(json.loads(message.spec))
    elif kind == "BidiComponent":
        if not message.json:  # a component without data
            return
        data = json.loads(message.json)
        if message.component_name == "address_bar":  # the rest is the address
            data = data["labels"]
        elif message.component_name in ("into_view", "chart_font"):  # they show nothing
            return
        if message.component_name != "code_view":  # a listing is Python; its label is none
            yield from (str(text) for text in _strings(data))
        elif "label" in data:
            yield data["label"]
    elif kind == "Dataframe":
        table = pa.ipc.open_stream(BytesIO(message.arrow_data.data)).read_pandas()
        columns = json.loads(message.columns)
        order = list(message.column_order) or list(map(str, table.columns))
        for name in order:
            yield str(columns.get(name, {}).get("label") or name)
            if name in table and table[name].dtype == "str":
                yield from map(str, table[name].dropna().unique())
    else:
        yield from _of_fields(message)


def _of_fields(message: Any) -> Iterator[str]:
    for field, value in message.ListFields():
        is_one = isinstance(value, str | bytes | bool | int | float) or hasattr(value, "ListFields")
        for inner in [value] if is_one else value:
            if hasattr(inner, "ListFields"):
                yield from _of_fields(inner)
            elif field.name in SEEN and isinstance(inner, str):
                yield inner


def _of_figure(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in DRAWN or (name in ("x", "y") and isinstance(inner, list)):
                yield from _strings(inner)
            elif name != "template":
                yield from _of_figure(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_figure(inner)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _plain(text: str) -> Iterator[str]:
    """Its pieces between marks of HTML, without style sheets, code, formulas, icons and addresses."""
    # Graphviz names boxes and arrows in titles, after that of the drawing.
    text = re.sub(r"<style.*?</style>|<!--.*?-->|(?<=\">\n)<title>.*?</title>", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|\$[^$]*\$|:[a-z]+/\w+:|\]\([^)]*\)|https?://\S+|%\{[^}]*\}", " ", text)
    text = text.replace("-<br>", "-")
    labels = re.findall(r'(?:aria-label|title|alt)="([^"]*)"', text)
    for piece in (*re.split(r"<[^>]*>|\n", text), *labels):
        if piece.strip():
            yield unescape(piece).strip()
