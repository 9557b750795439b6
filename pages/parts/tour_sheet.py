"""The tour on paper: a summary with one's own answers, and a worksheet without or with the right ones.

HTML has a print style sheet of its own. PDF is drawn by Matplotlib, which comes with Captum, in the font that the
project brings, so that Chinese prints on every machine.
"""

from contextlib import suppress
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Literal

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from PIL import Image

from inception import words
from inception.paths import ASSETS, FONT
from inception.text import wrapped
from inception.vision.cell_html import uri
from inception.weights.checkpoint_error import CheckpointError
from inception.words import N_, _
from pages.parts.tour_progress import Answers
from pages.parts.tour_question import AnswerError, Asked, Choice, Judged, Place
from pages.parts.tour_steps import STEPS
from pages.parts.tour_view import asked

Kind = Literal["summary", "worksheet", "key"]
TITLES: dict[Kind, str] = {
    "summary": N_("The tour of Inception: my answers"),
    "worksheet": N_("The tour of Inception: worksheet"),
    "key": N_("The tour of Inception: worksheet with answers"),
}
A4 = 8.27, 11.69  # inches
TOP, LEFT, BOTTOM = 0.94, 0.1, 0.07  # shares of a sheet
LINE = 88  # letters; a Chinese character takes two
PICTURE = 0.16  # share of the height of a sheet
STYLE = (ASSETS / "tour_sheet.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Entry:
    """One question of a sheet."""

    heading: str
    prompt: str
    options: tuple[str, ...]  # to tick; empty where something is written or pointed at
    picture: Image.Image | None
    own: str  # what the reader answered; empty where nothing
    judged: Judged | None  # of it
    truth: str


def entries(answers: Answers) -> list[Entry]:
    """All questions that can be computed on this server, with the reader's answers."""
    found = []
    for number, step in enumerate(STEPS, 1):
        with suppress(CheckpointError):
            found.append(_entry(number, step.title, asked(step.id), answers.get(step.id)))
    return found


def _entry(number: int, title: str, question: Asked, answer: str | None) -> Entry:
    judged, own = None, ""
    if answer is not None:
        with suppress(AnswerError):
            judged, own = question.judge(answer), question.written(answer)
    return Entry(
        _("{number}. {title}").format(number=number, title=_(title)),
        question.prompt,
        tuple(option.text for option in question.options) if isinstance(question, Choice) else (),
        question.picture if isinstance(question, Place) else None,
        own,
        judged,
        question.says,
    )


def sheet_html(found: list[Entry], kind: Kind) -> str:
    """A sheet as one HTML file that prints well."""
    title = escape(_(TITLES[kind]))
    parts = [
        f"<section><h2>{escape(one.heading)}</h2><p>{escape(one.prompt)}</p>{_below(one, kind)}</section>"
        for one in found
    ]
    return (
        f'<!doctype html><html lang="{words.current()}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1>{''.join(parts)}</body></html>"
    )


def _below(one: Entry, kind: Kind) -> str:
    """What stands below a prompt: what to fill in, or what was answered, and what is true."""
    text = ""
    if one.picture is not None:
        text += f'<p><img src="{uri(one.picture.resize((480, 480)), "jpeg")}" alt=""></p>'
    if kind == "summary":
        own = _("My answer: {answer}").format(answer=one.own or _("not answered"))
        text += f'<p class="own">{escape(own)}</p>'
        if one.judged and not one.judged.right:
            text += f'<p class="wrong">{escape(one.judged.why)}</p>'
    elif one.options:
        text += f"<ul>{''.join(f'<li>{escape(option)}</li>' for option in one.options)}</ul>"
    elif one.picture is None:
        text += '<p class="line"></p>'
    if kind != "worksheet":
        text += f'<p class="truth">{escape(one.truth)}</p>'
    return text


def sheet_pdf(found: list[Entry], kind: Kind) -> bytes:
    """A sheet as a PDF of A4 pages."""
    file = BytesIO()
    with PdfPages(file) as pages:
        sheet = _Sheet(pages)
        sheet.text(_(TITLES[kind]), 16)
        for one in found:
            sheet.room(
                0.05
                + 0.02 * (len(wrapped(one.prompt, LINE)) + len(one.options) + 2)
                + (PICTURE if one.picture is not None else 0)
            )
            sheet.down(0.018)
            sheet.text(one.heading, 12)
            sheet.text(one.prompt)
            if one.picture is not None:
                sheet.picture(one.picture)
            if kind == "summary":
                sheet.text(_("My answer: {answer}").format(answer=one.own or _("not answered")))
                if one.judged and not one.judged.right:
                    sheet.text(one.judged.why, color="#a04000")
            else:
                for option in one.options:
                    sheet.text(option, box=True)
                if not one.options and one.picture is None:
                    sheet.text("_" * 40)
            if kind != "worksheet":
                sheet.text(one.truth, color="#00694c")
        sheet.close()
    return file.getvalue()


class _Sheet:
    """Text from the top of a page to its bottom, and on over as many pages as it takes."""

    def __init__(self, pages: PdfPages):
        self.pages = pages
        self.font = FontProperties(fname=str(FONT))
        self.figure, self.y = Figure(A4), TOP

    def text(self, text: str, points: float = 10, color: str = "#111111", box: bool = False) -> None:
        """A paragraph. box: with a square to tick before it."""
        font = self.font.copy()
        font.set_size(points)
        height = points * 1.45 / 72 / A4[1]
        for place, line in enumerate(wrapped(text, int(LINE * 10 / points) - 3 * box)):
            self.room(height)
            self.down(height)
            if box and not place:
                side = points / 72
                square = Rectangle((LEFT, self.y), side / A4[0], side / A4[1], fill=False, linewidth=0.8)
                self.figure.add_artist(square)
            self.figure.text(LEFT + 0.03 * box, self.y, line.replace("$", r"\$"), fontproperties=font, color=color)

    def picture(self, picture: Image.Image) -> None:
        """A small picture."""
        self.room(PICTURE + 0.01)
        self.down(PICTURE + 0.01)
        width = PICTURE * A4[1] / A4[0]
        axes = self.figure.add_axes((LEFT, self.y, width, PICTURE))
        axes.imshow(picture)
        axes.set_axis_off()

    def room(self, height: float) -> None:
        """Begins a new page where so much does not fit any more."""
        if self.y - height < BOTTOM:
            self.close()
            self.figure, self.y = Figure(A4), TOP

    def down(self, height: float) -> None:
        """Moves down by a share of the page."""
        self.y -= height

    def close(self) -> None:
        """Writes the page."""
        self.pages.savefig(self.figure)
