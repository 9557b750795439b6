"""What `python -m inception app` runs: Streamlit as its own command starts it, but for one question that it asks.

Where a page of another site wants in, Streamlit asks a host on the internet for this server's address, to compare the
two. Here nobody is asked, and such a page stays outside.

While it waits for visitors, the server gets ready for them.
"""

import threading
from time import sleep

from streamlit import net_util, runtime
from streamlit.web.cli import main


def get_ready() -> None:
    """Begins once Streamlit runs: before, it would not know our components, nor find this module."""
    while not runtime.exists():
        sleep(0.1)
    from pages.parts import warming

    warming.get_ready(warming.all_steps())


if __name__ == "__main__":
    net_util.get_external_ip = lambda: None
    threading.Thread(target=get_ready, daemon=True).start()
    main()
