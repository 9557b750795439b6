"""The bench's student reads what a page's own run says, whatever else comes on the connection."""

from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.student import Student


class Socket:
    """A connection on which messages wait."""

    def __init__(self, *messages: ForwardMsg):
        self.waiting = [message.SerializeToString() for message in messages]

    def send(self, _data: bytes) -> None: ...

    def recv(self, timeout: float) -> bytes:
        return self.waiting.pop(0)


def began(run: str, *fragments: str) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    message.new_session.initialize.session_id = "session"
    return message


def ended(run: str, status: Any = ForwardMsg.FINISHED_SUCCESSFULLY) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.run.script_run_id = run
    message.script_finished = status
    return message


def said(text: str) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend([0, len(text)])
    message.delta.new_element.markdown.body = text
    return message


def test_a_page_is_drawn_when_its_own_run_has_ended() -> None:
    """Not with a run for the connection before, which the server had cut short, nor one that begins anew or a part."""
    student = Student("http://localhost")
    socket = Socket(
        ended("of the connection before"),
        began("first"),
        said("draft"),
        ended("first", ForwardMsg.FINISHED_EARLY_FOR_RERUN),
        began("second"),
        said("page"),
        began("a part of it", "fragment"),
        ended("a part of it", ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY),
        ended("second"),
        said("what comes later"),
    )
    student._socket = socket  # type: ignore[assignment]
    student._run()
    assert student.texts == ["page"]
    assert len(socket.waiting) == 1
