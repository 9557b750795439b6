"""The fair lock and the places with real threads, and memory that runs out."""

import os
import random
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest
import torch

from inception.runtime import turns
from inception.runtime.turns import Asker, BusyError, FairLock, OutOfMemory, Places, Rank, before_you, enough_memory

CPU = torch.device("cpu")
PATIENCE = 30  # seconds until a test fails that would otherwise hang


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def start(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def test_first_come_first_served() -> None:
    lock, served = FairLock(), list[int]()

    def ask(number: int) -> None:
        with lock:
            served.append(number)

    threads = []
    with lock:
        for number in range(20):
            threads.append(start(lambda number=number: ask(number)))  # type: ignore[misc]
            wait_until(lambda number=number: lock.waiting == number + 1)  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE)
    assert served == list(range(20))
    assert not lock.locked()


def test_long_work_lets_others_in_between_its_steps() -> None:
    """With `threading.Lock` whoever works in a loop takes it again before the one that waits has woken up."""
    lock, served = FairLock(), list[str]()

    def visit() -> None:
        with lock:
            served.append("visitor")

    def work() -> None:
        for step in range(3):
            with lock:
                served.append(f"step {step}")
                if step == 0:
                    visitors.append(start(visit))
                    wait_until(lambda: lock.waiting == 1)

    visitors: list[threading.Thread] = []
    start(work).join(PATIENCE)
    visitors[0].join(PATIENCE)
    assert served == ["step 0", "visitor", "step 1", "step 2"]


def test_an_error_hands_the_lock_on() -> None:
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    assert not lock.locked()
    assert lock.acquire(timeout=0)
    lock.release()


def test_who_gives_up_leaves_the_queue() -> None:
    lock, served, gave_up = FairLock(), list[str](), list[bool]()

    def patient() -> None:
        with lock:
            served.append("patient")

    with lock:
        impatient = start(lambda: gave_up.append(not lock.acquire(timeout=0.05)))
        wait_until(lambda: lock.waiting == 1)
        thread = start(patient)
        impatient.join(PATIENCE)
        assert gave_up == [True]
        assert lock.waiting == 1
        assert served == []
    thread.join(PATIENCE)
    assert served == ["patient"]
    assert not lock.locked()


def test_an_interrupted_wait_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_event: threading.Event, _timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    lock = FairLock()
    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lock.acquire()
    monkeypatch.undo()
    assert lock.acquire(timeout=0)
    lock.release()


def test_never_two_at_once_however_many_give_up() -> None:
    lock, inside, most, served = FairLock(), list[int](), list[int](), list[int]()

    def visit(number: int) -> None:
        chance = random.Random(number)
        for _ in range(30):
            if lock.acquire(chance.choice([None, 0.0, 0.0005])):
                inside.append(number)
                most.append(len(inside))
                time.sleep(chance.choice([0, 0.0005]))
                inside.remove(number)
                served.append(number)
                lock.release()

    threads = [start(lambda number=number: visit(number)) for number in range(8)]  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE)
    assert max(most) == 1
    assert set(served) == set(range(8))
    assert not lock.locked()
    assert lock.waiting == 0


def test_waiting_for_oneself_is_an_error_instead_of_for_ever() -> None:
    lock = FairLock()
    with lock, pytest.raises(RuntimeError, match="has its turn already"):
        lock.acquire()
    with pytest.raises(RuntimeError, match="does not have its turn"):
        lock.release()
    assert not lock.locked()


class Askers(threading.local):
    """Who each thread of a test works for."""

    me = Asker()


@pytest.fixture
def askers(monkeypatch: pytest.MonkeyPatch) -> Askers:
    found = Askers()
    monkeypatch.setattr(turns, "_application", lambda: found.me)
    monkeypatch.setattr(turns, "LOOK", 0.001)
    return found


def test_a_class_goes_first_and_its_teacher_before_it_but_nobody_waits_for_ever(askers: Askers) -> None:
    lock, served = FairLock(), list[str]()

    def ask(name: str, rank: Rank) -> None:
        askers.me = Asker(name, rank)
        with lock:
            served.append(name)

    asked = ["v0", "v1", "c0", "t0", "c1", "t1", "c2"]
    ranks = {"v": Rank.VISITOR, "c": Rank.CLASS, "t": Rank.TEACHER}
    threads = []
    with lock:
        for number, name in enumerate(asked):
            threads.append(start(lambda name=name: ask(name, ranks[name[0]])))  # type: ignore[misc]
            wait_until(lambda number=number: lock.waiting == number + 1)  # type: ignore[misc]
    for thread in threads:
        thread.join(PATIENCE)
    # c0, t0 and c1 went before both visitors, who then let nobody else pass.
    assert served == ["t0", "c0", "c1", "v0", "v1", "t1", "c2"]


