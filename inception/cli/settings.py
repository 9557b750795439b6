"""The command `settings`."""

import pandas as pd

from ..settings import described_settings
from ..words import ENGLISH, _, current, speaking
from .options import STDOUT, TableOutput


def settings(*, to: TableOutput = STDOUT) -> None:
    """List the settings: environment variables, their values and what they mean."""
    with speaking(current() if to.is_read else ENGLISH):
        described = pd.DataFrame(described_settings())
    to.write(described, _("Settings"))
