"""Figures of what a page has at hand: plotly, in the colours of the diagrams."""
