"""The frame of the app: page configuration, navigation and the controls that all pages share."""

import streamlit as st
from starlette.formparsers import MultiPartParser

from inception.paths import ASSETS
from inception.runtime.image import MAX_BYTES
from inception.runtime.turns import OutOfMemory
from pages.parts import frame

# Streamlit takes uploads apart with Starlette, which would put those above 1 MB into a temporary file on the disk:
# pictures stay in memory.
MultiPartParser.spool_max_size = MAX_BYTES + 2**20

st.set_page_config(page_title="Inception explorer", page_icon=ASSETS / "icon.png", layout="wide")

on_picture = [
    st.Page("pages/live.py", title="Live inference", icon=":material/photo_camera:"),
    st.Page("pages/inside.py", title="Through the network", icon=":material/layers:"),
    st.Page("pages/looks.py", title="Where it looks", icon=":material/visibility:"),
    st.Page("pages/cell.py", title="What a cell sees", icon=":material/filter_center_focus:"),
    st.Page("pages/faces.py", title="Faces", icon=":material/face:"),
    st.Page("pages/speed.py", title="Speed", icon=":material/timer:"),
]
page = st.navigation(
    {
        "The networks": [
            st.Page("pages/atlas.py", title="Atlas", icon=":material/map:", default=True),
            st.Page("pages/layers.py", title="Layers", icon=":material/table_rows:"),
            st.Page("pages/blocks.py", title="Blocks", icon=":material/account_tree:"),
            st.Page("pages/differences.py", title="Paper, code, blogs", icon=":material/difference:"),
            st.Page("pages/zoo.py", title="Zoo", icon=":material/pets:"),
        ],
        "Laboratories": [
            st.Page("pages/factorisation.py", title="Factorised convolutions", icon=":material/call_split:"),
            st.Page("pages/residual_scale.py", title="Residual scale", icon=":material/balance:"),
            st.Page("pages/race.py", title="Training race", icon=":material/flag:"),
        ],
        "On your picture": on_picture,
    },
    expanded=True,
)
st.html(ASSETS / "style.css")
own_sizes = {"residual_scale": "small, to be quick"} | {
    each.url_path: "as the weights were trained" for each in on_picture
}
frame.network_controls(page.url_path, own_sizes.get(page.url_path, ""))
try:
    page.run()
except OutOfMemory as error:  # wherever a page did not expect it
    st.error(str(error), icon=":material/memory:")
