rule place_static_fields:
    """
    Write the static fields at each pixel of a radar: latitude, longitude, and the rasters of `samples.static`.
    Only `samples.time_of_day`, `coordinates` and `static` need it.
    """
    input:
        rasters=lambda wildcards: list(static_fields().values()),
    output:
        store="<results>/static/{radar}.zarr/zarr.json",
    log:
        "<logs>/place_static_fields/{radar}.log",
    benchmark:
        "<benchmarks>/place_static_fields/{radar}.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
        lanes=1,
    params:
        code=code("place_static_fields"),
        geometry=lambda wildcards: plan.geometry(wildcards.radar),
        # Not from `input`: Snakemake does not compare params that use it, and swapped files are the same files.
        rasters=json.dumps(static_fields()),
    shell:
        "python -m radar_cleaner place-static-fields"
        " --geometry {params.geometry:q}"
        " --rasters {params.rasters:q}"
        " --output {output.store:q}"
        " 2> {log:q}"