def test_a_place_for_each_session_and_a_queue_that_says_how_many_are_before(askers: Askers) -> None:
    places, told, order = Places(most=2), dict[str, list[int]](), list[str]()
    ends = {name: threading.Event() for name in ("a", "a again", "b", "c", "t")}

    def work(name: str) -> None:
        askers.me = Asker(name.split()[0], Rank.TEACHER if name == "t" else Rank.VISITOR)
        with places.place(told.setdefault(name, []).append):
            order.append(name)
            ends[name].wait(PATIENCE)

    threads = []
    for number, name in enumerate(["a", "a again", "b", "c", "t"]):
        threads.append(start(lambda name=name: work(name)))  # type: ignore[misc]
        wait_until(lambda number=number: places.working + places.waiting == number + 1)  # type: ignore[misc]
    wait_until(lambda: order == ["a", "b"])  # a session has one place
    wait_until(lambda: [told[name][-1] for name in ("t", "a again", "c")] == [0, 1, 2])
    assert places.working == 2
    ends["b"].set()
    wait_until(lambda: order == ["a", "b", "t"])
    for name in ("a", "t"):
        ends[name].set()
    wait_until(lambda: order[3:] == ["a again", "c"] or order[3:] == ["c", "a again"])
    for end in ends.values():
        end.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert (places.working, places.waiting) == (0, 0)


def test_who_stops_waiting_leaves_the_queue_and_a_full_one_refuses(askers: Askers) -> None:
    def click(before: int) -> None:
        raise InterruptedError(before)

    def work() -> None:
        with places.place():
            served.append(places.working)

    places, served = Places(most=1, most_waiting=1), list[int]()
    with places.place():
        askers.me = Asker("another")
        with pytest.raises(InterruptedError, match="0"), places.place(click):
            pass
        assert places.waiting == 0
        waits = start(work)
        wait_until(lambda: places.waiting == 1)
        with pytest.raises(BusyError, match=r"^1 reader waits .* try again"), places.place():
            pass
        assert places.refused == 1
    waits.join(PATIENCE)
    assert served == [1], "the next one had it"


def test_what_is_said_of_the_place_in_the_queue() -> None:
    assert "you are next" in before_you(0)
    assert "1 reader is before you" in before_you(1)
    assert "3 readers are before you" in before_you(3)


ALLOCATOR = "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(ALLOCATOR),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=str,
)
def test_out_of_memory_is_one_sentence(error: Exception) -> None:
    with pytest.raises(OutOfMemory) as caught, enough_memory(CPU, "Too little for inception_v4."):
        raise error
    assert str(caught.value) == "Too little for inception_v4."


def test_pytorchs_own_complaint_is_understood() -> None:
    with pytest.raises(OutOfMemory), enough_memory(CPU, "run"):
        torch.empty(2**60, dtype=torch.uint8)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes") as caught, enough_memory(CPU, "run"):
        raise RuntimeError("shapes do not match")
    assert not isinstance(caught.value, OutOfMemory)
    with pytest.raises(OutOfMemory, match="inner"), enough_memory(CPU, "outer"), enough_memory(CPU, "inner"):
        raise MemoryError


def test_what_the_failed_attempt_held_is_free_while_the_error_is_handled() -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    def run() -> None:
        activations = torch.zeros(1000)
        held.append(weakref.ref(activations))
        raise RuntimeError(ALLOCATOR)

    try:
        with enough_memory(CPU, "run"):
            run()
    except OutOfMemory:
        assert held[0]() is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch brings GNU's OpenMP on Linux only")
def test_threads_of_a_command_that_wait_do_not_spin() -> None:
    """As in tests/test_imports.py: what OpenMP has read when torch was loaded, which here the command line does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP")}
    run = subprocess.run(
        [sys.executable, "-m", "inception", "table", "inception_resnet_v1", "--size", "75", "--top", "1"],
        env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "GOMP_SPINCOUNT = '0'" in run.stderr
