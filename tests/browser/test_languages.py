"""One server, two sessions, two languages."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from ..languages import foreign_texts
from ..pages.shown import texts_of_element

TURNS = 50  # of each session
# Pages that answer soon, with drawings, formulas and tables.
QUICK = ("blocks", "atlas", "factorisation")


class Session:
    """A session as a browser has one."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.known: dict[str, ForwardMsg] = {}  # what a server sends once and then names, by its hash

    def run(self, page: str, language: str) -> list[str]:
        """The texts that the server sends to who opens a page in a language."""
        asked = BackMsg()
        asked.rerun_script.query_string = f"lang={language}&model=inception_resnet_v1&size=96"
        asked.rerun_script.page_name = page
        self.socket.send(asked.SerializeToString())
        texts: list[str] = []
        while True:
            said = ForwardMsg.FromString(self.socket.recv(timeout=120, decode=False))
            if said.WhichOneof("type") == "ref_hash":
                said = self.known[said.ref_hash]
            self.known[said.hash] = said
            match said.WhichOneof("type"), said.delta.WhichOneof("type"):
                case "delta", "new_element":
                    element = said.delta.new_element
                    texts += texts_of_element(getattr(element, element.WhichOneof("type")))
                case "delta", "add_block":
                    texts += texts_of_element(said.delta.add_block)
                case "script_finished", _ if said.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    return texts


@contextmanager
def session(url: str) -> Iterator[Session]:
    """A session that ends with the block."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None) as socket:  # type: ignore[list-item]
        yield Session(socket)


def test_two_sessions_in_two_languages_hear_nothing_of_each_other(app_url: str) -> None:
    """A hundred runs, two at any time, of pages whose parts both sessions share in the server's caches."""
    with session(app_url) as first:
        first.run(QUICK[0], "en")  # a server that just started answers its very first visitors twice
    together = Barrier(2)

    def read(language: str) -> dict[str, list[str]]:
        found = {}
        with session(app_url) as reader:
            for turn in range(TURNS):
                name = QUICK[turn % len(QUICK)]
                together.wait(timeout=300)
                texts = reader.run(name, language)
                assert len(texts) > 20, (name, texts)
                found[f"{name}, turn {turn}"] = list(foreign_texts(texts, language))
        return {where: texts for where, texts in found.items() if texts}

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, ("en", "zh_CN"))) == [{}, {}]
