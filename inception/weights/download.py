"""How weights get onto this machine: downloads of the known ones, checks of the reader's own.

Files of the Hugging Face hub land in its cache, where timm looks for them, but are not fetched with `hf_hub_download`:
it installs a file before anyone can look into it, throws away what an interrupted download has fetched, and cannot be
stopped while the server is silent (huggingface_hub 2.4.0).
"""

import asyncio
import errno
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.request import getproxies

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import constants, hf_hub_url, is_offline_mode
from huggingface_hub.file_download import repo_folder_name

from ..errors import InceptionError
from .checkpoint import MAX_BYTES as MAX_BYTES
from .checkpoint import CheckpointError
from .known import HUB_FILE, Weights, known_weights, locate, release_file, weights_folder

ATTEMPTS = 5
PAUSE = 0.5  # seconds before the second attempt, doubled before each further one
TIMEOUT = httpx2.Timeout(10.0, read=20.0)  # seconds without a sign of life


# Raises CheckpointError unless the file at the path fits the network of the weights.
Check = Callable[[Weights, Path], None]


class DownloadError(InceptionError, ValueError):
    """A download that did not succeed, in one sentence."""


class TransientError(Exception):
    """An attempt that failed in a way that may pass; the text continues the name of the host."""


class Download:
    """One download in a thread of its own; everyone who asks for the same tag gets the same object.

    When all bytes have arrived it is still running for a while, because it checks them.
    """

    state: Literal["running", "done", "failed", "cancelled"]
    done_bytes: int  # of the file, including what an earlier download left
    total_bytes: int | None  # of the file; None until the server has said how many
    error: str  # one sentence if it failed, else empty

    def __init__(self, tag: str, check: Check, previous: "Download | None" = None):
        self.tag = tag
        self._check_fit = check
        self.state = "running"
        self.done_bytes = 0
        self.total_bytes = None
        self.error = ""
        self._weights = known_weights()[tag]
        self._previous = previous
        self._stop = threading.Event()
        self._over = threading.Event()
        threading.Thread(target=self._run, name=f"download {tag}", daemon=True).start()

    @property
    def stopping(self) -> bool:
        """Whether someone has asked it to stop."""
        return self._stop.is_set()

    def cancel(self) -> None:
        """Stops within about a second, whatever the server does, and keeps what has arrived for the next start."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is over, after at most `timeout` seconds."""
        return self._over.wait(timeout)

    def _run(self) -> None:
        if self._previous is not None:  # it still has the file
            self._previous.wait()
            self._previous = None
        try:
            asyncio.run(self._until_stopped())
        except Exception:
            self.error, self.state = f"{self.tag}: the download failed for a reason that was not foreseen.", "failed"
            raise  # for the server's log
        finally:
            self._over.set()

    async def _until_stopped(self) -> None:
        """A blocked socket cannot be interrupted from another thread, but a waiting task can."""
        work = asyncio.create_task(self._work())
        while not work.done():
            await asyncio.wait({work}, timeout=0.1)
            if self.stopping:
                work.cancel()
        try:
            await work
            self.state = "done"
        except asyncio.CancelledError:
            self.state = "cancelled"
        except DownloadError as error:
            self.error, self.state = str(error), "failed"
        self._over.set()  # not when the thread ends: a name server that is silent can hold it for a while

    async def _work(self) -> None:
        if (path := locate(self.tag)) is not None:
            self.done_bytes = self.total_bytes = path.stat().st_size
            return
        weights = self._weights
        if weights.repository and is_offline_mode():
            raise DownloadError(f"HF_HUB_OFFLINE forbids downloads from the Hugging Face hub; {self._otherwise()}.")
        part = part_file(weights)
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            with only_one(part):
                answer = await self._fetch_and_check(part)
                if self.stopping:
                    raise asyncio.CancelledError
                if weights.repository:
                    install_in_hub_cache(part, answer)
                else:
                    os.replace(part, release_file(weights))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                part.unlink(missing_ok=True)  # a full disk needs the room
                needed = f"{self.total_bytes / 1e6:.0f} MB" if self.total_bytes else "more room"
                raise DownloadError(f"The disk is full: {part.parent} needs {needed}.") from error
            raise DownloadError(f"{part.parent} cannot be written to ({error.strerror}).") from error

    async def _fetch_and_check(self, part: Path) -> "Answer":
        """The whole file in `part`, known to be the right one."""
        url = hf_hub_url(self._weights.repository, HUB_FILE) if self._weights.repository else self._weights.url
        from_the_start = False
        async with self._client(url) as client:
            while True:
                answer = await self._fetch(client, url, part)
                try:
                    self._check(part, answer)
                    return answer
                except DownloadError:
                    part.unlink()
                    if from_the_start or not answer.continued:
                        raise
                    # What an earlier download left may come from another file.
                    from_the_start = True

    async def _fetch(self, client: httpx2.AsyncClient, url: str, part: Path) -> "Answer":
        host = httpx2.URL(url).host
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                return await self._attempt(client, url, part)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
                problem: Exception = error
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    message = f"{host} shows a certificate that {certificates()} does not vouch for."
                else:
                    message = f"No connection to {host}{by_proxy(url)}; is this machine online? If not, "
                    message += f"{self._otherwise()}."
                if attempt == 0:
                    break
            except httpx2.TimeoutException as error:
                problem, message = error, f"{host} stopped answering{so_far(part)}."
            except httpx2.TransportError as error:
                problem, message = error, f"The connection to {host} broke off{so_far(part)}."
            except TransientError as error:
                problem, message = error, f"{host} {error}{so_far(part)}."
            except httpx2.RequestError as error:  # too many redirects
                problem, message = error, f"{host} sends from one address to the next."
                break
        raise DownloadError(message) from problem

    async def _attempt(self, client: httpx2.AsyncClient, url: str, part: Path) -> "Answer":
        """Adds what is missing to `part`.

        One byte is asked for again, because a server refuses to send nothing where nothing is missing.
        """
        start = max(0, part.stat().st_size - 1) if part.exists() else 0
        async with client.stream("GET", url, headers={"Range": f"bytes={start}-"} if start else {}) as response:
            if response.status_code == 416:
                part.unlink(missing_ok=True)
                raise TransientError("has less than was fetched before")
            if response.status_code in (408, 429) or response.status_code >= 500:
                raise TransientError(f"answered {response.status_code} ({response.reason_phrase or 'no reason given'})")
            if response.status_code not in (200, 206):
                raise DownloadError(f"{response.url.host} answered {response.status_code} for {url}.")
            if response.status_code == 200:
                start = 0
                length = response.headers.get("Content-Length", "")
                total = int(length) if length.isdecimal() else None
            else:
                span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
                if span is None or int(span[1]) != start:
                    part.unlink(missing_ok=True)
                    raise TransientError("sent another part than was asked for")
                total = int(span[2])
            answer = Answer.of(response, continued=start > 0)
            if self._weights.repository:
                answer.check(response.url.host, self._weights)
            self.done_bytes, self.total_bytes = start, total
            if total is not None and total > MAX_BYTES:
                raise DownloadError(f"{response.url.host} offers {total / 1e9:.1f} GB, far too much for {self.tag}.")
            if shutil.disk_usage(part.parent).free < (total or 0) - start:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with part.open("ab") as file:
                file.truncate(start)
                async for chunk in response.aiter_raw():
                    file.write(chunk)
                    self.done_bytes += len(chunk)
                    if self.done_bytes > MAX_BYTES:
                        part.unlink()
                        raise DownloadError(f"{response.url.host} does not stop sending, far too much for {self.tag}.")
                file.flush()
                os.fsync(file.fileno())
        if total is not None and self.done_bytes != total:
            raise TransientError("sent less than it announced")
        self.total_bytes = self.done_bytes
        return answer

    def _check(self, part: Path, answer: "Answer") -> None:
        """Raises DownloadError unless `part` is the published file and fits the network."""
        expected = self._weights.sha256 or answer.sha256
        digest = hashlib.sha256()
        with part.open("rb") as file:
            while block := file.read(2**22):
                digest.update(block)
                if self.stopping:
                    raise asyncio.CancelledError
        if expected and digest.hexdigest() != expected:
            raise DownloadError(f"{self.tag}: what was sent is not the published file (its checksum differs).")
        try:
            self._check_fit(self._weights, part)
        except CheckpointError as error:
            reason = str(error).removeprefix(f"{part.name}: ").rstrip(".")
            raise DownloadError(f"{self.tag}: what was sent does not fit the network: {reason}.") from error

    def _client(self, url: str) -> httpx2.AsyncClient:
        """`client_for`; raises DownloadError where the environment gives it something that it cannot use."""
        try:
            return client_for(url)
        except OSError as error:  # of the system, or an ssl.SSLError
            reason = "is not there" if isinstance(error, FileNotFoundError) else "has no certificates that can be read"
            raise DownloadError(f"{certificates()} {reason}, so no encrypted connection can be made.") from error
        except ValueError as error:
            raise DownloadError(
                f"{proxy_of(url)} is not the address of a proxy: http://, https://, socks5:// and socks5h:// are known."
            ) from error

    def _otherwise(self) -> str:
        suffix = Path(HUB_FILE if self._weights.repository else self._weights.url).suffix
        return f"the file from {self._weights.source} can be put here as {weights_folder() / f'{self.tag}{suffix}'}"


