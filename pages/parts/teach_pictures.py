"""The reader's own classes and their pictures, and those to be judged: kept in the session and nowhere else."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

import inception
from inception.paths import SAMPLES
from inception.runtime.image import MAX_BYTES
from inception.training.features import NEW, samples, small_copy
from inception.training.head import LEAST_CLASSES
from inception.vision.faces import picture_name
from inception.words import N_, _, current, in_every_language, ngettext
from pages.parts import address, shelf
from pages.parts.journal import note_refusal
from pages.parts.pictures import SHOT, arrived, release
from pages.parts.shots import file_title, is_shot, picture_title, shot_name
from pages.parts.streamlit_words import say_limit

MOST_CLASSES = 6
MOST_PICTURES = 20  # of a class
MOST_NEW = 12
MOST_LETTERS = 40  # of a name
THUMBNAIL = 48  # pixels on the screen
PART, ABOUT = "teach", "about"  # on the shelf: whose pictures these are, and the file that says what they show
NOTHING = N_("none of them: a cat")  # of the samples to be judged
# The samples' names as `samples` reads them off the files. They are translated where they are shown.
SAMPLE_NAMES = (
    N_("fish"),
    N_("angelfish"),
    N_("boarfish"),
    N_("perch"),
    N_("puffer"),
    N_("sea bream"),
    N_("cichlid"),
    N_("hammer"),
    N_("dead blow"),
    N_("medieval"),
    N_("on blue"),
    N_("sledgehammer"),
    N_("workshop"),
    N_("old hammer"),
    N_("windmill"),
    N_("chesterton"),
    N_("khokhlovka"),
    N_("kinderdijk"),
    N_("rhodes"),
    N_("schillingstedt"),
    N_("smock mill"),
)


@dataclass(frozen=True)
class Taught:
    """A class of the reader's."""

    key: int  # stays when the name changes
    pictures: dict[str, bytes]  # encoded, by name
    given: str  # marked: what it is called, with a {number} or none, until the reader names it
    number: int = 0
    typed: str = ""  # by the reader

    @property
    def name(self) -> str:
        """As the reader sees it: what was typed, else the given name in the reader's language."""
        return self.typed or _(self.given).format(number=self.number)


@st.cache_resource(show_spinner=False)
def sample_classes() -> list[Taught]:
    """What the page opens on."""
    folders = {name: files for name, files in samples().items() if name != NEW}
    return [
        Taught(key, {title: path.read_bytes() for title, path in files.items()}, name)
        for key, (name, files) in enumerate(folders.items())
    ]


@st.cache_resource(show_spinner=False)
def sample_new() -> dict[str, bytes]:
    """Pictures to be judged, the last of which shows none of the sample classes."""
    files = samples()[NEW] | {NOTHING: SAMPLES / "cat.jpg"}
    return {name: path.read_bytes() for name, path in files.items()}


def classes() -> list[Taught]:
    """The classes of this session."""
    found: list[Taught] = st.session_state.setdefault("teach_classes", list(sample_classes()))
    return found


def new_pictures() -> dict[str, bytes]:
    """The reader's pictures to be judged, the latest first, and then the samples."""
    own: dict[str, bytes] = st.session_state.setdefault("teach_new", {})
    return {name: own[name] for name in reversed(own)} | sample_new()


def shown_title(title: str, data: bytes) -> str:
    """The name of a picture as the reader sees it: a sample's is translated, the reader's own stays."""
    samples_here = (sample_new(), *(one.pictures for one in sample_classes()))
    return _(title) if any(pictures.get(title) is data for pictures in samples_here) else picture_title(title)


def clean(name: str) -> str:
    """A name of a class or file as it can be shown anywhere: anyone may have written it, Markdown too."""
    return " ".join(re.sub(r"[^\w.-]", " ", name).split())[:MOST_LETTERS]


# Streamlit holds on to the callbacks of widgets that are gone, so these get the key of a class and not the class.
def change(key: int, to: Callable[[Taught], Taught]) -> None:
    """Puts another class in the place of one."""
    st.session_state["teach_classes"] = [to(one) if one.key == key else one for one in classes()]


