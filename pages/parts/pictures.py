"""The reader's pictures: uploads, the camera and samples, kept in the session from page to page."""

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

import inception
from inception import words
from inception.runtime.image import MAX_BYTES
from inception.settings import settings
from inception.text import and_list
from inception.vision.samples import samples
from inception.words import _
from pages.parts import address, shelf
from pages.parts.decoded import decoded, forget_decoded
from pages.parts.journal import note_refusal
from pages.parts.literal import literal
from pages.parts.sample_picker import choose_sample, sample_note
from pages.parts.shots import file_title, is_shot, picture_title, shot_name
from pages.parts.streamlit_words import say_limit

SAMPLES = samples()  # a cat first: every network here that names anything knows it
TITLES = {name: name.replace("_", " ") for name in SAMPLES}  # marked texts
UPLOAD = "your picture: "  # begins the name of one among the options
OWN = "own-"  # and in the address
MOST = 100  # uploads of a session, as a page runs the network on all of them
NAMED = 3  # pictures of a list in a sentence
# Of a picture from the camera. Without it, it would have as few pixels as its preview: 212 across beside a network that
# takes 299.
SHOT: Final = "720p"


def choose_picture(inviting: bool) -> bytes:
    """Controls for bringing and choosing a picture; the encoded picture that is chosen on all pages.

    inviting: whether what brings pictures lies open.
    """
    closed = partial(st.popover, _("Your own pictures"), icon=":material/add_photo_alternate:", width="stretch")
    with st.container() if inviting else closed():
        taken = st.session_state.get("pictures_taken", 0)
        key = f"picture_files_{taken}"
        say_limit(key, MAX_BYTES >> 20)
        st.file_uploader(
            _("Your pictures"),
            accept_multiple_files=True,
            key=key,
            on_change=_take,
            args=(key,),
            max_upload_size=MAX_BYTES >> 20,
            help=_(
                "JPEG, PNG, WebP, GIF, BMP or TIFF. They stay in this session, which keeps up to {most} pictures and "
                "{size:,.0f} MB."
            ).format(most=MOST, size=room()),
        )
        if st.toggle(_("Use the camera"), key="camera_on"):
            key = f"picture_shot_{taken}"
            st.camera_input(
                _("Camera"), label_visibility="collapsed", key=key, on_change=_take, args=(key,), resolution=SHOT
            )
            st.caption(_("Without a camera, or where the browser may not use it, upload a picture instead."))
        if uploads():
            st.button(_("Forget my pictures"), icon=":material/delete:", on_click=_forget)
    for problem in problems("picture_problems"):
        st.error(problem, icon=":material/broken_image:")
    for note in problems("picture_notes"):
        st.warning(note, icon=":material/inventory_2:")
    if not uploads() and (wanted := address.asked("picture") or "").startswith(OWN):
        uploads().update(shelf.take(wanted.removeprefix(OWN)))
    pictures = all_pictures()
    choice = st.selectbox(
        _("Picture"),
        list(pictures),
        format_func=_shown,
        key=address.choice("picture", pictures, next(iter(SAMPLES)), code=_code, texts=TITLES, sorry=_gone),
    )
    if uploads():
        shelf.keep(uploads())
    if choice in SAMPLES:
        sample_note(SAMPLES[choice])
    choose_sample()
    return pictures[choice]()


def all_pictures() -> dict[str, Callable[[], bytes]]:
    """Uploads and samples by the names they are offered under, and what reads each."""
    return {
        **{UPLOAD + name: partial(uploads().__getitem__, name) for name in reversed(uploads())},
        **{name: sample.path.read_bytes for name, sample in SAMPLES.items()},
    }


def room() -> float:
    """Megabytes of pictures that a session keeps."""
    return settings().uploads / 2**20


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
    """The sentences about the last files that are kept under a name; none once the language has changed."""
    language = words.current()
    if st.session_state.get(f"{name}_language", language) != language:
        st.session_state.pop(name, None)
    st.session_state[f"{name}_language"] = language
    kept: list[str] = st.session_state.setdefault(name, [])
    return kept


