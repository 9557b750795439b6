"""The pictures of faces that a session compares; on all pages networks that embed get picture and crop from here."""

from collections.abc import Callable

import streamlit as st
from PIL import Image, ImageEnhance, ImageOps

import inception
from inception.paths import FACE_SAMPLES, PHOTOGRAPHS, SAMPLES
from inception.runtime.crop import Box, Crop
from inception.vision.faces import FacePicture, face_picture
from inception.vision.maps import png_bytes
from inception.words import N_, _, in_every_language
from pages.parts import address
from pages.parts.box_picker import within
from pages.parts.kept import kept
from pages.parts.shots import picture_title

CHOSEN = "face"  # in the session: the name of the picture that is looked at


@st.cache_resource(show_spinner=False)
def sample_faces() -> tuple[FacePicture, ...]:
    """What there is before the reader brings pictures: one face, the same once more, others, several and none.

    Their names are marked; `shown_name` gives them as the reader sees them.
    """
    astronaut = inception.load_image(SAMPLES / "astronaut.jpg")
    pictures: dict[str, Image.Image] = {
        N_("Collins"): astronaut,
        N_("Collins, darker"): ImageEnhance.Brightness(ImageOps.mirror(astronaut)).enhance(0.55),
        N_("Hopper"): inception.load_image(FACE_SAMPLES / "grace_hopper.jpg"),
        N_("Giunchedi"): inception.load_image(FACE_SAMPLES / "filippo_giunchedi.jpg"),
        N_("photographer"): inception.load_image(SAMPLES / "photographer.jpg"),
        N_("musicians"): inception.load_image(PHOTOGRAPHS / "other" / "mariachi.jpg"),
        N_("cat"): inception.load_image(SAMPLES / "cat.jpg"),
    }
    return tuple(face_picture(image, name) for name, image in pictures.items())


# Pictures never go into st.cache_data or st.cache_resource, which all sessions share.
def faces() -> list[FacePicture]:
    """The pictures of this session."""
    if "faces" not in st.session_state:
        with st.spinner(_("Looking for faces…")):
            st.session_state["faces"] = list(sample_faces())
    pictures: list[FacePicture] = st.session_state["faces"]
    return pictures


def shown_name(name: str) -> str:
    """The name of a picture as the reader sees it: a sample's is translated, the reader's own stays."""
    return _(name) if any(name == face.name for face in sample_faces()) else picture_title(name)


def sample_names() -> set[str]:
    """The samples' names in every language, which no picture of a reader's may have."""
    return {name for face in sample_faces() for name in in_every_language(face.name)}


def choose_picture_of(pictures: list[FacePicture], label: str) -> FacePicture:
    """A list of pictures to choose one from, which stays chosen on all pages."""
    by_name = {picture.name: picture for picture in pictures}
    shown = {name: shown_name(name) for name in by_name}
    key = address.choice(CHOSEN, by_name, code=face_code, sorry=_gone)
    return by_name[st.selectbox(label, list(by_name), format_func=shown.__getitem__, key=key)]


def face_code(name: str) -> str:
    """What stands for a picture in the address: of a reader's own not the name."""
    names = [face.name for face in faces()]
    return address.slug(name) if name in {face.name for face in sample_faces()} else f"own-{names.index(name) + 1}"


# Streamlit holds on to the callbacks of widgets that are gone, so these get the name of a picture and not the picture.
def change(name: str, changed: Callable[[FacePicture], FacePicture]) -> None:
    """Gives a picture another crop."""
    st.session_state["faces"] = [changed(face) if face.name == name else face for face in faces()]


def crop_in_address(face: FacePicture, margins: list[Box]) -> FacePicture:
    """A sample with the crop that a link names, which it keeps; the address says its crop.

    margins: of the faces found. Of the reader's own pictures links bring none back, so their crops stay here too.
    """
    if face.name not in {sample.name for sample in sample_faces()}:
        return face

    def read(text: str) -> Box:
        left, top, right, bottom = map(int, text.split(","))
        box = left, top, right, bottom
        if within(box, face.image.size) != box:
            raise ValueError(text)
        return box

    def write(box: Box | None) -> str:
        return ",".join(f"{edge:.0f}" for edge in box or ())

    found = {write(box): number for number, box in reversed(list(enumerate(margins)))}
    key = f"face_crop_{face.name}"
    now = face.crop.box if face.crop and face.crop.box not in margins[:1] else None
    st.session_state[key] = now
    asked = address.bind("face_box", None, read, write, key=key)
    if write(asked) == write(now):
        return face
    if asked is None and not margins:
        face = next(sample for sample in sample_faces() if sample.name == face.name)
    elif asked is None or write(asked) in found:
        face = face.with_found(found[write(asked)] if asked else 0)
    else:
        face = face.with_box(asked)
    change(face.name, lambda _before: face)
    return face


def _gone(asked: str, shown: str) -> str:
    """Why a picture of a link is not here."""
    if asked.startswith("own-"):
        sentence = _(
            "**The faces of this link are not here.** Pictures of faces that readers bring stay in their session: "
            "they are gone when the page is opened anew, and shown to nobody else. Bring them again on the page "
            "Faces; until then you see **{shown}**."
        )
    else:
        sentence = _("There is no picture of a face called {asked}. Shown instead: **{shown}**.")
    return sentence.format(asked=asked, shown=shown)


def cropped_faces() -> list[FacePicture]:
    """Those in which a face was found or drawn."""
    return [picture for picture in faces() if picture.crop]


def choose_face() -> tuple[bytes, Image.Image, Crop]:
    """One of the pictures with a crop, encoded and decoded; where there is none a sentence ends the page."""
    pictures = cropped_faces()
    if not pictures:
        st.info(_("This network looks at faces. Bring a picture of one on the page Faces."), icon=":material/face:")
        st.stop()
    chosen = choose_picture_of(pictures, _("Face"))
    st.caption(_("Pictures and crops are those of the page Faces, where you can bring your own."))
    assert chosen.crop  # or it would not be one of them
    data = kept("face_file", hash(chosen.image.tobytes()), lambda: png_bytes(chosen.image, quick=True))
    return data, chosen.image, chosen.crop.stretched
