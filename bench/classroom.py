"""A class of two hundred: students as `bench.student` plays them, on one app server and on two, and what a kill costs.

All students open a page within ten seconds and bring a picture, each one of its own whose label is known. When
everybody is in, they go from page to page, join a room and answer a question, with pauses as people make them. Students
run on the same cores as the servers here, so the seconds are worse than a class would see, and the ratios are what
counts. Past this machine a model goes on (`bench.queueing`).
"""

import random
import tempfile
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from statistics import median
from urllib.error import URLError

import numpy as np
import psutil

import inception
from bench.queueing import ANSWER, CLICK, LOOK, OPEN, UPLOAD, Act, Model
from bench.run import Run
from bench.student import LostError, Student
from bench.timing import Row, measured
from inception.paths import PHOTOGRAPHS
from inception.rooms.questions import Kind, Question
from inception.rooms.store import Rooms
from inception.runtime.pool import networks
from inception.vision.none_of_them import says_none
from tests.deploy.site import MissingError, Site, running_site

SIZES, SHORT_SIZE, FAULT_SIZE = (30, 100, 200), 2, 60
CLICKS = 8  # of each student, beside an upload and an answer
PAUSE = 10.0  # seconds between an answer and the next click, mean
CROWD = 10_000  # students, of the model
WITHIN = 1.0  # seconds for a click without a forward pass
NETWORK, WEIGHTS = "inception_v4", "inception_v4.cifar10"
LIVE = f"live?model={NETWORK}&weights={WEIGHTS}"
PAGES = ("glossary", "layers", "blocks", "factorisation", "bottleneck", "zoo")  # without a forward pass
BEGIN = 10.0  # seconds in which all open the app
QUIET = 5  # lessons of one student alone
AFTER = 0.05  # seconds in which a server clears up after a click
OUT = 3.0  # seconds until what was killed is there again
AGAIN = 4  # times that a student whose connection is lost tries again

Picture = tuple[str, bytes, str, float]  # a file's name and content, its label and the probability of it


@dataclass
class Notes:
    """What the students of a lesson saw; any thread may write."""

    seconds: dict[str, list[float]] = field(default_factory=dict)  # by what was done
    wrong: int = 0  # answers about a picture that are not its own
    lost: Counter[str] = field(default_factory=Counter)  # by what was done: not answered, after all attempts
    broken: int = 0  # connections that broke
    gone: int = 0  # pictures that had to be brought again; a browser's cookie would have found those on a live server
    answered: int = 0  # answers to the room's question that were said to be in
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, what: str, seconds: float) -> None:
        with self._lock:
            self.seconds.setdefault(what, []).append(seconds)

    def add(self, **counts: int) -> None:
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def lose(self, what: str) -> None:
        with self._lock:
            self.lost[what] += 1

    def percentile(self, what: str, share: float) -> float:
        return float(np.percentile(self.seconds.get(what, [np.nan]), share))


