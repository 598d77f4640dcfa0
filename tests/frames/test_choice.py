"""Every picture is of exactly one layout, or of the radar itself."""

from hypothesis import given
from hypothesis import strategies as st

from radar_cleaner.frames.choice import Claim, PictureChoice

SIZES = [(30, 20), (24, 16), (10, 10)]
periods = st.none() | st.tuples(st.integers(0, 9), st.integers(1, 5)).map(lambda p: ((p[0], p[0] + p[1]),))
claims = st.builds(Claim, period=periods, size_px=st.none() | st.sampled_from(SIZES))


@given(st.lists(claims, max_size=3), st.integers(0, 14), st.sampled_from([None, *SIZES]))
def test_a_picture_is_of_the_first_layout_that_claims_it_else_of_the_radar(layouts, time, size):
    choices = [PictureChoice(others=tuple(layouts))]
    choices += [PictureChoice(own=own, others=tuple(layouts[:number])) for number, own in enumerate(layouts)]
    taken = [choice.takes(time, size) for choice in choices]
    assert taken.count(True) == 1
    first = next((number for number, own in enumerate(layouts, 1) if own.takes(time, size)), 0)
    assert taken.index(True) == first
    assert all(choice.at(time) for choice, takes in zip(choices, taken, strict=True) if takes)


def test_a_picture_that_cannot_be_read_is_of_no_size():
    by_size = Claim(size_px=SIZES[0])
    assert not PictureChoice(own=by_size).takes(0, None)
    assert PictureChoice(others=(by_size,)).takes(0, None)


def test_a_choice_goes_through_a_flag():
    choice = PictureChoice(own=Claim(period=((1, 2),), size_px=SIZES[0]), others=(Claim(),))
    assert PictureChoice.from_flag(choice.to_flag()) == choice
