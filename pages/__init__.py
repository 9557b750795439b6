"""The pages of the app, one a file, in the frame that app.py gives them.

Until `st.navigation` has run once in a server, Streamlit takes a folder of this name for its old kind of multi-page
app: a link straight to a page would then open it without its frame. So the first import turns that off and reruns.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

if PagesManager.uses_pages_directory:
    PagesManager.uses_pages_directory = False
    st.rerun()
