"""Figures of a head in training: its curves, what few pictures do, and what of the network is frozen."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.training.head import CurvePoint, Step
from inception.views.kinds import LINEAR, OTHER, POINTWISE, SQUARE
from inception.words import N_, _

LEARNT, LEFT_OUT, SHUFFLED = N_("learnt from"), N_("left out"), N_("left out, names dealt at random")
ABOVE = {"orientation": "h", "x": 0, "y": 1.12, "yanchor": "bottom"}  # a legend above the titles of panels
GUESSING = {"dash": "dot", "width": 1, "color": "gray"}


def lesson_figure(steps: Sequence[Step], last: int, chance: float) -> go.Figure:
    """Loss and accuracy step by step, of the pictures that were learnt from and of those left out, up to step `last`.

    chance: the accuracy of guessing.
    """
    figure = make_subplots(rows=1, cols=2, subplot_titles=[_("Loss, nats"), _("Accuracy")], horizontal_spacing=0.2)
    panels = (("loss", "left_out_loss", ".2f"), ("accuracy", "left_out_accuracy", ".0%"))
    for column, (known, others, format) in enumerate(panels, 1):
        for field, name, color, dash in (
            (known, LEARNT, SQUARE.color, "solid"),
            (others, LEFT_OUT, LINEAR.color, "dash"),
        ):
            line = go.Scatter(
                x=[step.number for step in steps],
                y=[getattr(step, field) for step in steps],
                name=_(name),
                legendgroup=name,
                showlegend=column == 1,
                mode="lines",
                line={"color": color, "dash": dash, "width": 3},
                hovertemplate=_("step {number}: {value}").format(number="%{x}", value=f"%{{y:{format}}}"),
            )
            figure.add_trace(line, row=1, col=column)
    figure.add_hline(y=chance, line=GUESSING, row=1, col=2)
    figure.update_xaxes(title=_("Step"), range=[0, last], fixedrange=True)
    figure.update_yaxes(fixedrange=True, rangemode="tozero")
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%", row=1, col=2)
    return figure.update_layout(height=330, margin={"t": 40, "b": 8, "l": 8, "r": 12}, legend=ABOVE, dragmode=False)


def curve_figure(points: Sequence[CurvePoint], shuffled: Sequence[CurvePoint], chance: float) -> go.Figure:
    """Accuracy by the number of pictures of each class, with the worst and the best draw; both of `learning_curve`."""
    sizes = [point.pictures for point in points]
    hover = _("{count} of each class: {share}").format(count="%{x}", share="%{y:.0%}")
    figure = go.Figure()
    figure.add_scatter(
        x=sizes,
        y=[point.learnt for point in points],
        name=_(LEARNT),
        mode="lines+markers",
        line={"color": SQUARE.color, "width": 3},
        hovertemplate=hover,
    )
    figure.add_scatter(
        x=sizes,
        y=[point.left_out for point in points],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.left_out for point in points],
            "arrayminus": [point.left_out - point.low for point in points],
            "thickness": 1,
        },
        name=_(LEFT_OUT),
        mode="lines+markers",
        line={"color": LINEAR.color, "dash": "dash", "width": 3},
        hovertemplate=hover,
    )
    figure.add_scatter(
        x=sizes,
        y=[point.left_out for point in shuffled],
        name=_(SHUFFLED),
        mode="lines+markers",
        line={"color": OTHER.color, "dash": "dot", "width": 2},
        hovertemplate=hover,
    )
    figure.add_hline(y=chance, line=GUESSING)
    figure.update_xaxes(title=_("Pictures of each class that it learnt from"), tickvals=sizes, fixedrange=True)
    figure.update_yaxes(title=_("Accuracy"), range=[0, 1.04], tickformat=".0%", fixedrange=True)
    return figure.update_layout(height=330, margin={"t": 10, "b": 8, "l": 8, "r": 12}, legend=ABOVE, dragmode=False)


def frozen_html(picture: str, network: str, frozen: int, features: int, learnt: int, names: Sequence[str]) -> str:
    """The way of a picture through frozen network and head as boxes, and how many numbers each has as a bar."""
    boxes = (
        ("transparent", _("Your picture"), picture),
        (
            POINTWISE.tint,
            _("{network}, frozen").format(network=escape(network)),
            _("{frozen:,} numbers, none of them changes").format(frozen=frozen),
        ),
        ("transparent", _("Its features"), _("{features:,} numbers for each picture").format(features=features)),
        (
            LINEAR.tint,
            _("Your head, trained"),
            _("{classes} × ({features:,} + 1) = {learnt:,} numbers").format(
                classes=len(names), features=features, learnt=learnt
            ),
        ),
        ("transparent", _("Your classes"), escape(_(", ").join(names))),
    )
    drawn = '<span style="align-self:center">→</span>'.join(
        f'<div style="flex:1 1 8rem;border:1px solid #8886;border-radius:8px;padding:.5rem .7rem;background:{fill};'
        f'{"color:#1b1b1b" if fill != "transparent" else ""}"><b>{title}</b><br><small>{text}</small></div>'
        for fill, title, text in boxes
    )
    share = 100 * learnt / (frozen + learnt)
    bar = _("{share:.2f} % of all numbers are trained")
    strip = _("{share:.2f} % of all numbers are trained: the narrow strip on the right.")
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:.4rem">{drawn}</div>'
        '<div style="display:flex;height:.7rem;margin-top:.7rem" role="img" '
        f'aria-label="{escape(bar.format(share=share))}">'
        f'<div style="flex:1;background:{POINTWISE.color}"></div>'
        f'<div style="width:max(4px,{share:.3f}%);background:{LINEAR.color}"></div></div>'
        f"<small>{strip.format(share=share)}</small>"
    )
