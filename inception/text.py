"""Shapes, counts and numbers as readers see them."""


def scaled(number: int, unit: str = "") -> str:
    """A whole number for a reader in a hurry: 12,345,678 as 12.35 M, with a unit as 12.35 MB."""
    for factor, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= factor:
            return f"{number / factor:,.2f} {prefix}{unit}"
    return f"{number} {unit}".rstrip()


def counted(number: int, one: str) -> str:
    """A number of things, as "1 row" or "2 rows". one: the word for one of them."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def and_list(items: list[str]) -> str:
    """Items in a sentence: "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def shape_text(sizes: tuple[int, ...]) -> str:
    """Sizes as the table writes them: 192x35x35."""
    return "x".join(map(str, sizes))
