"""The next batch is cut beforehand in another thread, and used only if it is the batch that is asked for."""

import threading
import time

import pytest

from radar_cleaner.datasets.prefetch import BatchPrefetcher


def test_a_batch_that_was_begun_is_not_cut_again():
    cuts = []

    def cut(items, epoch):
        cuts.append((list(items), epoch, threading.get_ident()))
        return len(cuts)

    ahead = BatchPrefetcher(cut)
    ahead.begin([1, 2], 0)
    assert ahead.take([1, 2], 0) == 1
    assert ahead.take([1, 2], 0) == 2  # it was taken; this is a second one
    ahead.begin([3], 0)
    assert ahead.take([3], 1) in (3, 4)  # of another epoch
    while len(cuts) < 4:  # a batch that was begun is cut to its end
        time.sleep(0.01)
    here = threading.get_ident()
    assert [(items, epoch) for items, epoch, thread in cuts if thread == here] == [([1, 2], 0), ([3], 1)]
    assert [(items, epoch) for items, epoch, thread in cuts if thread != here] == [([1, 2], 0), ([3], 0)]


def test_an_error_is_raised_by_who_takes_the_batch():
    ahead = BatchPrefetcher(lambda items, epoch: 1 // len(items))
    ahead.begin([], 0)
    with pytest.raises(ZeroDivisionError):
        ahead.take([], 0)
