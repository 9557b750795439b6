"""What `python -m inception app` runs: Streamlit as its own command starts it, but for one question that it asks.

Where a page of another site wants in, Streamlit asks a host on the internet for this server's address, to compare the
two. Here nobody is asked, and such a page stays outside.
"""

from streamlit import net_util
from streamlit.web.cli import main

if __name__ == "__main__":
    net_util.get_external_ip = lambda: None
    main()
