"""The only uses of Snakemake's undocumented attributes. Each item names what the documented interface lacks.

- `workflow.configfiles`: whether `--configfile` was given. Snakemake merges that file over the one that a Snakefile
  names, so that radars and periods of the demo would remain in the config of a user who leaves them out. The global
  `config` looks alike after `--config`, which is merged over the demo as everybody expects.
- `workflow.storage_settings`: the folder of fetched objects, which `--local-storage-prefix` may change.
- `workflow.is_main_process`: whether this process plans the run. Processes that a run starts for its jobs do not
  print the warnings of the plan again.
- `workflow.iocache`: that an object exists. The plan has listed all objects by few requests. Snakemake's storage plugin
  sends three for each object, at every call: hours for the archive of a year.
"""

import os
from pathlib import Path

from snakemake.logging import logger

CONFIG_FILES = [os.path.relpath(name) for name in workflow.configfiles]
# Below it are the copies of objects while a job reads them.
COPIES = str(workflow.storage_settings.local_storage_prefix / "s3")

PLANS_A_RUN = workflow.is_main_process

if not CONFIG_FILES:
    CONFIG_FILES = ["config/config.yaml"]

    configfile: "config/config.yaml"

elif os.path.exists("config/config.yaml") and "config/config.yaml" not in CONFIG_FILES:
    logger.info(f"{', '.join(CONFIG_FILES)}: takes the place of config/config.yaml, which is not read.")


def fetched(address):
    """Return an object that Snakemake fetches before the job, without asking the store whether it exists."""
    copy = storage.s3(address)
    if workflow.iocache.active:
        workflow.iocache.exists_in_storage[str(copy)] = True
    return copy
