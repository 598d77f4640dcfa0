"""`init` finds box, cadence and radars of imitated services."""

from pathlib import Path

import pytest

from benchmarks import imitations
from benchmarks.first_day import row

NAMES = {imitation.name: imitation for imitation in imitations.IMITATIONS}


@pytest.mark.parametrize(
    ("name", "colours", "to_write"),
    [
        ("bom_like", "of the service", 2),
        ("ridge_like", "of the service", 1),
        ("hko_like", "legend, 10 classes", 4),
        ("mosaic_like", "nws_ridge", 3),
        ("bangkok_like", "legend, 13 classes", 7),
    ],
)
def test_imitated_services_are_read(
    name: str, colours: str, to_write: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imitations, "FRAMES", 4)
    imitation = NAMES[name]
    imitations.write_frames(imitation, tmp_path)
    cells = [cell.strip() for cell in row(name, tmp_path, imitation).strip("|").split("|")]
    assert cells[1] == str(len(imitation.file_names))
    assert cells[3] == str(imitation.cadence_minutes)
    assert cells[4] == f"{list(imitation.plot_box)} (edges)"
    assert (cells[5], cells[8]) == (colours, str(to_write))
