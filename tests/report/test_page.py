"""The parts of the page."""

import pytest
from report_cases import SVG

from radar_cleaner.errors import ConfigError
from radar_cleaner.report.page import count_of, embed_svg


def test_nouns_agree_with_their_number():
    assert [count_of(number, "frame") for number in (0, 1, 2000)] == ["0 frames", "1 frame", "2,000 frames"]


@pytest.mark.parametrize("text", ["", "<svg", "<html></html>"])
def test_a_file_that_is_not_svg_is_refused_by_name(text):
    assert embed_svg(SVG.encode(), "graph.svg").startswith("data:image/svg+xml;base64,")
    with pytest.raises(ConfigError, match=r"graph\.svg"):
        embed_svg(text.encode(), "graph.svg")
