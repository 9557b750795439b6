"""The command `settings`."""

import pandas as pd

from ..settings import described_settings
from .options import STDOUT, TableOutput


def settings(*, to: TableOutput = STDOUT) -> None:
    """List the settings: environment variables, their values and what they mean."""
    to.write(pd.DataFrame(described_settings()), "Settings")
