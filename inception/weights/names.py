"""Renames the entries of our networks as other implementations call them, by the table that a network carries."""

from collections.abc import Iterable, Mapping


def renamed(keys: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Others' keys of these entries of a state dict, mapped to ours. Keys without a path in the table stay.

    names: as of `Network`, paths of our modules to theirs; the longest path with which a key begins counts.
    """
    return {rename(key, names): key for key in keys}


def rename(key: str, names: Mapping[str, str]) -> str:
    """One key of ours as others call it; the key itself if no path in the table begins it."""
    path = key
    while path:
        if path in names:
            return names[path] + key[len(path) :]
        path = path.rpartition(".")[0]
    return key
