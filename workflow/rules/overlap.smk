rule build_warp_grid:
    """
    Map the pixels of a target grid (a radar's plot box, or the composite) to the pixels of a radar. The grid of
    the composite is the plot box of the first radar or the union of all (`composite.grid`).
    """
    output:
        store="<results>/warp/{target}/{radar}.zarr/zarr.json",
    log:
        "<logs>/build_warp_grid/{target}/{radar}.log",
    benchmark:
        "<benchmarks>/build_warp_grid/{target}/{radar}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
        lanes=1,
    params:
        code=code("build_warp_grid"),
        geometries=lambda wildcards: warp_geometries(wildcards.target, wildcards.radar),
        composite=lambda wildcards: section("composite") if wildcards.target == "composite" else "{}",
    shell:
        "python -m radar_cleaner build-warp-grid"
        " --target {wildcards.target:q}"
        " --radar {wildcards.radar:q}"
        " --geometries {params.geometries:q}"
        " --composite {params.composite:q}"
        " --output {output.store:q}"
        " 2> {log:q}"


rule align_radars:
    """
    Pool the other radars on a radar's own grid, at its own times: the highest reflectivity of those that
    see the pixel. Frames are paired within `overlap.max_offset_minutes`. With `samples.atlas: mask` a radar does not see pixels where it has clutter.
    """
    input:
        reflectivity="<results>/reflectivity/{radar}/{shard}.zarr/zarr.json",
        other_reflectivity=lambda wildcards: stores(
            "reflectivity", plan.paired(wildcards.shard, wildcards.radar)
        ),
        other_warps=lambda wildcards: [
            f"<results>/warp/{wildcards.radar}/{other}.zarr/zarr.json" for other in others(wildcards)
        ],
        other_atlases=lambda wildcards: [
            f"<results>/atlas/{other}.zarr/zarr.json"
            for other in others(wildcards)
            if settings.samples.atlas == "mask"
        ],
    output:
        store="<results>/aligned/{radar}/{shard}.zarr/zarr.json",
    log:
        "<logs>/align_radars/{radar}/{shard}.log",
    benchmark:
        "<benchmarks>/align_radars/{radar}/{shard}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=by_frames("align_radars"),
        lanes=1,
    params:
        code=code("align_radars"),
        others=lambda wildcards, input: (
            flag("--others", others(wildcards))
            + flag("--other-reflectivity", list(input.other_reflectivity))
            + flag("--other-warps", list(input.other_warps))
            + flag("--other-atlases", list(input.other_atlases))
        ),
        overlap=section("overlap"),
        stores=section("stores"),
    shell:
        "python -m radar_cleaner align-radars"
        " --radar {wildcards.radar:q}"
        " --reflectivity {input.reflectivity:q}"
        " {params.others:q}"
        " --overlap {params.overlap:q}"
        " --stores {params.stores:q}"
        " --output {output.store:q}"
        " 2> {log:q}"