def _take(key: str) -> None:
    """Moves what a widget took in into the session, and says in a sentence what of it is not kept and why."""
    files = arrived(key)
    if not files:  # the widget also calls this when its files were released
        return
    unreadable, notes = problems("picture_problems"), problems("picture_notes")
    unreadable.clear()
    notes.clear()
    new: dict[str, bytes] = {}
    left_out: list[str] = []
    for file in files:
        data = file.getvalue()
        try:
            if not _has_room(new, data):
                left_out.append(file.name)
                continue
            with st.spinner(_("Decoding…")):
                decoded(data)
        except inception.ImageError as error:
            note_refusal(error)
            sentence = _("{file}: {reason} The other pictures stay.")
            unreadable.append(sentence.format(file=literal(file_title(file.name)), reason=error))
        else:
            new[_keep(shot_name(uploads()) if is_shot(file.name) else file.name, data)] = data
        finally:
            release(file)
    gone = _make_room()
    if left_out:
        here = len(files) - len(left_out) - len(unreadable)
        sentence = _(
            "**{here} of {count} pictures are here.** A session keeps up to {most} pictures and {size:,.0f} MB, so "
            "there was no room for {names}. Upload those by themselves, and they take the place of the oldest."
        )
        notes.append(sentence.format(here=here, count=len(files), most=MOST, size=room(), names=_some(left_out)))
    if gone:
        sentence = _("To make room for the new pictures, the oldest had to go: {names}.")
        notes.append(sentence.format(names=_some(gone)))
    st.session_state["pictures_taken"] = st.session_state.get("pictures_taken", 0) + 1


def _shown(option: str) -> str:
    """What stands for an option of the list."""
    if option in SAMPLES:
        return SAMPLES[option].title
    name = option.removeprefix(UPLOAD)
    title = picture_title(name)
    return title if title != name else _("your picture: {file}").format(file=name)


def _code(option: str) -> str:
    """What stands for an option in the address: of an upload neither its name nor what it shows."""
    return option if option in SAMPLES else OWN + shelf.mark(uploads()[option.removeprefix(UPLOAD)])


def _gone(asked: str, shown: str) -> str:
    """Why a picture of a link is not here."""
    if asked.startswith(OWN):
        sentence = _(
            "**The picture of this link is not here.** Pictures that readers bring are kept in the server's memory "
            "for the browser that brought them, for an hour at most, and shown to nobody else. Bring it again under "
            "*Your pictures*; until then you see the sample **{shown}**."
        )
    else:
        sentence = _("There is no sample picture called {asked}. Shown instead: **{shown}**.")
    return sentence.format(asked=asked, shown=SAMPLES[shown].title)


def _has_room(new: dict[str, bytes], data: bytes) -> bool:
    """Whether a picture fits in beside those that arrived with it, if all earlier ones go."""
    return len(new) < MOST and _size(new) + len(data) <= settings().uploads


def _keep(name: str, data: bytes) -> str:
    """Keeps a picture and shows it; another one of the same name gets a number, as cameras repeat theirs."""
    kept = uploads()
    numbered = (name, *(f"{name} ({number})" for number in range(2, len(kept) + 3)))
    name = next(free for free in numbered if kept.get(free, data) == data)
    kept.pop(name, None)
    kept[name] = data
    st.session_state["picture"] = UPLOAD + name
    return name


def _make_room() -> list[str]:
    """Drops the oldest pictures until the others fit into what a session keeps; their names."""
    kept, gone = uploads(), []
    while len(kept) > MOST or _size(kept) > settings().uploads:
        gone.append(next(iter(kept)))
        kept.pop(gone[-1])
    return gone


def _size(pictures: dict[str, bytes]) -> int:
    return sum(map(len, pictures.values()))


def _some(names: list[str]) -> str:
    """The first names of a list, without signs that would be markup, and how many more there are."""
    shown = [literal(picture_title(name)) for name in names[:NAMED]]
    more = len(names) - NAMED
    return and_list([*shown, _("{count} more").format(count=more)] if more > 0 else shown)


def _forget() -> None:
    """Drops every picture that the reader brought."""
    uploads().clear()
    shelf.drop()
    forget_decoded()
    for name in ("picture_problems", "picture_notes"):
        problems(name).clear()
