rule write_report:
    """
    Write the report, one HTML page: `report.frames` frames before and after cleaning, the clutter atlas, a weak
    label, the evidence of the labelers, the overlap of the radars, scores, curves, coverage and the rule graph.
    """
    input:
        rgb=stores("rgb", plan.pairs()),
        reflectivity=stores("reflectivity", plan.pairs()),
        labels=stores(
            "labels", [(radar, shard) for radar in plan.radars for shard in plan.labelled_shards(radar)]
        ),
        products=rules.products.input,
        rejects=[f"<results>/rgb/{radar}/{shard}.rejected.csv" for radar, shard in plan.pairs()],
        unplaced=unplaced_tables(),
        warps=expand(
            "<results>/warp/{target}/{radar}.zarr/zarr.json", target=plan.radars, radar=plan.radars
        ),
        pictures=expand("<results>/picture/{radar}.zarr/zarr.json", radar=plan.decoded_pictures()),
        places=expand("<results>/place/{radar}.{kind}", radar=plan.decoded_pictures(), kind=["json", "png"]),
        atlas=expand("<results>/atlas/{radar}.zarr/zarr.json", radar=plan.radars) if plan.uses_atlas else [],
        labelers=(
            [f"<results>/labels/{radar}/{shard}.labelers.csv" for radar, shard in plan.pairs("training")]
            if plan.trains
            else []
        ),
        training=rules.train_model.output if plan.trains else [],
        samples=rules.split_samples.output if plan.trains else [],
        evaluation=rules.evaluate_model.output if plan.evaluates else [],
        rule_graph=os.path.relpath(ROOT / "docs/rulegraph.svg"),
        template=os.path.relpath(CODE.folder / "report/templates/report.html"),
    output:
        report=shown("<results>/report/report.html", "Report", "all in one page"),
        coverage=shown("<results>/report/coverage.csv", "Report", "frames by radar and day"),
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("write_report"),
        results=lambda wildcards: settings.results,
        stores=flag("--stores", plan.store_flags()),
        frames=section("frames", Cadence),
        period=flag("--period", plan.period_flags("frames")),
        evaluated=["--evaluated"] if plan.evaluates else [],
        trained=["--trained"] if plan.trains else [],
        layouts=flag("--layouts", encode_stores(plan.layout_shards())),
        labelled=flag(
            "--labelled",
            encode_stores(
                {radar: shards for radar in plan.radars if (shards := plan.labelled_shards(radar))}
            ),
        ),
        trained_on=flag("--trained-on", plan.store_flags("training") if plan.trains else []),
        atlases=lambda wildcards, input: flag("--atlases", list(input.atlas)),
        report=section("report"),
        started=lambda wildcards: str(Path(settings.results, "run_started")),
    shell:
        "python -m radar_cleaner write-report"
        " --results {params.results:q}"
        " {params.stores:q}"
        " --frames {params.frames:q}"
        " {params.period:q}"
        " {params.evaluated}"
        " {params.trained}"
        " {params.layouts:q}"
        " {params.labelled:q}"
        " {params.trained_on:q}"
        " {params.atlases:q}"
        " --report {params.report:q}"
        " --rule-graph {input.rule_graph:q}"
        " --run-started {params.started:q}"
        " --coverage {output.coverage:q}"
        " --output {output.report:q}"
        " 2> {log:q}"


rule report:
    """Target: the report, with what it shows."""
    input:
        "<results>/report/report.html",
        "<results>/report/coverage.csv",
