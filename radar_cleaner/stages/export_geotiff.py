"""Write a GeoTIFF for each time of a product."""

from __future__ import annotations

import logging
from pathlib import Path

from radar_cleaner.products.geotiff import write_geotiff
from radar_cleaner.storage.atomic import format_rows, write_text
from radar_cleaner.storage.reader import open_store
from radar_cleaner.storage.shards import format_time

log = logging.getLogger(__name__)


def export_geotiff(*, product: Path, output: Path) -> None:
    """Write a GeoTIFF for each time of a product, and a table of them.

    Parameters
    ----------
    product
        Product of a radar or of all radars.
    output
        Table (time, file) to write; the GeoTIFFs are beside it, `CASGO_20240711T120600Z.tif`.
    """
    store = open_store(product, "product")
    prefix = str(store.attrs.get("radar", "composite"))
    rows = []
    for index, time in enumerate(store.times.tolist()):
        text = format_time(time)
        file = output.parent / f"{prefix}_{text.replace('-', '').replace(':', '')}.tif"
        write_geotiff(file, store, index, time)
        rows.append((text, file.name))
    # Remove the GeoTIFFs of frames that are gone. Their names begin with the shard, as their times do.
    for stale in output.parent.glob(f"{prefix}_{store.path.stem}*.tif"):
        if stale.name not in {name for _, name in rows}:
            stale.unlink()
    # Written last: if the table exists, its GeoTIFFs are complete.
    write_text(output, format_rows(["time", "file"], rows))
    log.info("%s: %d GeoTIFFs in %s", store.path, len(rows), output.parent)