@dataclass
class Lesson:
    """A class on a site.

    pause: mean seconds between two clicks of a student; 0 for none. begin: seconds in which all open the app.
    """

    url: str
    code: str  # of the room
    pictures: Sequence[Picture]
    pause: float = PAUSE
    begin: float = BEGIN
    clicks: int = CLICKS
    notes: Notes = field(default_factory=Notes)
    over: threading.Event = field(default_factory=threading.Event)  # before its time

    def run(self, middle: Callable[[], None] = lambda: None) -> float:
        """All students at once; calls `middle` when half of their work is done. Seconds until the last is done."""
        begun = time.perf_counter()
        everybody = threading.Barrier(len(self.pictures))
        done, half = threading.Semaphore(0), len(self.pictures) * (self.clicks + 3) // 2
        with ThreadPoolExecutor(len(self.pictures) + 1) as threads:

            def wait_for_half() -> None:
                for _ in range(half):
                    done.acquire()
                if not self.over.is_set():
                    middle()

            waiting = threads.submit(wait_for_half)
            numbers = range(len(self.pictures))
            students = [threads.submit(self._student, number, everybody, done.release) for number in numbers]
            try:
                for student in students:
                    student.result()
                waiting.result()
            except BaseException:  # such as a signal
                self.over.set()
                everybody.abort()
                done.release(half)
                raise
        return time.perf_counter() - begun

    def _student(self, number: int, everybody: threading.Barrier, did: Callable[[], None]) -> None:
        dice = random.Random(number)
        with Student(self.url) as student:
            try:
                self.over.wait(dice.uniform(0, self.begin))
                self._do(student, OPEN, lambda: student.open(LIVE))
                did()
                self._do(student, UPLOAD, lambda: self.bring(student, number))
                did()
                everybody.wait()
            except BaseException:  # whatever it is, the others must not wait for this one
                everybody.abort()
                raise
            for _ in range(self.clicks):
                self._rest(dice)
                page = dice.choice(PAGES)
                self._do(student, CLICK, lambda page=page: student.go(page))  # type: ignore[misc]
                did()
            self._rest(dice)
            if self.code:
                self._do(student, ANSWER, lambda: self.answer(student, number))
            did()
            self._look_again(student, number)

    def _do(self, student: Student, what: str, act: Callable[[], float]) -> None:
        """Does something, and after a broken connection tries again, as a browser and its reader do."""
        why = ""
        for attempt in range(AGAIN + 1):
            if self.over.is_set():
                return
            try:
                if attempt:
                    self.notes.add(broken=1)
                    time.sleep(attempt)
                    student.open(LIVE, again=True)
                self.notes.took(what, act())
                return
            except (LostError, URLError, OSError, HTTPException, LookupError) as error:
                why = f"{type(error).__name__} {error}"
                student.close()  # now, so that the server knows before the session is asked for again
        self.notes.lose(f"{what}: {why:.80}")

    def bring(self, student: Student, number: int) -> float:
        """A student's own picture, and whether the page knows it; seconds."""
        name, data, _label, _probability = self.pictures[number]
        seconds = student.upload("Your pictures", name, data)
        self._check(student, number)
        return seconds

    def _check(self, student: Student, number: int) -> None:
        """Whether the page says of the student's picture what is known of it."""
        name, _data, label, probability = self.pictures[number]
        if not any(name in str(box.options) for box in student.of_kind("selectbox")):
            raise LookupError(name)
        said = said_of_picture(student)
        if said is None or said[0] != label or abs(said[1] - probability) > 1e-3:
            self.notes.add(wrong=1)

    def _look_again(self, student: Student, number: int) -> None:
        """Goes back to the picture at the end: nobody else's is there, and one that is gone is brought again."""
        try:
            self._do(student, LOOK, lambda: student.go("live"))
            self._check(student, number)
        except (LookupError, KeyError):
            self.notes.add(gone=1)
            self._do(student, UPLOAD, lambda: self.bring(student, number))

    def answer(self, student: Student, number: int) -> float:
        """To the room's question; seconds until it is said to be in."""
        seconds = student.go("room", f"code={self.code}")
        student.write("Your number", float(number))
        seconds += student.press("Send my answer", "Change my answer")
        if not any("Your answer is in." in text for text in student.texts):
            raise LookupError("the answer is not in")
        self.notes.add(answered=1)
        return seconds

    def _rest(self, dice: random.Random) -> None:
        self.over.wait(dice.expovariate(1 / self.pause) if self.pause else 0)


def said_of_picture(student: Student) -> tuple[str, float] | None:
    """The most probable class on the page Live inference, and its probability."""
    for chart in student.charts:
        bars = chart["data"][0]
        if "customdata" in bars and isinstance(bars.get("x"), dict):
            return str(bars["customdata"][0]), float(np.frombuffer(b64decode(bars["x"]["bdata"]))[0])
    return None


def known_pictures(count: int) -> list[Picture]:
    """So many pictures, no two alike, with what the network says of each in this process."""
    network = networks.predictor(NETWORK, WEIGHTS)
    files = sorted(PHOTOGRAPHS.rglob("*.jpg"))
    random.Random(0).shuffle(files)  # they lie class by class
    found: list[Picture] = []
    for number in range(count):
        image = inception.load_image(files[number % len(files)])
        dice = random.Random(number)
        left, top = (round(dice.uniform(0, 0.15) * side) for side in image.size)
        file = BytesIO()
        image.crop((left, top, image.width - left, image.height - top)).resize((240, 240)).save(file, "JPEG")
        data = file.getvalue()
        prepared = network.prepare(inception.load_image(data), (network.input_size,) * 2)
        first = network.classify(prepared).iloc[0]
        found.append((f"student-{number}.jpg", data, str(first["label"]), float(first["probability"])))
    return found


