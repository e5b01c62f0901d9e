from threading import Barrier, Thread

from recsys.kernels.thread_local import ThreadLocal


def test_a_thread_has_one_memory_and_no_other_thread_has_it() -> None:
    scratch: ThreadLocal[list[int]] = ThreadLocal(list)
    together = Barrier(3)
    found: list[list[list[int]]] = []

    def work() -> None:
        first = scratch.get()
        together.wait(timeout=30)
        found.append([first, scratch.get()])

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(first is again for first, again in found)
    assert len({id(first) for first, _ in found}) == 3


def test_memory_is_made_when_it_is_first_asked_for_and_once() -> None:
    made: list[list[int]] = []

    def make() -> list[int]:
        made.append([])
        return made[-1]

    scratch = ThreadLocal(make)
    assert not made
    scratch.get().append(7)
    assert scratch.get() == [7]
    assert len(made) == 1
