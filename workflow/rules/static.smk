rule place_static_fields:
    """
    Write what does not change with time at each pixel of a radar: latitude, longitude, and the values of the
    rasters of `samples.static`. Only with `samples.time_of_day`, `coordinates` or `static` is it needed.
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
        # Not taken from `input`: Snakemake does not compare such params, and swapped files are the same files.
        rasters=json.dumps(static_fields()),
    shell:
        "python -m radar_cleaner place-static-fields"
        " --geometry {params.geometry:q}"
        " --rasters {params.rasters:q}"
        " --output {output.store:q}"
        " 2> {log:q}"