def rows(run: Run) -> Iterator[Row]:
    """Sessions on one server and on two, the faults, and the model. A short run: two students on one server."""
    if run.short:
        with run.server() as url:
            yield from measured([Row(f"{SHORT_SIZE} students: answers wrong or lost", "")], lambda: short(url))
        return
    models: list[Model] = []
    try:
        for servers in (1, 2):
            with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), servers) as site:
                models.append(fitted(site))
                for size in SIZES:
                    yield from measured(claims(size, servers), partial(in_numbers, site, size, servers, models[0]))
        crowd = Row(f"servers with a core each for {CROWD:,} students, by the model", "")
        yield from measured([crowd], lambda: past(models[0]))
        for what in FAULTS:
            with tempfile.TemporaryDirectory() as folder, running_site(Path(folder)) as site:
                claim = Row(f"{what} killed in the middle, {FAULT_SIZE} students: answered, and gone", "", 0.0)
                yield from measured([claim], partial(fault, site, what))
    except MissingError as error:
        yield Row("a class on a site with a proxy and PostgreSQL", "").without_value(error, failed=False)


def short(url: str) -> list[tuple[float, str]]:
    """Answers that are wrong or lost, of few students without pauses and without a room."""
    lesson = Lesson(url, "", known_pictures(SHORT_SIZE), pause=0, begin=0, clicks=1)
    lesson.run()
    return [(lesson.notes.wrong + lesson.notes.lost.total(), "")]


def claims(size: int, servers: int) -> list[Row]:
    """The rows of a class."""
    on = f"{size} students, {servers} server{'s' if servers > 1 else ''}"
    most = WITHIN if (size, servers) == (max(SIZES), 2) else None
    return [
        Row(f"{on}: requests a second", "/s"),
        Row(f"{on}: a click without a forward pass, when all are in, 95th percentile", "s", most),
        Row(f"{on}: the same, measured / model", "x"),
        Row(f"{on}: all open the app within {BEGIN:.0f} s, 95th percentile", "s"),
        Row(f"{on}: right after it an upload to its answer, 95th percentile", "s"),
        Row(f"{on}: the same, measured / model", "x"),
        Row(f"{on}: memory a session", "MB"),
        Row(f"{on}: answers wrong, mixed or lost", "", 0.0),
    ]


def in_numbers(site: Site, size: int, servers: int, model: Model) -> list[tuple[float, str]]:
    """What `claims` claims."""
    rooms, code, key = room(site.database)
    before = site.memory()
    lesson = Lesson(site.url, code, known_pictures(size))
    seconds = lesson.run()
    notes, memory = lesson.notes, (site.memory() - before) / size / 1e6
    kept = len(rooms.tallies(code, key)[-1].answers)
    bad = notes.wrong + notes.lost.total() + abs(notes.answered - kept)
    detail = f"{notes.wrong} wrong, {notes.lost.total()} lost {dict(notes.lost)}, "
    detail += f"{kept} of {notes.answered} answers kept"
    requests = sum(map(len, notes.seconds.values()))
    expected = model.seconds(size, servers, psutil.cpu_count() or 1)
    found = {what: notes.percentile(what, 95) for what in notes.seconds}
    against = {what: f"{found[what]:.2f} s / {expected[what]:.2f} s" for what in (CLICK, UPLOAD)}
    return [
        (requests / seconds, f"{requests} in {seconds:.0f} s"),
        (found[CLICK], f"median {notes.percentile(CLICK, 50):.2f} s"),
        (found[CLICK] / expected[CLICK], against[CLICK]),
        (found[OPEN], f"median {notes.percentile(OPEN, 50):.2f} s"),
        (found[UPLOAD], f"median {notes.percentile(UPLOAD, 50):.2f} s"),
        (found[UPLOAD] / expected[UPLOAD], against[UPLOAD]),
        (memory, f"{site.memory() / 1e6:,.0f} MB in all"),
        (bad, detail),
    ]


def room(database: str) -> tuple[Rooms, str, str]:
    """A room with a question: the rooms, its code, and the key of who steers it."""
    rooms = Rooms(database)
    code, key = rooms.open(f"teacher {time.monotonic_ns()}")
    rooms.lead(code, key, False)
    rooms.ask(code, key, Question(Kind.NUMBER, "Which number have you drawn?"))
    return rooms, code, key


