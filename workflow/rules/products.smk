rule clean_frames:
    """
    Clean every frame of a radar's shard. An echo is kept if its probability reaches `cleaning.threshold`. The
    probability is that of the model with the label model, weighted by `cleaning.votes`. `cleaning.fill` fills
    overlay with the network's reflectivity. `cleaning.tta` averages predictions over eight flips and rotations.
    """
    input:
        reflectivity=lambda wildcards: stores("reflectivity", with_neighbours(wildcards)),
        aligned=lambda wildcards: stores("aligned", with_neighbours(wildcards)),
        atlas=lambda wildcards: model_atlases([wildcards.radar]),
        static=lambda wildcards: static_stores([wildcards.radar]),
        votes=lambda wildcards: (
            stores("labels", [(wildcards.radar, wildcards.shard)]) if settings.cleaning.votes else []
        ),
        model=models_of("cleaning", "model"),
        network=own_code(("cleaning", "model")),
    output:
        store="<results>/cleaned/{radar}/{shard}.zarr/zarr.json",
    log:
        "<logs>/clean_frames/{radar}/{shard}.log",
    benchmark:
        "<benchmarks>/clean_frames/{radar}/{shard}.tsv"
    conda:
        TRAINING_ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=by_frames("clean_frames"),
        lanes=1,
    params:
        code=code("clean_frames"),
        results=lambda wildcards: settings.results,
        neighbours=lambda wildcards: flag("--neighbours", plan.neighbours(wildcards.radar, wildcards.shard)),
        geometry=lambda wildcards: plan.geometry(wildcards.radar),
        credit=lambda wildcards: plan.credit(wildcards.radar),
        inputs=section("samples", ModelInputs),
        static=lambda wildcards: static_flag(),
        cleaning=section("cleaning", FrameCleaning),
        network=lambda wildcards, input: flag("--code", input.get("network")),
        stores=section("stores"),
    shell:
        "python -m radar_cleaner clean-frames"
        " --results {params.results:q}"
        " --shard {wildcards.shard:q}"
        " {params.neighbours:q}"
        " --geometry {params.geometry:q}"
        " --credit {params.credit:q}"
        " --model {input.model:q}"
        " {params.network:q}"
        " --inputs {params.inputs:q}"
        " {params.static}"
        " --cleaning {params.cleaning:q}"
        " --threads {threads}"
        " --stores {params.stores:q}"
        " --output {output.store:q}"
        " 2> {log:q}"


rule compose_radars:
    """Write the product of all radars of a shard on one grid (`composite.grid`)."""
    input:
        products=lambda wildcards: stores("cleaned", plan.composed(wildcards.shard)),
        warps=lambda wildcards: [
            f"<results>/warp/composite/{radar}.zarr/zarr.json"
            for radar in dict.fromkeys(radar for radar, _ in plan.composed(wildcards.shard))
        ],
    output:
        store="<results>/composite/{shard}.zarr/zarr.json",
    log:
        "<logs>/compose_radars/{shard}.log",
    benchmark:
        "<benchmarks>/compose_radars/{shard}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=by_frames("compose_radars"),
        lanes=1,
    params:
        code=code("compose_radars"),
        overlap=section("overlap"),
        stores=section("stores"),
    shell:
        "python -m radar_cleaner compose-radars"
        " --shard {wildcards.shard:q}"
        " --products {input.products:q}"
        " --warps {input.warps:q}"
        " --overlap {params.overlap:q}"
        " --stores {params.stores:q}"
        " --output {output.store:q}"
        " 2> {log:q}"


rule export_geotiff:
    """Write one GeoTIFF per time of a shard, of a radar or of the composite, for QGIS (`cleaning.geotiff`)."""
    input:
        product=lambda wildcards: (
            f"<results>/composite/{wildcards.shard}.zarr/zarr.json"
            if wildcards.target == "composite"
            else f"<results>/cleaned/{wildcards.target}/{wildcards.shard}.zarr/zarr.json"
        ),
    output:
        table="<results>/geotiff/{target}/{shard}/index.csv",
    log:
        "<logs>/export_geotiff/{target}/{shard}.log",
    benchmark:
        "<benchmarks>/export_geotiff/{target}/{shard}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=by_frames("export_geotiff"),
        lanes=1,
    params:
        code=code("export_geotiff"),
    shell:
        "python -m radar_cleaner export-geotiff"
        " --product {input.product:q}"
        " --output {output.table:q}"
        " 2> {log:q}"


rule products:
    """Target: the products. With `cleaning.model: pretrained` or a path nothing trains."""
    input:
        stores("cleaned", plan.pairs()),
        expand("<results>/composite/{shard}.zarr/zarr.json", shard=plan.all_shards()),
        [f"<results>/geotiff/{target}/{shard}/index.csv" for target, shard in geotiffs()],
        frame_tables(),
        place_tables(),


rule clean:
    """No target: refuse the name that `products` had, which reads like `make clean`."""
    input:
        lambda wildcards: refused(
            "clean makes the products no more: call `snakemake products`; `make clean` removes results"
        ),
