"""`inception` comes first: it sets how OpenMP waits before anything loads torch."""
