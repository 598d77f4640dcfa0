rule list_test_samples:
    """Write the table of test samples: every time of `evaluation.period` whose inputs are all there."""
    input:
        reflectivity=stores("reflectivity", plan.pairs("evaluation")),
    output:
        table="<results>/samples/test.csv",
    log:
        "<logs>/list_test_samples.log",
    benchmark:
        "<benchmarks>/list_test_samples.tsv"
    conda:
        "../envs/preparation.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        code=code("list_test_samples"),
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", plan.store_flags("evaluation")),
        windows=flags(config["samples"], "input_minutes"),
    shell:
        "python -m radar_cleaner list-test-samples"
        " {params.results:q}"
        " {params.stores:q}"
        " {params.windows:q}"
        " --output {output.table:q}"
        " 2> {log:q}"


rule evaluate_model:
    """
    Score the weak label, the label with the clutter mask and the model on the test samples, against the
    masks of `evaluation.reference` where there are some, else against the labels' votes; at
    `cleaning.threshold`, the model joined with `cleaning.votes` times the votes, by radar and by the bands of
    `evaluation.range_bands_km` and `evaluation.dbz_bands`; with `evaluation.tta` the model's answer is the mean over
    eight flips and turns. Its reflectivity is scored as well, with `evaluation.holes` also in holes of
    `evaluation.hole_sizes_px`, and its probability for what it says. The frames of the worst answers are drawn.
    """
    input:
        samples="<results>/samples/test.csv",
        reflectivity=stores("reflectivity", plan.pairs("evaluation")),
        aligned=stores("aligned", plan.pairs("evaluation")),
        labels=stores("labels", plan.pairs("evaluation")),
        rgb=stores("rgb", plan.pairs("evaluation")),
        atlas=expand("<results>/atlas/{radar}.zarr/zarr.json", radar=plan.radars),
        static=static_stores(plan.radars),
        model=models_of("cleaning", "model"),
        compared=models_of("evaluation", "compare_model"),
        references=REFERENCES,
        network=own_code(("cleaning", "model"), ("evaluation", "compare_model")),
    output:
        metrics=shown("<results>/evaluation/metrics.json", "Scores", "all there is, for programs"),
        scores=shown("<results>/evaluation/scores.csv", "Scores", "scores by radar and reflectivity"),
        curve=shown("<results>/evaluation/curve.csv", "Scores", "scores by threshold"),
        calibration=shown("<results>/evaluation/calibration.csv", "Scores", "what its probability is worth"),
        scores_figure=shown("<results>/evaluation/scores.png", "Scores", "scores by radar"),
        curve_figure=shown("<results>/evaluation/curve.png", "Scores", "scores by threshold"),
        calibration_figure=shown(
            "<results>/evaluation/calibration.png", "Scores", "what its probability is worth"
        ),
        reflectivity_figure=shown(
            "<results>/evaluation/reflectivity.png", "Scores", "the model's reflectivity"
        ),
        frames=shown("<results>/evaluation/frames.csv", "Scores", "what is wrong by frame"),
        worst_figure=shown("<results>/evaluation/worst_frames.png", "Scores", "the worst frames"),
    log:
        "<logs>/evaluate_model.log",
    benchmark:
        "<benchmarks>/evaluate_model.tsv"
    conda:
        TRAINING_ENVIRONMENT
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code("evaluate_model"),
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", plan.store_flags("evaluation")),
        samples=flags(config["samples"], "input_minutes", "atlas"),
        reference=lambda wildcards: reference_flags(),
        compared=lambda wildcards, input: flag("--compare-model", input.get("compared")),
        cleaning=flags(config["cleaning"], "threshold", "votes", "calibrated"),
        static=lambda wildcards: static_flag(),
        evaluation=flags(
            config["evaluation"],
            "dbz_bands",
            "holes",
            "tta",
            range_bands_km="--range-bands",
            hole_sizes_px="--hole-sizes",
        ),
        network=lambda wildcards, input: flag("--code", input.get("network")),
        fast=flags(config["training"], "fast_dev_run"),
    shell:
        "python -m radar_cleaner evaluate-model"
        " {params.results:q}"
        " {params.stores:q}"
        " --samples {input.samples:q}"
        " --model {input.model:q}"
        " {params.compared:q}"
        " {params.network:q}"
        " {params.samples:q}"
        " {params.reference:q}"
        " {params.cleaning:q}"
        " {params.static}"
        " {params.evaluation:q}"
        " {params.fast:q}"
        " --threads {threads}"
        " --output {output.metrics:q}"
        " --scores {output.scores:q}"
        " --curve {output.curve:q}"
        " --calibration {output.calibration:q}"
        " --scores-figure {output.scores_figure:q}"
        " --curve-figure {output.curve_figure:q}"
        " --calibration-figure {output.calibration_figure:q}"
        " --reflectivity-figure {output.reflectivity_figure:q}"
        " --frames {output.frames:q}"
        " --worst-figure {output.worst_figure:q}"
        " 2> {log:q}"