def add_class() -> None:
    """An empty class after the others."""
    key = 1 + max(one.key for one in classes())
    st.session_state["teach_classes"] = [*classes(), numbered(key)]


def numbered(key: int) -> Taught:
    """An empty class with a number that gives it a name of its own."""
    names = {one.name for one in classes()}
    every = (Taught(key, {}, N_("class {number}"), number) for number in range(1, MOST_CLASSES + 2))
    return next(one for one in every if one.name not in names)


def start_own() -> None:
    """Two empty classes instead of all that are there."""
    key = 1 + max(one.key for one in classes())
    st.session_state["teach_classes"] = []
    for number in range(2):
        st.session_state["teach_classes"] = [*classes(), numbered(key + number)]
    st.session_state["teach_problems"] = []


def forget_pictures() -> None:
    """Drops everything that the reader brought; the samples are back."""
    for key in ("teach_classes", "teach_new", "teach_problems", "teach_picture"):
        st.session_state.pop(key, None)
    shelf.drop(PART)
    st.session_state["teach_widget"] = st.session_state.get("teach_widget", 0) + 1


def keep_over_reload() -> None:
    """Keeps what the reader brought for the same browser, and takes it back after a reload; the address names it."""
    own: dict[str, bytes] = st.session_state.setdefault("teach_new", {})
    asked = address.asked("taught")
    if asked and classes() == sample_classes() and not own and (found := shelf.take(asked, PART)):
        about = json.loads(found.pop(ABOUT))
        st.session_state["teach_classes"] = [
            Taught(key, {title: found[f"{key}/{title}"] for title in titles}, given, number, typed)
            for key, given, number, typed, titles in about["classes"]
        ]
        own.update({title: found[f"{NEW}/{title}"] for title in about[NEW]})
    mark = ""
    if own or classes() != sample_classes():
        told = [(one.key, one.given, one.number, one.typed, list(one.pictures)) for one in classes()]
        about = json.dumps({"classes": told, NEW: list(own)}).encode()
        pictures = {f"{one.key}/{title}": data for one in classes() for title, data in one.pictures.items()}
        shelf.keep(pictures | {f"{NEW}/{title}": data for title, data in own.items()} | {ABOUT: about}, PART)
        mark = shelf.mark(about)
    st.session_state["teach_taught"] = mark

    def read(text: str) -> str:
        if text != mark:
            raise ValueError(text)
        return mark

    address.bind("taught", "", read, str, key="teach_taught", sorry=_gone)


def _gone(_asked: str, _shown: str) -> str:
    """Why the classes of a link are not here."""
    return _(
        "**The pictures of this link are not here.** What readers teach the network is kept in the server's memory for "
        "the browser that brought it, for an hour at most, and shown to nobody else. Bring the pictures again; until "
        "then you see the sample classes."
    )


def class_cards() -> None:
    """A card for each class with its name and pictures, and what brings more."""
    here = classes()
    for problem in st.session_state.get("teach_problems", []):
        st.error(problem, icon=":material/broken_image:")
    for start in range(0, len(here), 3):
        for column, one in zip(st.columns(3, gap="small"), here[start : start + 3], strict=False):
            with column, st.container(border=True, height="stretch"):
                card(one, removable=len(here) > LEAST_CLASSES)
    with st.container(horizontal=True):
        st.button(_("Add a class"), icon=":material/add:", on_click=add_class, disabled=len(here) >= MOST_CLASSES)
        st.button(_("Start with empty classes"), icon=":material/restart_alt:", on_click=start_own)
    camera(here)


