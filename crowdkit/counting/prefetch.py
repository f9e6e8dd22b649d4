"""Reading ahead: files are decoded by threads while the network is at work on the ones before."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")

# Bytes that may lie ready; a single item may be larger.
READY_BYTES = 2**29


def prefetch(
    items: Iterable[Item],
    load: Callable[[Item], Loaded],
    *,
    threads: int,
    weigh: Callable[[Item], int] = lambda _item: 0,
    limit: int = READY_BYTES,
) -> Generator[tuple[Item, Future[Loaded]], None, None]:
    """Load items in threads, a few ahead of the one that is looked at, and give them in their order.

    At most ``2 * threads`` items are being loaded or lie ready, and together weigh at most ``limit``, unless a
    single one is heavier. Close the generator to be rid of the threads at once (``contextlib.closing``); what is
    being loaded is finished first.

    Args:
        items: What to load.
        load: Loads one; called in a thread.
        threads: How many; with 0 every item is loaded when its turn comes.
        weigh: Says beforehand how many bytes one will take.
        limit: Bytes that may lie ready.

    Yields:
        Each item with its future, whose ``result()`` raises what ``load`` raised.

    Examples:
        >>> [(item, loaded.result()) for item, loaded in prefetch([1, 2, 3], str, threads=2)]
        [(1, '1'), (2, '2'), (3, '3')]
    """
    if threads == 0:
        for item in items:
            yield item, _at_once(load, item)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="crowdkit-reader")
    ready: deque[tuple[Item, int, Future[Loaded]]] = deque()
    weight = 0
    try:
        for item in items:
            own = weigh(item)
            while ready and (len(ready) >= 2 * threads or weight + own > limit):
                first, lighter, future = ready.popleft()
                yield first, future
                weight -= lighter
            ready.append((item, own, pool.submit(load, item)))
            weight += own
        while ready:
            first, _, future = ready.popleft()
            yield first, future
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _at_once(load: Callable[[Item], Loaded], item: Item) -> Future[Loaded]:
    done: Future[Loaded] = Future()
    try:
        done.set_result(load(item))
    except Exception as error:  # told by result(), as a thread's would be
        done.set_exception(error)
    return done
