rule label_echoes:
    """
    Label the echoes of a shard: add the log-odds of the labelers, each times its weight in `votes`. Labelers look
    at the colour, the echo around, the shape across the beam, the area (`labels.opening_px`, `closing_px`,
    `min_area_px`), the clutter atlas, the neighbours in time, the other radars, and a user's masks of the training
    period. Neighbours are of the same period, so that training does not depend on evaluation. The sign of the sum
    is the training target; below `votes.min_confidence` it is unknown.
    """
    input:
        reflectivity="<results>/reflectivity/{radar}/{shard}.zarr/zarr.json",
        neighbours=lambda wildcards: stores("reflectivity", near_in_time(wildcards)),
        atlas=lambda wildcards: (
            [f"<results>/atlas/{wildcards.radar}.zarr/zarr.json"] if config["votes"]["atlas"] else []
        ),
        aligned=lambda wildcards: (
            stores("aligned", [(wildcards.radar, wildcards.shard)]) if others_asked(wildcards) else []
        ),
        other_warps=lambda wildcards: [
            f"<results>/warp/{wildcards.radar}/{other}.zarr/zarr.json" for other in others_asked(wildcards)
        ],
        masks=lambda wildcards: plan.training_masks(wildcards.radar, wildcards.shard),
    output:
        store="<results>/labels/{radar}/{shard}.zarr/zarr.json",
        labelers="<results>/labels/{radar}/{shard}.labelers.csv",
    log:
        "<logs>/label_echoes/{radar}/{shard}.log",
    benchmark:
        "<benchmarks>/label_echoes/{radar}/{shard}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=by_frames("label_echoes"),
        lanes=1,
    params:
        code=code("label_echoes"),
        asked=lambda wildcards, input: (
            flag("--neighbours", list(input.neighbours))
            + flag("--atlas", list(input.atlas))
            + flag("--aligned", list(input.aligned))
            + flag("--other-warps", list(input.other_warps))
        ),
        cadence=flag(
            "--cadence-minutes",
            config["frames"]["cadence_minutes"] if config["votes"]["persistence"] else None,
        ),
        masks=mask_flags,
        opening=flag("--opening", of_radar("labels", "opening_px")),
        closing=flag("--closing", of_radar("labels", "closing_px")),
        min_area=flag("--min-area", of_radar("labels", "min_area_px")),
        weights=flags(
            config["votes"],
            colour="--colour-weight",
            density="--density-weight",
            spoke="--spoke-weight",
            area="--area-weight",
            atlas="--atlas-weight",
            persistence="--persistence-weight",
            others="--others-weight",
        ),
        min_confidence=flags(config["votes"], "min_confidence"),
        codec=flag("--codec", config["stores"]["codec"]),
    shell:
        "python -m radar_cleaner label-echoes"
        " --reflectivity {input.reflectivity:q}"
        " {params.opening:q}"
        " {params.closing:q}"
        " {params.min_area:q}"
        " {params.asked:q}"
        " {params.cadence:q}"
        " {params.masks:q}"
        " {params.weights:q}"
        " {params.min_confidence:q}"
        " {params.codec:q}"
        " --output {output.store:q}"
        " --labelers {output.labelers:q}"
        " 2> {log:q}"


rule split_samples:
    """
    Write the tables of training and validation samples: blocks of `samples.block_minutes`, the share
    `validation` of them for validation, `purge_minutes` between what the two read.
    """
    input:
        reflectivity=stores("reflectivity", plan.pairs("training")),
    output:
        train="<results>/samples/train.csv",
        val="<results>/samples/val.csv",
    log:
        "<logs>/split_samples.log",
    benchmark:
        "<benchmarks>/split_samples.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        code=code("split_samples"),
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
        stores("reflectivity", plan.pairs()),
        stores("aligned", plan.pairs()),
        stores("labels", plan.pairs("training")) if plan.trains else [],
        ["<results>/samples/train.csv", "<results>/samples/val.csv"] if plan.trains else [],
        expand("<results>/atlas/{radar}.zarr/zarr.json", radar=plan.radars) if plan.uses_atlas else [],
        static_stores(plan.radars),
        unplaced_tables(),