rule evaluate_forecasts:
    """
    Score what the model says of the frames ahead, at each of `samples.lead_minutes` above 0, against what came: beside
    the frames that it has cleaned, as they lie (persistence) and, with `evaluation.optical_flow`, moved on. Rain of at
    least each dBZ of `evaluation.dbz_bands` is an event, forecast from the probability `cleaning.threshold` on; the
    frames that are carried on are cleaned at it, by the model alone, as votes look a frame ahead.
    """
    input:
        samples="<results>/samples/test.csv",
        reflectivity=stores("reflectivity", plan.pairs("evaluation")),
        aligned=stores("aligned", plan.pairs("evaluation")),
        labels=stores("labels", plan.pairs("evaluation")),
        atlas=model_atlases(plan.radars),
        static=static_stores(plan.radars),
        model=models_of("cleaning", "model"),
        references=REFERENCES,
        network=own_code(("cleaning", "model")),
    output:
        found=shown("<results>/evaluation/forecasts.json", "Forecasts", "all there is, for programs"),
        scores=shown("<results>/evaluation/forecasts.csv", "Forecasts", "scores by radar, lead and event"),
        figure=shown("<results>/evaluation/forecasts.png", "Forecasts", "scores by lead"),
    log:
        "<logs>/evaluate_forecasts.log",
    benchmark:
        "<benchmarks>/evaluate_forecasts.tsv"
    conda:
        TRAINING_ENVIRONMENT
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code("evaluate_forecasts"),
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", plan.store_flags("evaluation")),
        samples=flags(config["samples"], "input_minutes", "lead_minutes", "atlas"),
        reference=lambda wildcards: reference_flags(),
        cleaning=flags(config["cleaning"], "threshold", "calibrated"),
        static=lambda wildcards: static_flag(),
        evaluation=flags(config["evaluation"], "dbz_bands", "optical_flow", "tta"),
        network=lambda wildcards, input: flag("--code", input.get("network")),
        fast=flags(config["training"], "fast_dev_run"),
    shell:
        "python -m radar_cleaner evaluate-forecasts"
        " {params.results:q}"
        " {params.stores:q}"
        " --samples {input.samples:q}"
        " --model {input.model:q}"
        " {params.network:q}"
        " {params.samples:q}"
        " {params.reference:q}"
        " {params.cleaning:q}"
        " {params.static}"
        " {params.evaluation:q}"
        " {params.fast:q}"
        " --threads {threads}"
        " --output {output.found:q}"
        " --scores {output.scores:q}"
        " --figure {output.figure:q}"
        " 2> {log:q}"


rule evaluate:
    """Target: the scores. It needs `evaluation.period`."""
    input:
        rules.evaluate_model.output if plan.evaluates else [],
        rules.evaluate_forecasts.output if plan.forecasts else [],
        unplaced_tables(),
