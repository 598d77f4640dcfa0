"""Which config files hold. This file alone reads what Snakemake does not document: `workflow.configfiles`.

Snakemake merges a config file of the command line over the one that a Snakefile names. So the radars and periods of
the demo would remain in the config of a user who left out a key. No public way tells whether `--configfile` was given:
`config` looks alike after `--config`, which is merged over the demo as everybody expects.
"""

import os

from snakemake.logging import logger

CONFIG_FILES = [os.path.relpath(name) for name in workflow.configfiles]

if not CONFIG_FILES:
    CONFIG_FILES = ["config/config.yaml"]

    configfile: "config/config.yaml"

elif os.path.exists("config/config.yaml") and "config/config.yaml" not in CONFIG_FILES:
    logger.info(f"{', '.join(CONFIG_FILES)}: takes the place of config/config.yaml, which is not read.")
