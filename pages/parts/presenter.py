"""In class: one figure at a time in large type, and what a teacher's link hides."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

import streamlit as st

from inception.paths import ASSETS
from inception.words import N_, _
from pages.parts import address, components
from pages.parts.page_list import PAGES, PageEntry
from pages.parts.qr import qr_code

# What a link can hide, and the containers that hold it (classes of Streamlit, by their keys and kinds).
HIDEABLE = {
    "menu": (N_("Menu"), '[data-testid="stSidebarNav"]'),
    "network": (N_("Network"), ".st-key-shared_network"),
    "size": (N_("Input size"), ".st-key-shared_size"),
    "language": (N_("Language"), ".st-key-shared_language"),
    "picture": (N_("Picture"), ".st-key-chosen_picture"),
    "weights": (N_("Weights"), ".st-key-chosen_weights"),
    "downloads": (N_("Downloads"), '[class*="st-key-export_"], .stDownloadButton'),
    "tables": (N_("Tables"), '.stDataFrame, [class*="st-key-same_table_"]'),
    "findings": (N_("Findings"), ".st-key-finding"),
}

LOCAL = ("localhost", "127.0.0.1", "::1")


def class_link(url: str, query: Mapping[str, str], hidden: Sequence[str] = (), shown_as: str = "page") -> str:
    """The address of a page in a state, which hides what is named. shown_as: page, present or embed."""
    asked = {name: value for name, value in query.items() if name not in ("hide", "present")}
    asked |= {"hide": ",".join(hidden)} if hidden else {}
    asked |= {} if shown_as == "page" else {shown_as: "true"}
    whole = urlsplit(url)
    return whole._replace(query=urlencode(asked, safe=","), fragment="").geturl()


def is_local(link: str) -> bool:
    """Whether only this computer can open it."""
    return urlsplit(link).hostname in LOCAL


def follow(page: PageEntry) -> None:
    """Does what the address says of the class: presents, and hides what the link names."""
    hidden = st.session_state[address.several("hide", HIDEABLE)]
    if hidden:
        st.html(f"<style>{', '.join(HIDEABLE[name][1] for name in hidden)} {{ display: none !important; }}</style>")
    if st.session_state[address.switch("present")]:
        st.html(ASSETS / "bare.css")
        st.html(ASSETS / "present.css")
        _steps(page)


def _steps(page: PageEntry) -> None:
    """Next and back, through the figures of a page and on to the next page."""
    components.presenter(
        {"back": _("Back"), "next": _("Next"), "end": _("End the presentation")},
        on_end=lambda: st.session_state.update(present=False),
        on_go=lambda where: st.session_state.update(presenter_goes=where),
    )
    if where := st.session_state.pop("presenter_goes", None):
        pages = list(PAGES.values())
        place = pages.index(page) + (1 if where == "next" else -1)
        if 0 <= place < len(pages):
            st.switch_page(pages[place].path)


def buttons() -> None:
    """In the sidebar: the start of the presentation, and the teacher's link."""
    with st.container(horizontal=True, key="in_class"):
        st.button(
            _("Present"), icon=":material/present_to_all:", on_click=lambda: st.session_state.update(present=True)
        )
        if st.button(_("For the class"), icon=":material/qr_code_2:"):
            _link_dialog()


def _link_dialog() -> None:
    """The dialog with the teacher's link; its title is of the session's language."""

    @st.dialog(_("A link for the class"))
    def dialog() -> None:
        st.markdown(_("It opens what you see now: the page, the network, the picture and every choice."))
        hidden = st.multiselect(
            _("Hide"), list(HIDEABLE), format_func=lambda name: _(HIDEABLE[name][0]), placeholder=_("Nothing")
        )
        shown_as = st.segmented_control(
            _("Opens as"),
            ["page", "present", "embed"],
            default="page",
            required=True,
            format_func={"page": _("page"), "present": _("presentation"), "embed": _("part of a slide")}.__getitem__,
        )
        link = class_link(str(st.context.url), address.query(), hidden, str(shown_as))
        qr_code(link, _("QR code of the link"))
        st.code(link, language=None, wrap_lines=True)
        if is_local(link):
            st.caption(
                _("Only this computer can open this address. Open the app by the computer's name in the network.")
            )

    dialog()
