rule learn_picture:
    """
    Learn from frames what the pictures of a radar show apart from the weather: the map, the overlay, the colours.
    New frames outside `picture.period` do not change it. `picture/{radar}.png` shows the overlay; an edited copy
    can be named as `frames.overlay.mask`.
    """
    input:
        rgb=lambda wildcards: stores(
            "rgb", [(wildcards.radar, shard) for shard in plan.picture_shards(wildcards.radar)]
        ),
        palette=lambda wildcards: plan.pictures[wildcards.radar].palette or [],
        overlay=lambda wildcards: plan.pictures[wildcards.radar].overlay.mask_file or [],
    output:
        store="<results>/picture/{radar}.zarr/zarr.json",
        mask="<results>/picture/{radar}.png",
    log:
        "<logs>/learn_picture/{radar}.log",
    benchmark:
        "<benchmarks>/learn_picture/{radar}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
        lanes=1,
    params:
        code=code("learn_picture"),
        box=lambda wildcards: plan.pictures[wildcards.radar].box(plan.sizes[wildcards.radar]),
        geometry=lambda wildcards: plan.geometry(wildcards.radar),
        overlay=lambda wildcards: plan.pictures[wildcards.radar].overlay.to_flag(),
        labels=lambda wildcards: plan.pictures[wildcards.radar].labels.cut(PictureColours).to_flag(),
        picture=section("picture", PictureFrames),
    shell:
        "python -m radar_cleaner learn-picture"
        " --rgb {input.rgb:q}"
        " --plot-box {params.box:q}"
        " --geometry {params.geometry:q}"
        " --overlay {params.overlay:q}"
        " --labels {params.labels:q}"
        " --picture {params.picture:q}"
        " --output {output.store:q}"
        " --mask {output.mask:q}"
        " 2> {log:q}"


rule check_place:
    """
    Compare the ground of a radar's pictures with the coast at the coordinates of its grid, and draw coast, borders
    and graticule over a frame. From 2 px on the run ends with a warning.
    """
    input:
        picture="<results>/picture/{radar}.zarr/zarr.json",
        rgb=lambda wildcards: stores("rgb", [(wildcards.radar, plan.picture_shards(wildcards.radar)[0])]),
    output:
        table="<results>/place/{radar}.json",
        figure="<results>/place/{radar}.png",
    log:
        "<logs>/check_place/{radar}.log",
    benchmark:
        "<benchmarks>/check_place/{radar}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
        lanes=1,
    params:
        code=code("check_place"),
        geometry=lambda wildcards: plan.geometry(wildcards.radar),
        box=lambda wildcards: plan.pictures[wildcards.radar].box(plan.sizes[wildcards.radar]),
    shell:
        "python -m radar_cleaner check-place"
        " --geometry {params.geometry:q}"
        " --picture {input.picture:q}"
        " --rgb {input.rgb:q}"
        " --plot-box {params.box:q}"
        " --output {output.table:q}"
        " --figure {output.figure:q}"
        " 2> {log:q}"


rule decode_reflectivity:
    """
    Decode the colours of a shard to reflectivity: `labels.method` reads the colours, `labels.min_dbz` is the
    weakest echo. Overlay, colours that are neither a class nor the map, and pixels beyond the range are nodata.
    """
    input:
        rgb="<results>/rgb/{radar}/{shard}.zarr/zarr.json",
        picture="<results>/picture/{radar}.zarr/zarr.json",
        palette=lambda wildcards: plan.pictures[wildcards.radar].palette or [],
        layouts=lambda wildcards: stores(
            "reflectivity", plan.layout_stores(wildcards.radar, wildcards.shard)
        ),
        layout_warps=lambda wildcards: [
            f"<results>/warp/{wildcards.radar}/{layout}.zarr/zarr.json"
            for layout, _ in plan.layout_stores(wildcards.radar, wildcards.shard)
        ],
        mask=lambda wildcards: plan.pictures[wildcards.radar].overlay.mask_file or [],
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
        box=lambda wildcards: plan.pictures[wildcards.radar].box(plan.sizes[wildcards.radar]),
        geometry=lambda wildcards: plan.geometry(wildcards.radar),
        overlay=lambda wildcards: plan.pictures[wildcards.radar].overlay.to_flag(),
        labels=lambda wildcards: plan.pictures[wildcards.radar].labels.cut(Colours).to_flag(),
        layouts=lambda wildcards, input: (
            flag("--layouts", list(input.layouts)) + flag("--layout-warps", list(input.layout_warps))
        ),
        stores=section("stores"),
    shell:
        "python -m radar_cleaner decode-reflectivity"
        " --rgb {input.rgb:q}"
        " --picture {input.picture:q}"
        " --plot-box {params.box:q}"
        " --geometry {params.geometry:q}"
        " --overlay {params.overlay:q}"
        " --labels {params.labels:q}"
        " {params.layouts:q}"
        " --stores {params.stores:q}"
        " --output {output.store:q}"
        " 2> {log:q}"


rule build_clutter_atlas:
    """
    Count how often each pixel of a radar has echo in the frames of `atlas.period` that are quiet around it: at most
    the share `quiet_fraction` of the window of `window_px` has echo. A pixel with fewer than `min_quiet_frames`
    frames is unknown; from `threshold` on it is clutter.
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
        results=lambda wildcards: settings.results,
        stores=flag("--stores", lambda wildcards: plan.store_flags("atlas", [wildcards.radar])),
        atlas=section("atlas", Clutter),
    shell:
        "python -m radar_cleaner build-clutter-atlas"
        " --results {params.results:q}"
        " --radar {wildcards.radar:q}"
        " {params.stores:q}"
        " --atlas {params.atlas:q}"
        " --output {output.store:q}"
        " 2> {log:q}"
