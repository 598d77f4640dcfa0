rule decode_reflectivity:
    """
    Decode the colours of a shard to reflectivity: `labels.method` reads the colours, `labels.min_dbz` is the
    weakest echo. Overlay and pixels beyond the range are nodata.
    """
    input:
        rgb="<results>/rgb/{radar}/{shard}.zarr/zarr.json",
        palette=lambda wildcards: palette_file(plan.radars[wildcards.radar].labels),
        mask=lambda wildcards: plan.radars[wildcards.radar].overlay.mask or [],
    output:
        store="<results>/reflectivity/{radar}/{shard}.zarr/zarr.json",
    log:
        "<logs>/decode_reflectivity/{radar}/{shard}.log",
    benchmark:
        "<benchmarks>/decode_reflectivity/{radar}/{shard}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=by_frames("decode_reflectivity"),
        lanes=1,
    params:
        code=code("decode_reflectivity"),
        box=flag(
            "--plot-box", lambda wildcards: plan.radars[wildcards.radar].box(plan.sizes[wildcards.radar])
        ),
        center=flag(
            "--center", lambda wildcards: plan.radars[wildcards.radar].center(plan.sizes[wildcards.radar])
        ),
        range_km=flag("--range-km", of_radar("range_km")),
        border=flag("--border", of_radar("overlay", "border_px")),
        colours=lambda wildcards: colour_flags(plan.radars[wildcards.radar].labels),
        overlay=lambda wildcards: overlay_flags(plan.radars[wildcards.radar].overlay),
        min_dbz=flag("--min-dbz", of_radar("labels", "min_dbz")),
        codec=flag("--codec", config["stores"]["codec"]),
    shell:
        "python -m radar_cleaner decode-reflectivity"
        " --radar {wildcards.radar:q}"
        " --rgb {input.rgb:q}"
        " {params.box:q}"
        " {params.center:q}"
        " {params.range_km:q}"
        " {params.border:q}"
        " {params.overlay:q}"
        " {params.colours:q}"
        " {params.min_dbz:q}"
        " {params.codec:q}"
        " --output {output.store:q}"
        " 2> {log:q}"


rule build_clutter_atlas:
    """
    Count how often each pixel of a radar echoes in the frames of `atlas.period` in which it is quiet around it: of the
    window of `window_px` at most `quiet_fraction` echoes. In fewer than `min_quiet_frames` nobody knows; at
    `threshold` and above it is clutter.
    """
    input:
        reflectivity=lambda wildcards: stores(
            "reflectivity", [(wildcards.radar, shard) for shard in plan.shards(wildcards.radar, "atlas")]
        ),
        rgb=lambda wildcards: stores("rgb", atlas_pictures(wildcards.radar)),
    output:
        store="<results>/atlas/{radar}.zarr/zarr.json",
    log:
        "<logs>/build_clutter_atlas/{radar}.log",
    benchmark:
        "<benchmarks>/build_clutter_atlas/{radar}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(120),
    params:
        code=code("build_clutter_atlas"),
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", lambda wildcards: plan.store_flags("atlas", [wildcards.radar])),
        method=flag("--method", config["atlas"]["method"]),
        flags=atlas_flags(config["atlas"]),
    shell:
        "python -m radar_cleaner build-clutter-atlas"
        " {params.results:q}"
        " --radar {wildcards.radar:q}"
        " {params.stores:q}"
        " {params.method:q}"
        " {params.flags:q}"
        " --output {output.store:q}"
        " 2> {log:q}"