def fitted(site: Site) -> Model:
    """What a lesson costs a server at rest: of one student after the other, when all servers have shown every page."""
    _rooms, code, _key = room(site.database)
    pictures = known_pictures(len(site.apps) + QUIET)
    lesson = Lesson(site.url, code, pictures)
    rounds = [alone(site, lesson, number) for number in range(len(pictures))][len(site.apps) :]
    passes = {UPLOAD: pass_seconds(pictures)}  # those of the sample at the opening run once for all
    mean = {what: mean_of([acts[what] for acts in rounds], passes.get(what, 0.0)) for what in rounds[0]}
    return Model(
        mean[OPEN], mean[UPLOAD], [mean[page] for page in PAGES], mean[ANSWER], mean[LOOK], CLICKS, PAUSE, BEGIN
    )


def alone(site: Site, lesson: Lesson, number: int) -> dict[str, Act]:
    """What each thing that a student does costs while nobody else is there; the proxy gives each another server."""
    with Student(site.url) as student:
        acts: dict[str, Callable[[], float]] = {
            OPEN: lambda: student.open(LIVE),
            UPLOAD: lambda: lesson.bring(student, number),
            **{page: partial(student.go, page) for page in PAGES},
            ANSWER: lambda: lesson.answer(student, number),
            LOOK: lambda: student.go("live"),
        }
        return {what: cost_of(site, act) for what, act in acts.items()}


def cost_of(site: Site, act: Callable[[], float]) -> Act:
    """What the servers and this program compute, and how long nobody does."""
    server, own, began = site.cpu_seconds(), time.process_time(), time.perf_counter()
    act()
    seconds, own = time.perf_counter() - began, time.process_time() - own
    time.sleep(AFTER)
    page = site.cpu_seconds() - server
    return Act(page, own=own, still=max(0.0, seconds - page - own))


def mean_of(acts: Sequence[Act], passes: float) -> Act:
    """The mean; as many seconds of the server's as `passes` are those of forward passes."""
    page, own, still = (sum(getattr(act, name) for act in acts) / len(acts) for name in ("page", "own", "still"))
    return Act(max(0.0, page - passes), min(passes, page), own, still)


def pass_seconds(pictures: Sequence[Picture]) -> float:
    """What the passes of a picture of one's own take, as measured in this process."""
    network = networks.predictor(NETWORK, WEIGHTS)
    seconds = []
    for _name, data, _label, _probability in pictures:
        prepared = network.prepare(inception.load_image(data), (network.input_size,) * 2)
        began = time.process_time()
        says_none(network, network.classify(prepared), prepared)
        seconds.append(time.process_time() - began)
    return median(seconds)  # the first one loads the other networks


def past(model: Model) -> list[tuple[float, str]]:
    """How many servers a crowd needs."""
    servers = model.servers(CROWD, WITHIN)
    if servers is None:
        raise ValueError(f"a click takes {model.seconds(1)[CLICK]:.2f} s where nobody else is")
    each = -(-CROWD // servers)
    click = sum(act.page for act in model.clicks) / len(model.clicks)
    upload = model.upload.page + model.upload.passes
    detail = f"{each} students each; a click costs {click * 1e3:.0f} ms of a core, an upload {upload * 1e3:.0f} ms"
    detail += f"; 95 of 100 clicks within {WITHIN:.0f} s, a click every {PAUSE:.0f} s"
    detail += f"; at the beginning an upload takes {model.seconds(each)[UPLOAD]:.0f} s"
    return [(servers, detail)]


def fault(site: Site, what: str) -> list[tuple[float, str]]:
    """Answers that were said to be in and are not in the database, or are another's picture's; the rest in words."""
    rooms, code, key = room(site.database)
    lesson = Lesson(site.url, code, known_pictures(FAULT_SIZE))
    lesson.run(partial(FAULTS[what], site))
    notes = lesson.notes
    kept = len(rooms.tallies(code, key)[-1].answers)
    says = f"{kept} of {notes.answered} answers kept, {notes.broken} connections broken and made again"
    says += f", {notes.gone} pictures brought again, {notes.lost.total()} clicks given up {dict(notes.lost)}"
    return [(max(0, notes.answered - kept) + notes.wrong, says)]


def restart_database(site: Site) -> None:
    """Kills PostgreSQL and starts it again some seconds later."""
    command = site.kill_database()
    time.sleep(OUT)
    site.start_database(command)


def restart_proxy(site: Site) -> None:
    """Kills the proxy and starts it again."""
    site.kill_proxy()
    time.sleep(OUT)
    site.start_proxy()


FAULTS: dict[str, Callable[[Site], None]] = {
    "an app server": lambda site: site.kill_app(0),
    "the database": restart_database,
    "the proxy": restart_proxy,
}
