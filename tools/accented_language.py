"""Writes a language for tests, accented English: `python -m tools.accented_language FOLDER`.

Every marked sentence becomes "Évéry márkéd sénténcé", a third longer, as other languages are: what stays without
accents on a page is not marked, and what the longer text pushes over an edge has too little room. The folder can take
the place of inception/locale (`inception.words.LOCALE`).
"""

import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from inception.paths import LOCALE
from inception.words import DOMAIN

CODE = "en_XA"  # Unicode's code for such a language
ACCENTS = str.maketrans("aceinouyACEINOUY", "áçéíñóúýÁÇÉÍÑÓÚÝ")
# What is no word: placeholders, names in backquotes, formulas, addresses, icons, marks of HTML, %d.
KEPT = re.compile(r"(\{[^}]*\}|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|:[a-z]+/\w+:|<[^>]*>|&\w+;|%\w)")
LONGER = 3  # one vowel in so many is doubled


def accented(sentence: str) -> str:
    """The sentence with accents, and longer."""
    parts = KEPT.split(sentence)
    return "".join(part if place % 2 else _longer(part.translate(ACCENTS)) for place, part in enumerate(parts))


def _longer(text: str) -> str:
    vowels = iter(range(len(text)))
    return re.sub("[áéíóú]", lambda vowel: vowel[0] * (1 + (next(vowels) % LONGER == 0)), text)


def write_accented(folder: Path) -> None:
    """Writes the catalogue, a file in a folder of its own, into a folder of languages."""
    with next(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")).open("rb") as known:
        messages = [message for message in read_po(known) if message.id]
    catalog = Catalog(locale=CODE, fuzzy=False)
    for message in messages:
        forms = (message.id,) if isinstance(message.id, str) else message.id
        said = tuple(map(accented, forms))
        catalog.add(message.id, said[0] if isinstance(message.id, str) else said)
    target = folder / CODE / "LC_MESSAGES" / f"{DOMAIN}.po"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_po(file, catalog)


if __name__ == "__main__":
    write_accented(Path(sys.argv[1]))
