rule vote_echoes:
    """
    Combine the votes on each echo into the training target: colour says rain (`votes.colour`), a thin or
    small echo says no (`votes.area`), the clutter atlas says no (`votes.atlas`).
    """
    input:
        labels="<results>/labels/{radar}/{shard}.zarr/zarr.json",
        atlas="<results>/atlas/{radar}.zarr/zarr.json",
        code=code("vote_echoes"),
    output:
        store="<results>/targets/{radar}/{shard}.zarr/zarr.json",
    log:
        "<logs>/vote_echoes/{radar}/{shard}.log",
    benchmark:
        "<benchmarks>/vote_echoes/{radar}/{shard}.tsv"
    conda:
        "../../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=by_frames("vote_echoes"),
        lanes=1,
    params:
        colour=flag("--colour-weight", config["votes"]["colour"]),
        area=flag("--area-weight", config["votes"]["area"]),
        atlas=flag("--atlas-weight", config["votes"]["atlas"]),
        codec=flag("--codec", config["stores"]["codec"]),
    shell:
        "python -m radar_cleaner vote-echoes"
        " --labels {input.labels:q}"
        " --atlas {input.atlas:q}"
        " {params.colour:q}"
        " {params.area:q}"
        " {params.atlas:q}"
        " {params.codec:q}"
        " --output {output.store:q}"
        " 2> {log:q}"


rule split_samples:
    """
    Write the tables of training and validation samples: blocks of `samples.block_minutes`, the share
    `validation` of them for validation, `purge_minutes` between what the two read.
    """
    input:
        labels=stores("labels", plan.pairs("training")),
        code=code("split_samples"),
    output:
        train="<results>/samples/train.csv",
        val="<results>/samples/val.csv",
    log:
        "<logs>/split_samples.log",
    benchmark:
        "<benchmarks>/split_samples.tsv"
    conda:
        "../../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", plan.store_flags("training")),
        input_minutes=flag("--input-minutes", config["samples"]["input_minutes"]),
        lead_minutes=flag("--lead-minutes", config["samples"]["lead_minutes"]),
        validation=flag("--validation", config["samples"]["validation"]),
        block_minutes=flag("--block-minutes", config["samples"]["block_minutes"]),
        purge_minutes=flag("--purge-minutes", config["samples"]["purge_minutes"]),
    shell:
        "python -m radar_cleaner split-samples"
        " {params.results:q}"
        " {params.stores:q}"
        " {params.input_minutes:q}"
        " {params.lead_minutes:q}"
        " {params.validation:q}"
        " {params.block_minutes:q}"
        " {params.purge_minutes:q}"
        " --train {output.train:q}"
        " --val {output.val:q}"
        " 2> {log:q}"


rule prepare:
    """Target: everything up to the training, without training."""
    input:
        stores("labels", plan.pairs()),
        stores("aligned", plan.pairs()),
        stores("targets", plan.pairs("training")) if plan.trains else [],
        rules.split_samples.output if plan.trains else [],
        expand("<results>/atlas/{radar}.zarr/zarr.json", radar=plan.radars) if plan.uses_atlas else [],
        static_stores(plan.radars),
        unplaced_tables(),
