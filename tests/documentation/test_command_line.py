"""The page of all commands is up to date."""

from docs.write_command_line import PAGE, render


def test_the_page_of_all_commands_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make generate`"