@dataclass(frozen=True)
class Answer:
    """What a server said about the file that it sent."""

    sha256: str  # of the file, as the hub states it; empty elsewhere
    commit: str  # of the hub's repository; empty elsewhere
    continued: bool  # whether it sent only what was missing

    @classmethod
    def of(cls, response: httpx2.Response, continued: bool) -> "Answer":
        """The hub describes the file in the answer that sends on to where it lies."""
        answers = (*response.history, response)
        headers = next((each.headers for each in answers if "X-Repo-Commit" in each.headers), httpx2.Headers())
        etag = headers.get("X-Linked-ETag") or headers.get("ETag") or ""
        return cls(etag.removeprefix("W/").strip('"'), headers.get("X-Repo-Commit", ""), continued)

    def check(self, host: str, weights: Weights) -> None:
        """Raises DownloadError unless it comes from a hub and means the published file.

        Checksum and commit become names in the hub's cache.
        """
        if not (re.fullmatch("[0-9a-f]{64}", self.sha256) and re.fullmatch("[0-9a-f]{40}", self.commit)):
            raise DownloadError(f"{host} does not answer like the Hugging Face hub; is it a login page or a proxy?")
        if weights.sha256 not in ("", self.sha256):
            raise DownloadError(f"{host} offers another file for {weights.tag} than was published (by its checksum).")


