"""Print and draw one sample as the network receives it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from radar_cleaner.errors import SampleError
from radar_cleaner.models.registry import load_code
from radar_cleaner.plotting.samples import sample_figure
from radar_cleaner.plotting.style import write_png
from radar_cleaner.storage.paths import Layout
from radar_cleaner.targets.splits import read_samples
from radar_cleaner.training.sample_view import choose_inputs, choose_row, training_of, view_sample


def show_sample(
    *,
    results: Path,
    split: Literal["train", "val", "test"] = "train",
    index: int | None = None,
    time: str | None = None,
    radar: str | None = None,
    model: Path | None = None,
    epoch: int | None = None,
    input_minutes: list[int] | None = None,
    code: Path | None = None,
    output: Path = Path("sample.png"),
) -> None:
    """Print and draw one sample: the input channels of a network, its targets, and the hidden pixels.

    Parameters
    ----------
    results
        Folder of the run.
    split
        Table of samples: train, val or test.
    index
        Row of the table, from 0. Without it and a time, the first row (of the radar, if one is given).
    time
        Time of the sample, for example 2024-07-11T13:00Z.
    radar
        Radar of the sample, where several have this time; by default the first.
    model
        Model file whose channels are shown; by default that of the run, model/best.pt, if it exists.
    epoch
        Show the first crop of the sample that the training of `model` made in this epoch, from 0, with its flips,
        rotations, masks and artefacts. Only for training samples. Artefacts take the nearest code that
        occurs in the sample's own frames. Without it, the whole frame is shown with the masks of a
        validation.
    input_minutes
        Minutes from the sample's time to the input frames, rising and with 0, instead of a model's. The
        channels are then those of these times, of the clutter atlas, and the polar channels. Without a
        model they are -6, 0 and 6.
    code
        Python file of a network of your own.
    output
        Figure to write.
    """
    load_code(code)
    rows, layout = read_samples(results / "samples" / f"{split}.csv"), Layout(results)
    row = choose_row(rows, split, index, time, radar)
    sample = rows[row]
    parameters = None if epoch is None else training_of(model, epoch, split)
    inputs = choose_inputs(layout, sample.radar, model, input_minutes)
    try:
        view = view_sample(layout, sample, row, inputs, parameters, epoch or 0)
    except SampleError as error:
        if model is not None or input_minutes is not None:
            raise
        raise SampleError(
            f"{error}. The input times were {list(inputs.input_minutes)} minutes; if the run has others, give"
            " --input-minutes or --model"
        ) from None
    print(f"{sample}: row {row} of {len(rows)} in {split}.csv; {view.describe_crop()}")
    print("\n".join([*view.describe_channels(), *view.describe_targets()]))
    write_png(output, sample_figure(f"{sample} ({split})", view.channels, view.targets))
    print(f"drawn in {output}")
