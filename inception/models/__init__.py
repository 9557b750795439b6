"""The networks, a file a family, and what they are made of."""
