"""The frame of the app: page configuration, navigation and the controls that all pages share."""

import streamlit as st
from starlette.formparsers import MultiPartParser

from inception.paths import ASSETS
from inception.runtime.image import MAX_BYTES
from inception.words import _
from pages.parts import frame
from pages.parts.page_list import HOME, by_group

# Streamlit takes uploads apart with Starlette, which would put those above 1 MB into a temporary file on the disk:
# pictures stay in memory.
MultiPartParser.spool_max_size = MAX_BYTES + 2**20

st.set_page_config(page_title=_("Inside Inception"), page_icon=ASSETS / "mark.svg", layout="wide")

menu = {
    _(group): [
        st.Page(page.path, title=_(page.title), icon=f":material/{page.icon}:", default=page is HOME)
        for page in entries
    ]
    for group, entries in by_group().items()
}
chosen = st.navigation(menu, expanded=True)
st.html(ASSETS / "style.css")
st.html(ASSETS / "print.css")
if st.context.is_embedded:  # ?embed=true, as slides do
    st.html(ASSETS / "bare.css")
dark = st.context.theme.type == "dark"
st.logo(ASSETS / ("name_dark.svg" if dark else "name_light.svg"), size="large", icon_image=ASSETS / "mark.svg")
frame.run(chosen)
