"""The reader's pictures: uploads, the camera and samples, kept in the session from page to page."""

from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

import inception
from inception.paths import SAMPLES as SAMPLES_FOLDER
from inception.runtime.image import MAX_BYTES
from inception.settings import settings

# The cat first: every network here that names anything knows it.
SAMPLES = {
    path.stem: path for path in sorted(SAMPLES_FOLDER.glob("*.jpg"), key=lambda path: (path.stem != "cat", path))
}
UPLOAD = "your picture: "


def choose_picture(inviting: bool) -> bytes:
    """Controls for bringing and choosing a picture; the encoded picture that is chosen on all pages.

    inviting: whether what brings pictures lies open.
    """
    closed = partial(st.popover, "Your own pictures", icon=":material/add_photo_alternate:", width="stretch")
    with st.container() if inviting else closed():
        taken = st.session_state.get("pictures_taken", 0)
        key = f"picture_files_{taken}"
        st.file_uploader(
            "Your pictures",
            accept_multiple_files=True,
            key=key,
            on_change=_take,
            args=(key,),
            max_upload_size=MAX_BYTES >> 20,
            help="JPEG, PNG, WebP, GIF, BMP or TIFF. They stay in this session; the last "
            f"{settings().uploads} are kept.",
        )
        if st.toggle("Use the camera", key="camera_on"):
            key = f"picture_shot_{taken}"
            st.camera_input("Camera", label_visibility="collapsed", key=key, on_change=_take, args=(key,))
            st.caption("Without a camera, or where the browser may not use it, upload a picture instead.")
        for problem in problems("picture_problems"):
            st.error(problem, icon=":material/broken_image:")
    pictures = all_pictures()
    options = list(pictures)
    if st.session_state.get("picture") not in options:
        st.session_state.pop("picture", None)  # of an upload that is gone
    choice = st.selectbox(
        "Picture",
        options,
        format_func=lambda option: option.replace("_", " ") if option in SAMPLES else option,
        key="picture",
        bind="query-params",
    )
    return pictures[choice]()


def all_pictures() -> dict[str, Callable[[], bytes]]:
    """Uploads and samples by the names they are offered under, and what reads each."""
    return {
        **{UPLOAD + name: partial(uploads().__getitem__, name) for name in reversed(uploads())},
        **{name: path.read_bytes for name, path in SAMPLES.items()},
    }


def uploads() -> dict[str, bytes]:
    """What this session has brought, by name: encoded pictures that could be read, the latest last."""
    kept: dict[str, bytes] = st.session_state.setdefault("uploads", {})
    return kept


def arrived(key: str) -> list[UploadedFile]:
    """What a widget has taken in, without the files that were released."""
    value = st.session_state[key]
    files = value if isinstance(value, list) else [value] if value else []
    return [file for file in files if isinstance(file, UploadedFile)]


def release(file: UploadedFile) -> None:
    """Drops the file that Streamlit keeps for a widget: the session has what it needs of it."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def problems(name: str) -> list[str]:
    """The sentences about the last files that are kept under a name."""
    kept: list[str] = st.session_state.setdefault(name, [])
    return kept


def _take(key: str) -> None:
    """Moves what a widget took in into the session, which says in a sentence what of it cannot be read."""
    files = arrived(key)
    if not files:  # the widget also calls this when its files were released
        return
    problems("picture_problems").clear()
    for file in files:
        try:
            with st.spinner("Decoding…"):
                inception.load_image(file.getvalue())
        except inception.ImageError as error:
            problems("picture_problems").append(f"{file.name}: {error} The other pictures stay.")
        else:
            _keep(file.name, file.getvalue())
        release(file)
    st.session_state["pictures_taken"] = st.session_state.get("pictures_taken", 0) + 1


def _keep(name: str, data: bytes) -> None:
    """Keeps a picture and shows it; another one of the same name gets a number, as cameras repeat theirs."""
    kept, most = uploads(), settings().uploads
    numbered = (name, *(f"{name} ({number})" for number in range(2, most + 2)))
    name = next(free for free in numbered if kept.get(free, data) == data)
    kept.pop(name, None)
    kept[name] = data
    st.session_state["picture"] = UPLOAD + name
    while len(kept) > most:
        kept.pop(next(iter(kept)))
