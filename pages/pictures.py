"""The reader's pictures: uploads, the camera and samples, kept in the session from page to page."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

import inception
from inception.vision.image import MAX_BYTES

# The cat first: every network here that names anything knows it.
SAMPLES = {
    path.stem: path
    for path in sorted(Path("assets/samples").glob("*.jpg"), key=lambda path: (path.stem != "cat", path))
}
MOST = 8  # uploads of a session; with at most 20 MB each, what a reader can make the server hold
UPLOAD = "your picture: "


def choose_picture(inviting: bool) -> bytes:
    """Controls for bringing and choosing a picture; the encoded picture that is chosen on all pages.

    inviting: whether what brings pictures lies open.
    """
    closed = partial(st.popover, "Your own pictures", icon=":material/add_photo_alternate:", width="stretch")
    with st.container() if inviting else closed():
        files = st.file_uploader(
            "Your pictures",
            accept_multiple_files=True,
            max_upload_size=MAX_BYTES >> 20,
            help=f"JPEG, PNG, WebP, GIF, BMP or TIFF. They stay in this session; the last {MOST} are kept.",
        )
        problems = _take(files)
        if st.toggle("Use the camera", key="camera_on"):
            shot = st.camera_input("Camera", label_visibility="collapsed")
            problems += _take([shot] if shot else [])
            st.caption("Without a camera, or where the browser may not use it, upload a picture instead.")
        for problem in problems:
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


def _take(files: Iterable[UploadedFile]) -> list[str]:
    """Keeps the new ones of the files that can be read; one sentence for each that cannot."""
    seen: set[str] = st.session_state.setdefault("files_seen", set())
    problems = []
    for file in files:
        try:
            if file.file_id not in seen:
                inception.load_image(file.getvalue())
        except inception.ImageError as error:
            problems.append(f"{file.name}: {error} The other pictures stay.")
            continue
        if file.file_id in seen:
            continue
        seen.add(file.file_id)
        uploads().pop(file.name, None)
        uploads()[file.name] = file.getvalue()
        st.session_state["picture"] = UPLOAD + file.name
        while len(uploads()) > MOST:
            uploads().pop(next(iter(uploads())))
    return problems
