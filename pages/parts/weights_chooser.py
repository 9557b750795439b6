"""Which weights a network runs with: those of this server, a download, or the reader's own file."""

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import streamlit as st
from cachetools import FIFOCache

import inception
from inception.files import FileError
from inception.runtime.devices import devices
from inception.runtime.pool import networks
from inception.runtime.predictor import PictureNetwork, Predictor
from inception.text import running_text
from inception.weights.checkpoint import CheckpointError
from inception.weights.choice import UNTRAINED, WeightsChoice, WeightsKind
from inception.weights.download import Download, last_download
from inception.weights.known import known_weights, weights_folder
from inception.weights.labels import read_labels
from inception.weights.reading import MAX_BYTES
from inception.words import N_, _, ngettext
from inception.zoo import available_weights, check_weights, fetch_weights
from pages.parts import address
from pages.parts.journal import note_refusal
from pages.parts.kept import forget
from pages.parts.literal import literal
from pages.parts.streamlit_words import say_limit
from pages.parts.waiting import waiting


@contextmanager
def uploaded_file(data: bytes | memoryview, name: str) -> Iterator[Path]:
    """A file that nobody else can read, with the content and about the name of an upload, until the block ends.

    Raises CheckpointError when it is too large or there is no room for it.
    """
    name = re.sub(r"[^\w.-]+", "_", name).strip(".")[-60:] or "upload"
    if len(data) > MAX_BYTES:
        raise CheckpointError(_("{name}: larger than {size:.1f} GB.").format(name=name, size=MAX_BYTES / 1e9))
    with tempfile.TemporaryDirectory(prefix="inception-") as folder:
        path = Path(folder, name)
        try:
            path.write_bytes(data)
        except OSError as error:
            sentence = _("{name}: no room for it on this machine ({reason}).")
            raise CheckpointError(sentence.format(name=name, reason=error.strerror)) from error
        yield path