def card(one: Taught, removable: bool) -> None:
    """One class: its name, its pictures, and what changes them."""

    def rename() -> None:
        name = clean(st.session_state[name_key])
        change(one_key, lambda found: replace(found, typed=name or found.typed))

    def empty() -> None:
        change(one_key, lambda found: replace(found, pictures={}))

    def remove() -> None:
        st.session_state["teach_classes"] = [found for found in classes() if found.key != one_key]

    def drop(name: str) -> None:
        rest = {title: data for title, data in pictures_of(one_key).items() if title != name}
        change(one_key, lambda found: replace(found, pictures=rest))

    one_key = one.key
    name_key = f"teach_name_{one_key}_{current()}"  # a box of its own for each language, as names can be translated
    titles = {title: shown_title(title, data) for title, data in one.pictures.items()}
    st.text_input(_("Name of the class"), one.name, key=name_key, max_chars=MOST_LETTERS, on_change=rename)
    with st.container(horizontal=True, gap="xsmall"):
        for title, data in one.pictures.items():
            st.image(data, width=THUMBNAIL, alt=titles[title])
    count = len(one.pictures)
    counted = ngettext("{count} picture", "{count} pictures", count).format(count=count)
    st.caption(counted if count else _("No pictures yet: five are enough."))
    key = f"teach_files_{one_key}_{st.session_state.get('teach_widget', 0)}"
    say_limit(key, MAX_BYTES >> 20)
    st.file_uploader(
        _("Pictures of {name}").format(name=one.name),
        accept_multiple_files=True,
        key=key,
        on_change=take,
        args=(key, one_key),
        max_upload_size=MAX_BYTES >> 20,
        label_visibility="collapsed",
    )
    with st.popover(_("Remove…"), icon=":material/delete:", width="stretch"):
        for name, title in titles.items():
            st.button(title, key=f"teach_drop_{one_key}_{name}", on_click=drop, args=(name,), width="stretch")
        st.button(_("All its pictures"), key=f"teach_empty_{one_key}", on_click=empty, disabled=not titles)
        st.button(_("The whole class"), key=f"teach_remove_{one_key}", on_click=remove, disabled=not removable)


def camera(here: list[Taught]) -> None:
    """One camera for all classes; the browser asks for it only when it is turned on."""
    if st.toggle(_("Use the camera"), key="teach_camera", help=_("Browsers allow it by https or from this machine.")):
        names = {one.key: one.name for one in here}
        chosen = st.pills(
            _("The next shot shows"), list(names), format_func=names.__getitem__, default=here[0].key, required=True
        )
        key = f"teach_shot_{st.session_state.get('teach_widget', 0)}"
        st.camera_input(
            _("Camera"), label_visibility="collapsed", key=key, on_change=take, args=(key, chosen), resolution=SHOT
        )


def pictures_of(key: int | None) -> dict[str, bytes]:
    """The pictures of a class, or, without a key, the reader's own to be judged."""
    if key is None:
        own: dict[str, bytes] = st.session_state.setdefault("teach_new", {})
        return own
    return next((one.pictures for one in classes() if one.key == key), {})


def take(key: str, class_key: int | None) -> None:
    """Moves what a widget took in into a class, or to the pictures to be judged, and says what was left out and why."""
    uploads = arrived(key)
    if not uploads:  # the widget also calls this when its files were released
        return
    most = MOST_NEW if class_key is None else MOST_PICTURES
    pictures, found, too_many = dict(pictures_of(class_key)), [], []
    offered = {name for sample in sample_new() for name in in_every_language(sample)} if class_key is None else set()
    with st.spinner(_("Decoding…")):
        for upload in uploads:
            name = clean(file_title(upload.name))
            if len(pictures) >= most:
                too_many.append(name)
                continue
            try:
                data = small_copy(upload.getvalue())
            except inception.ImageError as error:
                note_refusal(error)
                found.append(_("{file}: {error} The other pictures stay.").format(file=name, error=error))
                continue
            if data in pictures.values():
                sentence = _("{file} is here already, so it was left out: twice the same picture would flatter.")
                found.append(sentence.format(file=name))
            else:
                shot = is_shot(upload.name)
                name = shot_name(pictures) if shot else picture_name(name, offered | set(pictures))
                pictures[name] = data
    if too_many:
        sentence = _("There is room for {most} pictures; left out: {files}.")
        found.append(sentence.format(most=most, files=_(", ").join(too_many)))
    for upload in uploads:
        release(upload)
    if class_key is None:
        st.session_state["teach_new"] = pictures
        if pictures:
            st.session_state["teach_picture"] = list(pictures)[-1]
    else:
        change(class_key, lambda one: replace(one, pictures=pictures))
    st.session_state["teach_problems"] = found
    st.session_state["teach_widget"] = st.session_state.get("teach_widget", 0) + 1