_downloads: dict[str, Download] = {}
_downloads_lock = threading.Lock()


def start_download(tag: str, check: Check) -> Download:
    """Starts to download a known checkpoint into the cache of timm or facenet-pytorch, or joins a download under way.

    check: raises CheckpointError unless the file fits the network of these weights; every download ends with it.
    Where `locate` finds the file already, nothing is downloaded and the state is "done" at once.
    """
    with _downloads_lock:
        current = _downloads.get(tag)
        if current is None or current.state != "running" or current.stopping:
            current = _downloads[tag] = Download(tag, check, current)
        return current


def last_download(tag: str) -> Download | None:
    """The download of a known checkpoint that was started last, under way or over; None if there was none."""
    return _downloads.get(tag)


def hub_folder(weights: Weights) -> Path:
    """The folder of a repository in the hub's cache."""
    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=weights.repository, repo_type="model"))


def part_file(weights: Weights) -> Path:
    """Where a download grows: in the folder in which it ends, so that installing is renaming."""
    if weights.repository:
        return hub_folder(weights) / "blobs" / f"{HUB_FILE}.part"
    return release_file(weights).with_name(f"{release_file(weights).name}.part")


def install_in_hub_cache(part: Path, answer: Answer) -> None:
    """Moves a checked file into the hub's cache: the content by its checksum, its name in a snapshot, the branch.

    https://huggingface.co/docs/huggingface_hub/guides/manage-cache describes the layout. Each step is atomic, and
    nothing finds the file before the last one.
    """
    folder = part.parents[1]
    blob = part.with_name(answer.sha256)
    name = folder / "snapshots" / answer.commit / HUB_FILE
    branch = folder / "refs" / constants.DEFAULT_REVISION
    temporary = part.with_suffix(".new")
    name.parent.mkdir(parents=True, exist_ok=True)
    branch.parent.mkdir(exist_ok=True)
    os.replace(part, blob)
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.path.relpath(blob, name.parent))
        os.replace(temporary, name)
    except OSError:  # Windows lets only some users link
        os.replace(blob, name)
    temporary.write_text(answer.commit, encoding="ascii")
    os.replace(temporary, branch)


def so_far(part: Path) -> str:
    """What is kept for the next start, to end a sentence with."""
    size = part.stat().st_size if part.exists() else 0
    return f" after {size / 1e6:.1f} MB, where the next download goes on" if size else ""


@contextmanager
def only_one(part: Path) -> Iterator[None]:
    """Raises DownloadError while another program on this machine writes the same file."""
    lock = FileLock(f"{part}.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise DownloadError(
            f"Another program on this machine is downloading {part.name.removesuffix('.part')}."
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):  # Windows deletes it on release
            os.unlink(lock.lock_file)
        lock.release()


def client_for(url: str) -> httpx2.AsyncClient:
    """An HTTP client that follows redirects, but never from an encrypted connection to an open one."""
    return httpx2.AsyncClient(
        headers={"Accept-Encoding": "identity", "User-Agent": "inception-explorer"},
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=5,
        event_hooks={"request": [only_https]} if url.startswith("https:") else {},
    )


def certificates() -> str:
    """Where the certificates come from that connections are checked with, to begin a sentence with."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if path := os.environ.get(variable):
            return f"{path}, which the environment variable {variable} names,"
    return "this machine's list of certificates"


def proxy_of(url: str) -> str:
    """The address of the proxy that the environment names for a URL, without a password; empty for none."""
    found = getproxies()
    proxy = found.get(httpx2.URL(url).scheme) or found.get("all") or ""
    return re.sub("//.*@", "//", proxy)


def by_proxy(url: str) -> str:
    """Names the proxy in a sentence, if there is one."""
    return f" by way of the proxy {proxy}" if (proxy := proxy_of(url)) else ""


async def only_https(request: httpx2.Request) -> None:
    if request.url.scheme != "https":
        raise DownloadError(f"{request.url.host} would send the file over an open connection.")
