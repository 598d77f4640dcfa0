"""Work in another thread: in order, a few items in advance, with its errors."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.inference.prefetch import map_in_thread


@given(st.lists(st.integers()), st.integers(0, 4))
def test_results_come_in_the_order_of_the_items(items, prefetch):
    assert list(map_in_thread(lambda item: item * 2, iter(items), prefetch)) == [item * 2 for item in items]


def test_the_work_is_done_in_another_thread_at_most_prefetch_items_in_advance():
    done = []

    def work(item):
        done.append(item)
        return threading.get_ident()

    threads = set()
    for number, thread in enumerate(map_in_thread(work, range(50), prefetch=2)):
        assert len(done) <= number + 3
        threads.add(thread)
    assert len(threads) == 1 and threading.get_ident() not in threads and done == list(range(50))


def test_items_are_taken_in_the_thread_of_the_caller():
    made = []

    def items():
        for item in range(3):
            made.append(threading.get_ident())
            yield item

    list(map_in_thread(str, items()))
    assert set(made) == {threading.get_ident()}


def test_an_error_is_raised_in_place_of_its_result():
    results = map_in_thread(lambda item: 1 // item, [2, 1, 0, 5])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
