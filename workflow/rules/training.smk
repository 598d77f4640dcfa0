rule train_model:
    """
    Train the cleaner by torchrun, on one node or several (profiles/README.md). The numbers of nodes and of
    processes per node are resources: the global batch is divided among all processes, and the result does not
    depend on their number. Keys that change no result are resources too. A stopped run resumes from
    `checkpoints/current.pt` if parameters, inputs and code are equal. That file is not an output, so that no retry
    deletes it. SIGTERM and SIGUSR1 reach the training, which saves its state first: `exec` leaves no shell between,
    and torchrun forwards the signals that it is given.
    """
    input:
        reflectivity=stores("reflectivity", plan.pairs("training")),
        aligned=stores("aligned", plan.pairs("training")),
        labels=stores("labels", plan.pairs("training")),
        atlas=lambda wildcards: model_atlases(plan.radars),
        static=static_stores(plan.radars),
        train="<results>/samples/train.csv",
        val="<results>/samples/val.csv",
        plants=str(plant_ranges(settings)),
        network=network_files(settings.training.model),
    output:
        model="<results>/model/best.pt",
        history=shown("<results>/model/history.csv", "Training", "losses and scores by epoch"),
        curves=shown("<results>/model/history.png", "Training", "losses by epoch"),
        card=shown("<results>/model/card.md", "Training", "what the model is"),
        rates=(
            shown("<results>/model/rates.csv", "Training", "the search for a learning rate")
            if FINDS_RATE
            else []
        ),
        rates_figure=(
            shown("<results>/model/rates.png", "Training", "the search for a learning rate")
            if FINDS_RATE
            else []
        ),
    log:
        "<logs>/train_model.log",
    benchmark:
        "<benchmarks>/train_model.tsv"
    conda:
        TRAINING_ENVIRONMENT
    threads: 2
    resources:
        nodes=1,
        processes=2,  # of a node
        mem_mb=lambda wildcards, attempt: 6000 + 2000 * attempt,
        runtime=720,
        micro_batch_size=config["training"]["micro_batch_size"],
        on_out_of_memory=config["training"]["on_out_of_memory"],
        checkpoint_minutes=str(config["training"]["checkpoint_minutes"]),
        tracker=config["training"]["tracker"],
    params:
        code=code("train_model"),
        launcher=os.path.relpath(ROOT / "workflow/scripts/launch_torchrun.sh"),
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", plan.store_flags("training")),
        samples=flags(
            config["samples"],
            "input_minutes",
            "lead_minutes",
            "atlas",
            "time_of_day",
            "day_of_year",
            "coordinates",
            "normalize",
            reflectivity="--reflectivity-target",
        ),
        static=flag("--static", list(static_fields())),
        model=flags(config["training"]["model"], "pad_mode", "code", "freeze", name="--model"),
        options=flag("--options", network_options(settings.training.model)),
        start_from=flag("--start-from", start_from_file()),
        training=flags(
            config["training"],
            "epochs",
            "early_stopping",
            "global_batch_size",
            "crops_per_sample",
            "flips",
            "drop_neighbours",
            "drop_others",
            "prefer_echo",
            "input_noise_dbz",
            "fast_dev_run",
            crop_px="--crop",
        ),
        seed=flags(config["training"], "seed"),
        optimization=flags(config["training"], "learning_rate", "weight_decay", "clip_norm"),
        schedule=flags(
            config["training"]["schedule"],
            "warmup",
            "plateau_patience",
            "plateau_factor",
            name="--schedule",
            last="--last-rate",
        ),
        averaging=flags(config["training"]["averaging"], "ema", "swa", "swa_rate"),
        numerics=flags(
            config["training"],
            "precision",
            "compile",
            "channels_last",
            "deterministic",
            "gradient_checkpointing",
        ),
        loss=flags(
            config["training"]["loss"],
            "focal_gamma",
            "label_smoothing",
            other_echo="--other-weight",
            dice="--dice-weight",
            reflectivity="--reflectivity-weight",
            inpainting="--inpainting-weight",
            forecast="--forecast-weight",
        ),
        holes=flags(
            config["training"]["holes"],
            fraction="--hole-fraction",
            shapes="--hole-shapes",
            size_px="--hole-size",
            pixels="--hole-pixels",
            sector_degrees="--hole-sector",
        ),
        plants=flags(config["training"]["plants"], fraction="--plant-fraction", kinds="--plant-kinds"),
        rates=lambda wildcards, output: (
            flag("--rates", output.rates) + flag("--rates-figure", output.rates_figure)
        ),
        checkpoint=flag(
            "--checkpoint", lambda wildcards: str(Path(config["results"], "checkpoints", "current.pt"))
        ),
        runs=flag("--runs", lambda wildcards: str(Path(config["results"], "runs"))),
    shell:
        "exec {params.launcher:q} {resources.nodes} {resources.processes}"
        " -m radar_cleaner train-model"
        " {params.results:q}"
        " {params.stores:q}"
        " --train {input.train:q}"
        " --val {input.val:q}"
        " {params.samples:q}"
        " {params.static:q}"
        " {params.model:q}"
        " {params.options:q}"
        " {params.start_from:q}"
        " {params.training:q}"
        " {params.seed:q}"
        " {params.optimization:q}"
        " {params.schedule:q}"
        " {params.averaging:q}"
        " {params.numerics:q}"
        " {params.loss:q}"
        " {params.holes:q}"
        " {params.plants:q}"
        " --plant-ranges {input.plants:q}"
        " --threads {threads}"
        " --memory-mb {resources.mem_mb}"
        " --micro-batch-size {resources.micro_batch_size}"
        " --on-out-of-memory {resources.on_out_of_memory}"
        " --checkpoint-minutes {resources.checkpoint_minutes}"
        " --tracker {resources.tracker}"
        " --best {output.model:q}"
        " --history {output.history:q}"
        " --curves {output.curves:q}"
        " --card {output.card:q}"
        " {params.rates:q}"
        " {params.checkpoint:q}"
        " {params.runs:q}"
        " 2> {log:q}"


use rule train_model as train_member with:
    output:
        model="<results>/model/seed-{seed}/best.pt",
        history="<results>/model/seed-{seed}/history.csv",
        curves="<results>/model/seed-{seed}/history.png",
        card="<results>/model/seed-{seed}/card.md",
        rates="<results>/model/seed-{seed}/rates.csv" if FINDS_RATE else [],
        rates_figure="<results>/model/seed-{seed}/rates.png" if FINDS_RATE else [],
    log:
        "<logs>/train_member/{seed}.log",
    benchmark:
        "<benchmarks>/train_member/{seed}.tsv"
    params:
        seed=lambda wildcards: flag("--seed", wildcards.seed),
        checkpoint=lambda wildcards: flag(
            "--checkpoint", f"{config['results']}/checkpoints/seed-{wildcards.seed}/current.pt"
        ),
        runs=lambda wildcards: flag("--runs", f"{config['results']}/runs/seed-{wildcards.seed}"),


rule train:
    """Target: the trained model. It needs `training.period`; with `cleaning.model: pretrained` or a path nothing trains."""
    input:
        trained_models() if plan.trains else [],
        unplaced_tables(),
