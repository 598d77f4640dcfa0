from radar_cleaner.config.cleaning import Decision, ModelDecision
from radar_cleaner.config.evaluation import CleaningScores, ForecastScores
from radar_cleaner.config.samples import ForecastInputs, ModelInputs


rule list_test_samples:
    """Write the table of test samples: every time of `evaluation.period` whose input frames all exist."""
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
        results=lambda wildcards: settings.results,
        stores=flag("--stores", plan.store_flags("evaluation")),
        samples=section("samples", InputTimes),
    shell:
        "python -m radar_cleaner list-test-samples"
        " --results {params.results:q}"
        " {params.stores:q}"
        " --samples {params.samples:q}"
        " --output {output.table:q}"
        " 2> {log:q}"


rule evaluate_model:
    """
    Score the cleaners of `evaluation.cleaners` on the test samples: the model and, beside it, labels and filters. The
    reference is the masks of `evaluation.reference`, else the label model. Echo is kept from the threshold of `cleaning` on,
    after `cleaning.votes` times the log-odds of the label model are added to the model's. Scores are by radar and by
    the bands of `evaluation.range_bands_km` and `evaluation.dbz_bands`; `evaluation.tta` averages the model's
    probabilities over eight flips and rotations. The model's reflectivity is scored as well, with `evaluation.holes`
    also in inpainting masks of `evaluation.hole_sizes_px`. The frames with the most wrong decisions are drawn.
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
        metrics=shown(
            "<results>/evaluation/metrics.json", "Scores", "all scores and settings, for programs"
        ),
        scores=shown("<results>/evaluation/scores.csv", "Scores", "scores by radar and reflectivity"),
        curve=shown("<results>/evaluation/curve.csv", "Scores", "scores by threshold"),
        calibration=shown(
            "<results>/evaluation/calibration.csv", "Scores", "reliability of the probability"
        ),
        scores_figure=shown("<results>/evaluation/scores.png", "Scores", "scores by radar"),
        curve_figure=shown("<results>/evaluation/curve.png", "Scores", "scores by threshold"),
        calibration_figure=shown(
            "<results>/evaluation/calibration.png", "Scores", "reliability of the probability"
        ),
        reflectivity_figure=shown(
            "<results>/evaluation/reflectivity.png", "Scores", "the model's reflectivity"
        ),
        frames=shown("<results>/evaluation/frames.csv", "Scores", "errors by frame"),
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
        results=lambda wildcards: settings.results,
        stores=flag("--stores", plan.store_flags("evaluation")),
        inputs=section("samples", ModelInputs),
        decision=section("cleaning", Decision),
        evaluation=section("evaluation", CleaningScores),
        references=lambda wildcards: reference_sources(),
        compared=lambda wildcards, input: flag("--compare-model", input.get("compared")),
        static=lambda wildcards: static_flag(),
        network=lambda wildcards, input: flag("--code", input.get("network")),
        fast=["--fast-dev-run"] if settings.training.fast_dev_run else [],
        folder=subpath(output.metrics, parent=True),
    shell:
        "python -m radar_cleaner evaluate-model"
        " --results {params.results:q}"
        " {params.stores:q}"
        " --samples {input.samples:q}"
        " --model {input.model:q}"
        " {params.compared:q}"
        " {params.network:q}"
        " --inputs {params.inputs:q}"
        " --decision {params.decision:q}"
        " --evaluation {params.evaluation:q}"
        " --references {params.references:q}"
        " {params.static}"
        " {params.fast:q}"
        " --threads {threads}"
        " --output {params.folder:q}"
        " 2> {log:q}"


rule sweep_thresholds:
    """
    Find how much other echo each of `evaluation.cleaners` removes at 99.5, 99, 98 and 95 % of the meteorological echo
    kept, on all frames of `evaluation.period` with a reference, and on the part of it that is certain. Each filter
    gets the setting that removes most there.
    No target needs it; `make benchmark-quality` calls it by its name.
    """
    input:
        reflectivity=stores("reflectivity", swept_pairs()),
        aligned=stores("aligned", swept_pairs()),
        labels=stores("labels", swept_pairs()),
        atlas=expand("<results>/atlas/{radar}.zarr/zarr.json", radar=plan.radars),
        static=static_stores(plan.radars),
        model=models_of("cleaning", "model"),
        compared=models_of("evaluation", "compare_model"),
        references=REFERENCES,
        network=own_code(("cleaning", "model"), ("evaluation", "compare_model")),
    output:
        table="<results>/evaluation/removal.csv",
        draws="<results>/evaluation/removal.npz",
        certain="<results>/evaluation/removal_certain.npz",
        figure="<results>/evaluation/removal.png",
    log:
        "<logs>/sweep_thresholds.log",
    benchmark:
        "<benchmarks>/sweep_thresholds.tsv"
    conda:
        TRAINING_ENVIRONMENT
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code("sweep_thresholds"),
        results=lambda wildcards: settings.results,
        stores=lambda wildcards: encode_stores(swept_shards()),
        scored=lambda wildcards: plan.store_flags("evaluation"),
        inputs=section("samples", ModelInputs),
        decision=section("cleaning", Decision),
        evaluation=section("evaluation", CleaningScores),
        references=lambda wildcards: reference_sources(),
        compared=lambda wildcards, input: flag("--compare-model", input.get("compared")),
        static=lambda wildcards: static_flag(),
        network=lambda wildcards, input: flag("--code", input.get("network")),
        folder=subpath(output.table, parent=True),
    shell:
        "python -m radar_cleaner sweep-thresholds"
        " --results {params.results:q}"
        " --stores {params.stores:q}"
        " --scored {params.scored:q}"
        " --model {input.model:q}"
        " {params.compared:q}"
        " {params.network:q}"
        " --inputs {params.inputs:q}"
        " --decision {params.decision:q}"
        " --evaluation {params.evaluation:q}"
        " --references {params.references:q}"
        " {params.static}"
        " --threads {threads}"
        " --output {params.folder:q}"
        " 2> {log:q}"


rule evaluate_forecasts:
    """
    Score the model's forecasts for each of `samples.lead_minutes` above 0 against the frames that followed, beside
    persistence and, with `evaluation.optical_flow`, optical flow. Rain of at least each dBZ of `evaluation.dbz_bands`
    is an event, forecast from the probability `cleaning.threshold` on. Both baselines begin with frames that the model
    has cleaned at that threshold, without the labelers, which use a later frame.
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
        metrics=shown(
            "<results>/evaluation/forecasts.json",
            "Forecasts",
            "forecast scores and settings, for programs",
        ),
        scores=shown(
            "<results>/evaluation/forecasts.csv", "Forecasts", "scores by radar, lead time and event"
        ),
        figure=shown("<results>/evaluation/forecasts.png", "Forecasts", "scores by lead time"),
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
        results=lambda wildcards: settings.results,
        stores=flag("--stores", plan.store_flags("evaluation")),
        inputs=section("samples", ForecastInputs),
        decision=section("cleaning", ModelDecision),
        evaluation=section("evaluation", ForecastScores),
        references=lambda wildcards: reference_sources(),
        static=lambda wildcards: static_flag(),
        network=lambda wildcards, input: flag("--code", input.get("network")),
        fast=["--fast-dev-run"] if settings.training.fast_dev_run else [],
        folder=subpath(output.metrics, parent=True),
    shell:
        "python -m radar_cleaner evaluate-forecasts"
        " --results {params.results:q}"
        " {params.stores:q}"
        " --samples {input.samples:q}"
        " --model {input.model:q}"
        " {params.network:q}"
        " --inputs {params.inputs:q}"
        " --decision {params.decision:q}"
        " --evaluation {params.evaluation:q}"
        " --references {params.references:q}"
        " {params.static}"
        " {params.fast:q}"
        " --threads {threads}"
        " --output {params.folder:q}"
        " 2> {log:q}"


rule evaluate:
    """Target: the scores. It needs `evaluation.period`."""
    input:
        "<results>/evaluation/metrics.json" if plan.evaluates else [],
        "<results>/evaluation/forecasts.json" if plan.forecasts else [],
        unplaced_tables(),
