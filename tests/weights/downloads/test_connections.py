"""Machines without a network, with proxies, with certificates of their own."""

import select
import socket
import threading
from dataclasses import replace
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import httpx2
import pytest
from huggingface_hub import constants

from inception.weights import download
from inception.weights.known import known_weights, locate

from .server import (
    BOTH,
    HUB,
    LONG,
    RELEASE,
    Server,
    assert_failed,
    assert_installed,
    checkpoint,
    finish,
)


@BOTH
def test_an_encrypted_download_stays_encrypted(tag: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[httpx2.URL] = []

    async def answer(_: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
        requested.append(request.url)
        return httpx2.Response(302, headers={"Location": "http://plain.example/file"})

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", answer)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "https://hub.example/{repo_id}{revision}{filename}")
    weights = known_weights()[tag]
    if weights.url:
        monkeypatch.setitem(known_weights(), tag, replace(weights, url="https://files.example/tiny.pt"))
    assert_failed(tag, finish(tag), home, "plain.example", "open connection")
    assert [url.scheme for url in requested] == ["https"]


@BOTH
def test_no_network(tag: str, home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known at once: nothing is gained by trying again."""
    monkeypatch.setattr(download, "PAUSE", 60)
    server.shutdown()  # first: a thread that still waits for connections keeps the port open
    server.server_close()
    each = finish(tag)
    suffix = ".safetensors" if tag == HUB else ".pt"
    by_hand = home / "weights" / f"{tag}{suffix}"
    assert_failed(tag, each, home, "No connection to 127.0.0.1", known_weights()[tag].source, str(by_hand))
    by_hand.parent.mkdir()
    by_hand.write_bytes(checkpoint())
    assert locate(tag) == by_hand, "the advice in the sentence"


def test_offline_mode(home: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert_failed(HUB, finish(HUB), home, "HF_HUB_OFFLINE")
    assert server.ranges == []
    assert finish(RELEASE).state == "done", "the hub's switch is for the hub"


class Socks(BaseRequestHandler):
    """A SOCKS5 proxy (RFC 1928) without passwords, for connections to names and IPv4 addresses."""

    def handle(self) -> None:
        client = self.request
        client.recv(client.recv(2)[1])  # the ways to log in that are offered
        client.sendall(b"\x05\x00")
        *_, kind = client.recv(4)
        host = client.recv(client.recv(1)[0]).decode() if kind == 3 else socket.inet_ntoa(client.recv(4))
        port = int.from_bytes(client.recv(2), "big")
        self.server.asked.append((host, port))  # type: ignore[attr-defined]
        with socket.create_connection((host, port)) as other:
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            while ready := select.select([client, other], [], [], LONG)[0]:
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    (other if end is client else client).sendall(data)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@BOTH
def test_a_socks_proxy(tag: str, scheme: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clear_proxies(monkeypatch)
    with ThreadingTCPServer(("127.0.0.1", 0), Socks) as proxy:
        proxy.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy.server_address[1]}")
            assert_installed(tag, finish(tag))
        finally:
            proxy.shutdown()
            thread.join()
        assert {port for _, port in proxy.asked} == {server.server_port}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("proxy", "mentioned"),
    [
        ("socks5://127.0.0.1:1", "by way of the proxy socks5://127.0.0.1:1; is this machine online"),
        ("http://me:secret@127.0.0.1:1", "by way of the proxy http://127.0.0.1:1; is"),
        ("socks4://127.0.0.1:1", "socks4://127.0.0.1:1 is not the address of a proxy"),
    ],
)
def test_a_proxy_that_does_not_work(
    proxy: str, mentioned: str, home: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_proxies(monkeypatch)
    monkeypatch.setenv("ALL_PROXY", proxy)
    each = finish(HUB)
    assert_failed(HUB, each, home, mentioned)
    assert "secret" not in each.error
    assert server.ranges == []


def clear_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this machine had none, and none were forbidden for connections to itself."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_a_wrong_file_of_certificates(
    content: str | None, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("certificates") / "own.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    reason = "is not there" if content is None else "has no certificates"
    assert_failed(HUB, finish(HUB), home, str(path), "SSL_CERT_FILE", reason)


def test_certificates_that_do_not_vouch_for_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> httpx2.Response:
        raise httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", "/etc/ssl/certs")
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", refuse)
    assert_failed(HUB, finish(HUB), home, "a certificate that /etc/ssl/certs", "SSL_CERT_DIR", "vouch")
