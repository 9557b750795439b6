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
from collections.abc import Callable, Iterator, Sequence
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
from ..words import N_, Filled, _, current, speaking
from .checkpoint import MAX_BYTES as MAX_BYTES
from .checkpoint import CheckpointError
from .known import HUB_FILE, Weights, known_weights, locate, release_file, weights_folder

ATTEMPTS = 5
PAUSE = 0.5  # seconds before the second attempt, doubled before each further one
TIMEOUT = httpx2.Timeout(10.0, read=20.0)  # seconds without a sign of life


# Raises CheckpointError unless the file at the path fits the network of the weights.
Check = Callable[[Weights, Path], None]


class DownloadError(InceptionError, ValueError):
    """A download that did not succeed, in one sentence; in the language of whoever reads it, as several may wait."""

    def __str__(self) -> str:
        return _(self.args[0])


class TransientError(Exception):
    """An attempt that failed in a way that may pass: one sentence where nothing is kept of it, one where some is."""

    def __init__(self, *sentences: str, **values: object):
        self.sentences, self.values = sentences, values


# Where nothing is kept for the next start, and where some is.
STOPPED = (
    N_("{host} stopped answering."),
    N_("{host} stopped answering after {size:.1f} MB, where the next download goes on."),
)
BROKE_OFF = (
    N_("The connection to {host} broke off."),
    N_("The connection to {host} broke off after {size:.1f} MB, where the next download goes on."),
)
ANSWERED = (
    N_("{host} answered {status} ({reason})."),
    N_("{host} answered {status} ({reason}) after {size:.1f} MB, where the next download goes on."),
)
SENT_LESS = (
    N_("{host} sent less than it announced."),
    N_("{host} sent less than it announced after {size:.1f} MB, where the next download goes on."),
)


class Download:
    """One download in a thread of its own; everyone who asks for the same tag gets the same object.

    When all bytes have arrived it is still running for a while, because it checks them.
    """

    state: Literal["running", "done", "failed", "cancelled"]
    done_bytes: int  # of the file, including what an earlier download left
    total_bytes: int | None  # of the file; None until the server has said how many

    def __init__(self, tag: str, check: Check, previous: "Download | None" = None):
        self.tag = tag
        self._check_fit = check
        self.state = "running"
        self.done_bytes = 0
        self.total_bytes = None
        self._problem = ""
        self._language = current()  # of whoever started it
        self._weights = known_weights()[tag]
        self._previous = previous
        self._stop = threading.Event()
        self._over = threading.Event()
        threading.Thread(target=self._run, name=f"download {tag}", daemon=True).start()

    @property
    def error(self) -> str:
        """One sentence if it failed, else empty."""
        return _(self._problem)

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
            sentence = N_("{tag}: the download failed for a reason that was not foreseen.")
            self._problem, self.state = Filled(sentence, tag=self.tag), "failed"
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
            self._problem, self.state = error.args[0], "failed"
        self._over.set()  # not when the thread ends: a name server that is silent can hold it for a while

    async def _work(self) -> None:
        if (path := locate(self.tag)) is not None:
            self.done_bytes = self.total_bytes = path.stat().st_size
            return
        weights = self._weights
        if weights.repository and is_offline_mode():
            sentence = N_(
                "HF_HUB_OFFLINE forbids downloads from the Hugging Face hub; the file from {source} can be put here as "
                "{path}."
            )
            raise DownloadError(Filled(sentence, source=weights.source, path=self._by_hand()))
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
                sentence = N_("The disk is full: {folder} needs more room.")
                if self.total_bytes:
                    sentence = N_("The disk is full: {folder} needs {size:.0f} MB.")
                size = (self.total_bytes or 0) / 1e6
                raise DownloadError(Filled(sentence, folder=part.parent, size=size)) from error
            sentence = N_("{folder} cannot be written to ({reason}).")
            raise DownloadError(Filled(sentence, folder=part.parent, reason=error.strerror)) from error

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
                message = unknown_certificate(host) if "CERTIFICATE_VERIFY_FAILED" in str(error) else self._offline(url)
                if attempt == 0:
                    break
            except httpx2.TimeoutException as error:
                problem, message = error, so_far(part, STOPPED, host=host)
            except httpx2.TransportError as error:
                problem, message = error, so_far(part, BROKE_OFF, host=host)
            except TransientError as error:
                problem, message = error, so_far(part, error.sentences, host=host, **error.values)
            except httpx2.RequestError as error:  # too many redirects
                problem, message = error, Filled(N_("{host} sends from one address to the next."), host=host)
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
                raise TransientError(N_("{host} has less than was fetched before."))
            if response.status_code in (408, 429) or response.status_code >= 500:
                reason = response.reason_phrase or Filled(N_("no reason given"))
                raise TransientError(*ANSWERED, status=response.status_code, reason=reason)
            if response.status_code not in (200, 206):
                sentence = N_("{host} answered {status} for {url}.")
                raise DownloadError(Filled(sentence, host=response.url.host, status=response.status_code, url=url))
            if response.status_code == 200:
                start = 0
                length = response.headers.get("Content-Length", "")
                total = int(length) if length.isdecimal() else None
            else:
                span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
                if span is None or int(span[1]) != start:
                    part.unlink(missing_ok=True)
                    raise TransientError(N_("{host} sent another part than was asked for."))
                total = int(span[2])
            answer = Answer.of(response, continued=start > 0)
            if self._weights.repository:
                answer.check(response.url.host, self._weights)
            self.done_bytes, self.total_bytes = start, total
            if total is not None and total > MAX_BYTES:
                sentence = N_("{host} offers {size:.1f} GB, far too much for {tag}.")
                raise DownloadError(Filled(sentence, host=response.url.host, size=total / 1e9, tag=self.tag))
            if shutil.disk_usage(part.parent).free < (total or 0) - start:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with part.open("ab") as file:
                file.truncate(start)
                async for chunk in response.aiter_raw():
                    file.write(chunk)
                    self.done_bytes += len(chunk)
                    if self.done_bytes > MAX_BYTES:
                        part.unlink()
                        sentence = N_("{host} does not stop sending, far too much for {tag}.")
                        raise DownloadError(Filled(sentence, host=response.url.host, tag=self.tag))
                file.flush()
                os.fsync(file.fileno())
        if total is not None and self.done_bytes != total:
            raise TransientError(*SENT_LESS)
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
            sentence = N_("{tag}: what was sent is not the published file (its checksum differs).")
            raise DownloadError(Filled(sentence, tag=self.tag))
        try:
            with speaking(self._language):
                self._check_fit(self._weights, part)
        except CheckpointError as error:
            reason = str(error).removeprefix(part.name).lstrip(":： ").rstrip(".。")
            sentence = N_("{tag}: what was sent does not fit the network: {reason}.")
            raise DownloadError(Filled(sentence, tag=self.tag, reason=reason)) from error

    def _client(self, url: str) -> httpx2.AsyncClient:
        """`client_for`; raises DownloadError where the environment gives it something that it cannot use."""
        try:
            return client_for(url)
        except OSError as error:  # of the system, or an ssl.SSLError
            raise DownloadError(no_certificates(isinstance(error, FileNotFoundError))) from error
        except ValueError as error:
            sentence = N_(
                "{proxy} is not the address of a proxy: http://, https://, socks5:// and socks5h:// are known."
            )
            raise DownloadError(Filled(sentence, proxy=proxy_of(url))) from error

    def _offline(self, url: str) -> Filled:
        """What to say where there is no connection."""
        sentence = N_(
            "No connection to {host}; is this machine online? If not, the file from {source} can be put here as {path}."
        )
        if proxy := proxy_of(url):
            sentence = N_(
                "No connection to {host} by way of the proxy {proxy}; is this machine online? If not, the file from "
                "{source} can be put here as {path}."
            )
        source, path = self._weights.source, self._by_hand()
        return Filled(sentence, host=httpx2.URL(url).host, proxy=proxy, source=source, path=path)

    def _by_hand(self) -> Path:
        """Where a reader can put the file."""
        suffix = Path(HUB_FILE if self._weights.repository else self._weights.url).suffix
        return weights_folder() / f"{self.tag}{suffix}"


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
            sentence = N_("{host} does not answer like the Hugging Face hub; is it a login page or a proxy?")
            raise DownloadError(Filled(sentence, host=host))
        if weights.sha256 not in ("", self.sha256):
            sentence = N_("{host} offers another file for {tag} than was published (by its checksum).")
            raise DownloadError(Filled(sentence, host=host, tag=weights.tag))


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


