"""Checkpoints: which are known, where they lie, how they are read and downloaded."""
