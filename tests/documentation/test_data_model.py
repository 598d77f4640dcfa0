"""The page on the stores is what their specs give."""

from docs.write_data_model import PAGE, render


def test_the_page_on_the_stores_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run make generate"
