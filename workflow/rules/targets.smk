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
        neighbours=lambda wildcards: stores("reflectivity", label_neighbours(wildcards)),
        atlas=lambda wildcards: (
            [f"<results>/atlas/{wildcards.radar}.zarr/zarr.json"] if settings.votes.reads("atlas") else []
        ),
        aligned=lambda wildcards: (
            stores("aligned", [(wildcards.radar, wildcards.shard)]) if label_radars(wildcards) else []
        ),
        other_warps=lambda wildcards: [
            f"<results>/warp/{wildcards.radar}/{other}.zarr/zarr.json" for other in label_radars(wildcards)
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
        sources=lambda wildcards, input: (
            flag("--neighbours", list(input.neighbours))
            + flag("--atlas", list(input.atlas))
            + flag("--aligned", list(input.aligned))
            + flag("--other-warps", list(input.other_warps))
        ),
        masks=mask_flags,
        labels=lambda wildcards: plan.radars[wildcards.radar].labels.cut(Morphology).to_flag(),
        votes=lambda wildcards: section(
            "votes", LabelModel, () if label_masks(wildcards) else ("reference_weight",)
        ),
        cadence=["--cadence", section("frames", Cadence)] if settings.votes.reads("neighbours") else [],
        stores=section("stores"),
    shell:
        "python -m radar_cleaner label-echoes"
        " --reflectivity {input.reflectivity:q}"
        " {params.sources:q}"
        " {params.masks:q}"
        " --labels {params.labels:q}"
        " --votes {params.votes:q}"
        " {params.cadence:q}"
        " --stores {params.stores:q}"
        " --output {output.store:q}"
        " --labelers {output.labelers:q}"
        " 2> {log:q}"


rule split_samples:
    """
    Write the tables of training and validation samples: blocks of `samples.block_minutes`, the share
    `validation` of them for validation, `purge_minutes` between the frames that both read.
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
        results=lambda wildcards: settings.results,
        stores=flag("--stores", plan.store_flags("training")),
        samples=section("samples", Split),
    shell:
        "python -m radar_cleaner split-samples"
        " --results {params.results:q}"
        " {params.stores:q}"
        " --samples {params.samples:q}"
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
        frame_tables(),
