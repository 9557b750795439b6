"""A student's browser without its screen: Streamlit's websocket, spoken as the browser speaks it.

It costs a hundredth of a Chromium, so that two hundred fit on the machine that they ask. It keeps the cookies that it
is given, sends back every value that it has set, and reads what the page shows as texts and charts.
"""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any, Self
from uuid import uuid4

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

PATIENCE = 120.0  # seconds for an answer


class LostError(Exception):
    """The server has not answered, or has closed the connection."""


@dataclass
class Student:
    """One session. address: of the app, with the path below which it lies, if any."""

    address: str
    language: str = "en-US"
    jar: CookieJar = field(default_factory=CookieJar)
    shown: dict[tuple[int, ...], Any] = field(default_factory=dict)  # the elements of the page, by place
    pages: dict[str, str] = field(default_factory=dict)  # Streamlit's hash of each page, by name
    set: dict[str, WidgetState] = field(default_factory=dict)  # what this student has chosen, by control
    page: str = ""  # its hash
    query: str = ""
    session: str = ""
    seconds: float = 0.0  # that the last run took, until it was drawn
    run: str = ""  # which run of the page is being drawn, by its id
    _socket: ClientConnection | None = None

    def __post_init__(self) -> None:
        self.address = self.address.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the tab."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def get(self, path: str) -> bytes:
        """What a path below the address answers."""
        with self._opener.open(f"{self.address}/{path}", timeout=PATIENCE) as answer:
            return bytes(answer.read())

    @property
    def cookies(self) -> dict[str, str]:
        """That the browser has, by name."""
        return {cookie.name: cookie.value or "" for cookie in self.jar}

    def open(self, page: str = "", again: bool = False) -> float:
        """Opens a page, with choices in its address if any; seconds until it is drawn.

        again: whether a tab whose connection was lost connects anew, and goes on with its session if that is there yet.
        """
        began = time.perf_counter()
        name, _, self.query = page.partition("?")
        self.get(name)
        self.get("_stcore/health")
        self.get("_stcore/host-config")
        address = f"ws{self.address.removeprefix('http')}/_stcore/stream"
        cookies = "; ".join(f"{cookie}={value}" for cookie, value in self.cookies.items())
        parts = urllib.parse.urlsplit(self.address)
        protocols = ["streamlit", self.cookies.get("_streamlit_xsrf", "-"), self.session if again else ""]
        self.close()
        try:
            # No one's compression: the load that is measured is the server's.
            self._socket = connect(
                address,
                origin=Origin(f"{parts.scheme}://{parts.netloc}"),
                additional_headers={"Cookie": cookies},
                subprotocols=[Subprotocol(protocol) for protocol in protocols if protocol],
                max_size=None,
                open_timeout=PATIENCE,
                compression=None,
                legacy=True,
            )
        except (OSError, WebSocketException) as error:
            raise LostError(str(error)) from error
        self.page = ""
        if again:
            self._skip_what_was_left()
        else:
            self.set, self.shown = {}, {}
        self._run(name)
        return time.perf_counter() - began

    def go(self, page: str, query: str = "") -> float:
        """Goes to a page by the menu; seconds until it is drawn."""
        self.page, self.query = self.pages[page], query
        return self._timed()

    def press(self, *labels: str) -> float:
        """Presses the first button with one of these labels; seconds until the page is drawn."""
        element = next((one for one in self.of_kind("button") if one.label in labels), None)
        if element is None:
            raise LookupError(f"no button {labels} among {[one.label for one in self.of_kind('button')]}")
        self._run(extra=WidgetState(id=element.id, trigger_value=True))
        return self.seconds

    def choose(self, label: str, option: str, kind: str = "selectbox") -> float:
        """Chooses an option by what it says; seconds until the page is drawn."""
        element = self.find(kind, label)
        self.set[element.id] = WidgetState(id=element.id, string_value=option)
        return self._timed()

    def write(self, label: str, value: float) -> None:
        """Writes a number into a form, which its button sends."""
        element = self.find("number_input", label)
        self.set[element.id] = WidgetState(id=element.id, double_value=value)

    def upload(self, label: str, name: str, data: bytes, mime: str = "image/jpeg") -> float:
        """Brings a file; seconds until the page is drawn."""
        began = time.perf_counter()
        element = self.find("file_uploader", label)
        asked = BackMsg()
        asked.file_urls_request.request_id = uuid4().hex
        asked.file_urls_request.file_names.append(name)
        asked.file_urls_request.session_id = self.session
        self._send(asked)
        [urls] = self._until("file_urls_response").file_urls_response.file_urls
        boundary = uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: {mime}\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
        parts = urllib.parse.urlsplit(self.address)
        below = urls.upload_url if urls.upload_url.startswith(parts.path or "/") else parts.path + urls.upload_url
        request = urllib.request.Request(f"{parts.scheme}://{parts.netloc}{below}", body, method="PUT")
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        request.add_header("X-Xsrftoken", self.cookies.get("_streamlit_xsrf", ""))
        with self._opener.open(request, timeout=PATIENCE):
            pass
        state = WidgetState(id=element.id)
        state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(data), file_id=urls.file_id, file_urls=urls
        )
        self.set[element.id] = state
        self._run()
        return time.perf_counter() - began

    def find(self, kind: str, label: str) -> Any:
        """The element of a kind with this label; raises LookupError where the page has none."""
        for element in self.of_kind(kind):
            if label in (element.label, element.id.rpartition("-")[2]):
                return element
        raise LookupError(f"no {kind} {label!r} among {[element.label for element in self.of_kind(kind)]}")

    def of_kind(self, kind: str) -> Iterator[Any]:
        """The elements of a kind, in their order on the page."""
        for place in sorted(self.shown):
            if self.shown[place].WhichOneof("type") == kind:
                yield getattr(self.shown[place], kind)

    @property
    def texts(self) -> list[str]:
        """What the page says."""
        said = [element.body for kind in ("markdown", "heading", "alert") for element in self.of_kind(kind)]
        return [str(text) for text in said]

    @property
    def charts(self) -> list[dict[str, Any]]:
        """The charts of Plotly on the page."""
        return [json.loads(chart.spec) for chart in self.of_kind("plotly_chart")]

    def _skip_what_was_left(self) -> None:
        """Reads what the server still had for the connection before: runs that nobody waits for any more."""
        message = BackMsg()
        message.app_heartbeat = True
        self._send(message)
        self._until("heartbeat_ack")

    def _timed(self) -> float:
        self._run()
        return self.seconds

    def _run(self, name: str = "", extra: WidgetState | None = None) -> None:
        began = time.perf_counter()
        self.run = ""
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_script_hash, client.page_name = self.query, self.page, name
        client.widget_states.widgets.extend([*self.set.values(), *([extra] if extra else [])])
        client.context_info.locale = self.language
        client.context_info.url = self.address
        self._send(message)
        self._until("script_finished")
        self.seconds = time.perf_counter() - began

    def _send(self, message: BackMsg) -> None:
        if self._socket is None:
            raise LostError("the connection is closed")
        try:
            self._socket.send(message.SerializeToString())
        except (OSError, WebSocketException) as error:
            raise LostError(str(error)) from error

    def _until(self, kind: str) -> ForwardMsg:
        """Reads on until a message of a kind comes.

        Of runs that end, the one counts that began last and came to its end.
        """
        deadline = time.monotonic() + PATIENCE
        assert self._socket is not None
        while time.monotonic() < deadline:
            try:
                data = self._socket.recv(timeout=max(0.01, deadline - time.monotonic()))
            except (OSError, WebSocketException) as error:
                raise LostError(f"{type(error).__name__}: {error}") from error
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self._take(message)
            if message.WhichOneof("type") == kind and (kind != "script_finished" or self._is_done(message)):
                return message
        raise LostError(f"no {kind} within {PATIENCE:.0f} s")

    def _is_done(self, finished: ForwardMsg) -> bool:
        """Whether a page is drawn."""
        whole = finished.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        return whole and finished.metadata.run.script_run_id == self.run != ""

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id
            if not message.metadata.run.fragment_ids:
                self.run, self.shown = message.metadata.run.script_run_id, {}
        elif kind == "navigation":
            self.page = message.navigation.page_script_hash
            self.pages = {
                page.url_pathname if not page.is_default else "": page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta":
            place = tuple(message.metadata.delta_path)
            if message.delta.WhichOneof("type") == "new_element":
                self.shown[place] = message.delta.new_element
            elif message.delta.WhichOneof("type") == "add_block":
                for old in [old for old in self.shown if old[: len(place)] == place]:
                    del self.shown[old]
