"""What we claim about speed, as commands: every row is a ratio of two medians measured in one run."""