def so_far(part: Path, sentences: Sequence[str], **values: object) -> Filled:
    """What happened: the first sentence, or the last where something is kept for the next start."""
    size = part.stat().st_size if part.exists() else 0
    return Filled(sentences[-1 if size else 0], size=size / 1e6, **values)


@contextmanager
def only_one(part: Path) -> Iterator[None]:
    """Raises DownloadError while another program on this machine writes the same file."""
    lock = FileLock(f"{part}.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        sentence = N_("Another program on this machine is downloading {file}.")
        raise DownloadError(Filled(sentence, file=part.name.removesuffix(".part"))) from error
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


def certificates() -> tuple[str, str]:
    """The variable of the environment that says which certificates count, and its value; empty for none."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if path := os.environ.get(variable):
            return variable, path
    return "", ""


def unknown_certificate(host: str) -> Filled:
    """What to say of a host that none of the certificates vouches for."""
    variable, path = certificates()
    sentence = N_("{host} shows a certificate that this machine's list of certificates does not vouch for.")
    if variable:
        sentence = N_(
            "{host} shows a certificate that {path}, which the environment variable {variable} names, does not vouch "
            "for."
        )
    return Filled(sentence, host=host, path=path, variable=variable)


def no_certificates(absent: bool) -> Filled:
    """What to say where there are no certificates. absent: whether their file is missing, not damaged."""
    variable, path = certificates()
    if variable and absent:
        sentence = N_(
            "{path}, which the environment variable {variable} names, is not there, so no encrypted connection can be "
            "made."
        )
    elif variable:
        sentence = N_(
            "{path}, which the environment variable {variable} names, has no certificates that can be read, so no "
            "encrypted connection can be made."
        )
    else:
        sentence = N_("This machine has no certificates that can be read, so no encrypted connection can be made.")
    return Filled(sentence, path=path, variable=variable)


def proxy_of(url: str) -> str:
    """The address of the proxy that the environment names for a URL, without a password; empty for none."""
    found = getproxies()
    proxy = found.get(httpx2.URL(url).scheme) or found.get("all") or ""
    return re.sub("//.*@", "//", proxy)


async def only_https(request: httpx2.Request) -> None:
    if request.url.scheme != "https":
        sentence = N_("{host} would send the file over an open connection.")
        raise DownloadError(Filled(sentence, host=request.url.host))