# MPS is offered on the pages Live inference and Speed, but not taken unasked: it has not always computed rightly.
DEVICE = "cuda" if "cuda" in devices() else "cpu"
OWN_MOST = min(300, MAX_BYTES // 10**6)  # MB of an upload


def choose_weights(name: str, embedding: bool = False) -> WeightsChoice:
    """The weights to run a network with; untrained ones until a known checkpoint has arrived. Goes with `network_with`.

    embedding: whether only those will do with which the network gives embeddings.
    """
    if "bring" in st.session_state:  # a widget's value can only be set before it is drawn
        key, choice = st.session_state.pop("bring")
        st.session_state[key] = choice
    here = [choice for choice in available_weights(name) if not (embedding and choice.num_classes)]
    absent = [
        choice
        for choice in (WeightsChoice.of(tag) for tag, known in known_weights().items() if known.variant == name)
        if choice not in here and not (embedding and choice.num_classes)
    ]
    own = _own()
    fits = own and own.name == name and (own.embeds or not embedding)
    options = [*([own.weights] if own and fits else []), *here, UNTRAINED, *absent]
    key = f"{'embedding' if embedding else 'weights'}_{name}"
    first = here[0] if here else UNTRAINED
    choice = st.selectbox(
        _("Weights"),
        options,
        format_func={option: _option(option, option in absent) for option in options}.__getitem__,
        key=address.choice("weights", options, first, key=key, code=_code, sorry=_not_here),
    )
    if choice.kind in (WeightsKind.PUBLISHED, WeightsKind.BUNDLED) and (known := choice.known):
        host = known.source.partition("//")[2]
        if host:
            sentence = _("From [{address}]({source}), {licence}. {accuracy}.")
        else:
            sentence = _("Described in {source}, {licence}. {accuracy}.")
        st.caption(
            sentence.format(address=host, source=known.source, licence=_(known.licence), accuracy=_(known.accuracy))
        )
        if known.unverifiable and choice in here:
            st.caption(
                _(
                    "Not verified: its publisher's checksum is not known here, so the file is taken for the published "
                    "one by its name."
                ),
                help=_("A known checkpoint with a checksum counts as published only if the file has this checksum."),
            )
    if choice in absent:
        _download(choice.name)
    _bring(name, key)
    return UNTRAINED if choice in absent else choice


def offer_full_weights(name: str) -> None:
    """The button to the published ImageNet weights of a network: it fetches them, or takes them if they are here."""
    tags = [tag for tag, known in known_weights().items() if known.variant == name and known.published]
    tag = next((tag for tag in tags if known_weights()[tag].num_classes), None)
    if tag is None:
        st.caption(_("No weights of the full network that name things are published."))
    elif (choice := WeightsChoice.of(tag)) not in available_weights(name):
        _download(tag)
        known = known_weights()[tag]
        st.caption(_("{title}, {licence}").format(title=_(known.title), licence=_(known.licence)))
    else:
        st.button(
            _("Take the full weights"),
            icon=":material/open_in_full:",
            on_click=lambda: st.session_state.update(bring=(f"weights_{name}", choice)),
        )


def network_with(name: str, weights: WeightsChoice) -> Predictor:
    """The network with the weights that `choose_weights` gave.

    Raises CheckpointError where they do not fit and OutOfMemory where there is no room; the frame shows the sentence.
    """
    if weights.kind is WeightsKind.UPLOAD:
        network = _own()
        if network is None:  # since choose_weights found it
            st.stop()
    else:
        here = networks.ready(name, weights, DEVICE)
        with waiting(_("Building the network and loading its weights…"), here):
            network = networks.predictor(name, weights, DEVICE)
    for remark in network.remarks:
        st.caption(f":material/info: {literal(_(remark))}")
    return network


OWN = "own"  # in the address


def _code(choice: WeightsChoice) -> str:
    """What stands for weights in the address: of a reader's own file not even the name."""
    return OWN if choice.kind is WeightsKind.UPLOAD else choice.label


def _not_here(asked: str, shown: str) -> str:
    """Why weights of a link are not here."""
    if asked == OWN:
        sentence = _(
            "**The weights of this link are a reader's own file**, which only the session that it was brought to "
            "knows. Bring it again under *Your own weights*; until then the network has the weights **{shown}**."
        )
    else:
        sentence = _("This server has no weights called {asked} for this network. Shown instead: **{shown}**.")
    return sentence.format(asked=asked, shown=shown)


def _option(choice: WeightsChoice, absent: bool) -> str:
    """How the list calls it."""
    if absent:
        known = known_weights()[choice.name]
        return _("{title}: not here yet, {size} MB").format(title=_(known.title), size=known.megabytes)
    if choice.kind is WeightsKind.UPLOAD:
        return choice.label
    if not choice.trained:
        return _("Untrained (random)")
    return choice.title if choice.file else _(choice.title)


MADE_ROOM = N_("Your weights made room for those of other readers. Bring the file again to go on with it.")


class _Shelf(FIFOCache[str, Predictor]):
    """Networks of sessions; one that makes room lets go of its weights, also where its session's page has it open."""

    def popitem(self) -> tuple[str, Predictor]:
        """Takes the one out that was brought first."""
        session, network = super().popitem()
        network.let_go(_made_room)
        return session, network


def _made_room() -> PictureNetwork:
    raise CheckpointError(_(MADE_ROOM))


_shelf_lock = threading.Lock()


@st.cache_resource
def _shelf() -> _Shelf:
    """The networks with the weights that readers brought, one for each session; use it under `_shelf_lock`.

    All together have at most as much memory as the pool of networks; the one brought first makes room. The cache takes
    nothing that is larger than itself, so that such a network counts as just filling it.
    """
    limit = networks.limit
    return _Shelf(limit, lambda network: min(network.nbytes, limit))


def _own() -> Predictor | None:
    """The network with what this session brought, unless others' files have taken its room."""
    with _shelf_lock:
        own = _shelf().get(_session())
    if own is None and st.session_state.pop("has_own", False):
        st.info(_(MADE_ROOM))
    return own


def _session() -> str:
    token: str = st.session_state.setdefault("session", uuid4().hex)
    return token


def _bring(name: str, key: str) -> None:
    """Takes a reader's own weights, and the names of the classes that they tell apart."""
    with st.popover(_("Your own weights"), icon=":material/upload_file:", width="stretch"):
        st.caption(
            _(
                "A .safetensors, .pt, .pth or .h5 file with the names of this project, timm, torchvision, "
                "facenet-pytorch, Cadene, TF-Slim or Keras, up to {most} MB. It is read into memory for this session "
                "and not kept. Files in the server's folder {folder}/ appear in the list for everyone."
            ).format(most=OWN_MOST, folder=literal(str(weights_folder())))
        )
        # With another key the uploader, and the server, let go of a file that is loaded.
        count = st.session_state.get("files_brought", 0)
        uploader = f"own_weights_{name}_{count}"
        say_limit(uploader, OWN_MOST)
        file = st.file_uploader(_("Weights file"), max_upload_size=OWN_MOST, label_visibility="collapsed", key=uploader)
        if file is None:
            _name_classes(name)
            return
        try:
            checking = _("Checking {file}…").format(file=literal(file.name))
            with st.spinner(checking), uploaded_file(file.getbuffer(), file.name) as path:
                check_weights(name, path)
                own = Predictor(name, WeightsChoice.upload(file.name, path), DEVICE)
        except inception.CheckpointError as error:
            note_refusal(error)
            stay = _("The weights before stay.")
            st.error(running_text(literal(str(error)), stay), icon=":material/error:")
            return
    with _shelf_lock:
        _shelf()[_session()] = own
    st.session_state["has_own"] = True
    st.session_state["files_brought"] = count + 1
    st.session_state["bring"] = key, own.weights
    st.rerun()


def _name_classes(name: str) -> None:
    """Takes names for the classes of the weights that this session brought for a network."""
    own = _own()
    if own is None or own.name != name or not own.labels:
        return
    label = ngettext("Names of its {count:,} class", "Names of its {count:,} classes", len(own.labels))
    key = f"labels_{own.weights.file}"
    say_limit(key, 1)
    file = st.file_uploader(
        label.format(count=len(own.labels)),
        max_upload_size=1,
        key=key,
        help=_("Text with a name a line, or JSON: a list of names, or an object from index to name."),
    )
    if file is None:
        return
    try:
        labels = list(read_labels(file.getvalue(), file.name, len(own.labels)))
    except FileError as error:
        stay = _("The names before stay.")
        st.error(running_text(literal(str(error)), stay), icon=":material/error:")
        return
    if labels != own.labels:
        own.labels = labels
        forget("classes")
        st.rerun()


def _download(tag: str) -> None:
    """The button that fetches a known checkpoint, and how far it is."""
    running = (download := last_download(tag)) is not None and download.state == "running"

    @st.fragment(run_every=0.5 if running else None)
    def panel() -> None:
        download = last_download(tag)
        if download is not None and download.state == "running":
            _progress(download)
            if st.button(_("Cancel"), icon=":material/cancel:", disabled=download.stopping, key=f"cancel_{tag}"):
                download.cancel()
            return
        if running or (download is not None and download.state == "done"):
            st.rerun()
        if download is not None and download.state == "failed":
            rest = _("Everything else keeps working.")
            st.error(running_text(str(download.error), rest), icon=":material/cloud_off:")
        elif download is not None and download.state == "cancelled":
            st.info(_("The download was cancelled. What has arrived is kept: the next one goes on from there."))
        if st.button(
            _("Download {size} MB").format(size=known_weights()[tag].megabytes),
            icon=":material/download:",
            type="primary",
            key=f"get_{tag}",
        ):
            fetch_weights(tag)
            st.rerun()

    panel()


def _progress(download: Download) -> None:
    done = download.done_bytes / 1e6
    if not download.total_bytes:
        st.progress(0.0, _("Waiting for the server…"))
    elif download.done_bytes >= download.total_bytes:
        st.progress(1.0, _("Everything is here; checking it…"))
    else:
        arrived = _("{done:.0f} of {whole:.0f} MB").format(done=done, whole=download.total_bytes / 1e6)
        st.progress(done * 1e6 / download.total_bytes, arrived)
