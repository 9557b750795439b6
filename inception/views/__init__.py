"""Views of a traced network: diagrams, charts, explanations, files."""
