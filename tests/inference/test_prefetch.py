"""Work in another thread: in order, ahead but not far, and its errors are told."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.inference.prefetch import in_thread


@given(st.lists(st.integers()), st.integers(0, 4))
def test_results_come_in_the_order_of_the_items(items, ahead):
    assert list(in_thread(lambda item: item * 2, iter(items), ahead)) == [item * 2 for item in items]


def test_the_work_is_done_in_another_thread_and_never_far_ahead():
    done = []

    def work(item):
        done.append(item)
        return threading.get_ident()

    threads = set()
    for number, thread in enumerate(in_thread(work, range(50), ahead=2)):
        assert len(done) <= number + 3
        threads.add(thread)
    assert len(threads) == 1 and threading.get_ident() not in threads and done == list(range(50))


def test_items_are_made_where_results_are_asked_for():
    made = []

    def items():
        for item in range(3):
            made.append(threading.get_ident())
            yield item

    list(in_thread(str, items()))
    assert set(made) == {threading.get_ident()}


def test_an_error_is_raised_where_its_result_would_come():
    results = in_thread(lambda item: 1 // item, [2, 1, 0, 5])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
