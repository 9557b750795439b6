"""The frame of the app: page configuration, navigation and the controls that all pages share."""

import os
from pathlib import Path

# Before anything loads torch: threads that spin while they wait make inference on a busy server ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import streamlit as st

from pages import widgets

st.set_page_config(page_title="Inception explorer", page_icon="assets/icon.png", layout="wide")

page = st.navigation(
    [
        st.Page("pages/atlas.py", title="Atlas", icon=":material/map:", default=True),
        st.Page("pages/layers.py", title="Layers", icon=":material/table_rows:"),
        st.Page("pages/blocks.py", title="Blocks", icon=":material/account_tree:"),
        st.Page("pages/factorisation.py", title="Factorised convolutions", icon=":material/call_split:"),
        st.Page("pages/residual_scale.py", title="Residual scale", icon=":material/balance:"),
        st.Page("pages/differences.py", title="Paper, code, blogs", icon=":material/difference:"),
        st.Page("pages/zoo.py", title="Zoo", icon=":material/pets:"),
        st.Page("pages/live.py", title="Live inference", icon=":material/photo_camera:"),
    ]
)
st.html(Path("assets/style.css"))
widgets.network_controls(page.url_path)
page.run()
