rule list_unplaced_frames:
    """
    List the pictures of a radar without a readable time in their name; no shard contains them. With
    `frames.on_bad_frame: fail` the first of them stops the run.
    """
    output:
        table="<results>/rgb/{radar}/unplaced.rejected.csv",
    log:
        "<logs>/list_unplaced_frames/{radar}.log",
    benchmark:
        "<benchmarks>/list_unplaced_frames/{radar}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
        lanes=1,
    params:
        code=code("list_unplaced_frames"),
        unplaced=lambda wildcards: plan.unplaced[wildcards.radar],
        source=lambda wildcards: plan.pictures[wildcards.radar].source,
        # Where lists and copies are changes no result: Snakemake does not compare params that take `input`.
        listings=lambda wildcards, input: plan.listings(wildcards.radar),
        copies=lambda wildcards, input: COPIES,
        names=lambda wildcards: plan.pictures[wildcards.radar].names.to_flag(),
        frames=section("frames", BadFrames),
    shell:
        "python -m radar_cleaner list-unplaced-frames"
        " --source {params.source:q}"
        " --listings {params.listings:q}"
        " --copies {params.copies:q}"
        " --names {params.names:q}"
        " --frames {params.frames:q}"
        " --output {output.table:q}"
        " 2> {log:q}"


rule build_rgb_store:
    """
    Decode and check the frames of a shard. A bad frame is listed in the rejects table with its reason, or stops
    the run (`frames.on_bad_frame`). Frames of another size than `frames.size_px` are refused.
    """
    input:
        frames=frame_files,
    output:
        store="<results>/rgb/{radar}/{shard}.zarr/zarr.json",
        rejects="<results>/rgb/{radar}/{shard}.rejected.csv",
    log:
        "<logs>/build_rgb_store/{radar}/{shard}.log",
    benchmark:
        "<benchmarks>/build_rgb_store/{radar}/{shard}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=by_frames("build_rgb_store"),
        lanes=1,
    params:
        code=code("build_rgb_store"),
        problems=lambda wildcards: plan.problems(wildcards.radar, wildcards.shard),
        content=lambda wildcards: plan.content(wildcards.radar, wildcards.shard),
        source=lambda wildcards: plan.pictures[wildcards.radar].source,
        # Where lists and copies are changes no result: Snakemake does not compare params that take `input`.
        listings=lambda wildcards, input: plan.listings(wildcards.radar),
        copies=lambda wildcards, input: COPIES,
        names=lambda wildcards: plan.pictures[wildcards.radar].names.to_flag(),
        size=lambda wildcards: plan.sizes[wildcards.radar],
        choice=lambda wildcards: plan.choices[wildcards.radar].to_flag(),
        stores=section("stores"),
        frames=section("frames", BadFrames),
    shell:
        "python -m radar_cleaner build-rgb-store"
        " --radar {wildcards.radar:q}"
        " --source {params.source:q}"
        " --listings {params.listings:q}"
        " --copies {params.copies:q}"
        " --names {params.names:q}"
        " --shard {wildcards.shard:q}"
        " --size {params.size:q}"
        " --choice {params.choice:q}"
        " --stores {params.stores:q}"
        " --frames {params.frames:q}"
        " --output {output.store:q}"
        " --rejects {output.rejects:q}"
        " 2> {log:q}"


rule check_frames:
    """
    Count the frames of a radar that were read and refused, by reason. If all frames of a radar are refused, the run
    stops with the commonest reason. Targets that read all frames need the table.
    """
    input:
        stores=lambda wildcards: stores("rgb", own_pictures(wildcards)),
        rejects=lambda wildcards: [
            f"<results>/rgb/{radar}/{shard}.rejected.csv" for radar, shard in own_pictures(wildcards)
        ],
        unplaced="<results>/rgb/{radar}/unplaced.rejected.csv",
    output:
        table="<results>/rgb/{radar}/refused.csv",
    log:
        "<logs>/check_frames/{radar}.log",
    benchmark:
        "<benchmarks>/check_frames/{radar}.tsv"
    priority: 1
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
        lanes=1,
    params:
        code=code("check_frames"),
        results=lambda wildcards: settings.results,
        stores=flag("--stores", picture_shards),
        newest=["--newest"] if settings.frames.newest_minutes is not None else [],
    shell:
        "python -m radar_cleaner check-frames"
        " --results {params.results:q}"
        " --radar {wildcards.radar:q}"
        " {params.stores:q}"
        " {params.newest}"
        " --output {output.table:q}"
        " 2> {log:q}"
