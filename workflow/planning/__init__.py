"""What the workflow decides before any job runs: the config, the archive's shards, the code a rule depends on."""
