"""Files that are written whole or not at all."""

import secrets
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; whoever reads it meanwhile gets the old content."""
    temporary = path.with_name(f".inception-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
