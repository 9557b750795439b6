"""The command `settings`."""

import pandas as pd

from ..settings import described_settings
from .options import STDOUT, TableOutput


def settings(*, to: TableOutput = STDOUT) -> None:
    """List what environment variables set: name, value now, default, what they take, and meaning."""
    to.write(pd.DataFrame(described_settings()), "Settings")
