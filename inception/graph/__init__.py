"""The trace of a network, and the table that it makes."""
