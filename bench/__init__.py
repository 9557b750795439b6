"""What we claim about speed, as commands: every row is a ratio of two medians measured in one run."""

import inception as inception  # before torch: it sets how OpenMP waits
