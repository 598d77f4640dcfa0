rule train_model:
    """
    Train the cleaner by torchrun. The number of processes is a resource: the global batch is divided among
    them and the result does not depend on how. A stopped run goes on from `checkpoints/current.pt`, which
    is no output, so that no retry deletes it, and which is used only by a run of equal parameters and inputs.
    """
    input:
        labels=stores("labels", plan.pairs("training")),
        aligned=stores("aligned", plan.pairs("training")),
        targets=stores("targets", plan.pairs("training")),
        atlas=lambda wildcards: model_atlases(plan.radars),
        train="<results>/samples/train.csv",
        val="<results>/samples/val.csv",
        code=code("train_model"),
    output:
        model="<results>/model/best.pt",
        history="<results>/model/history.csv",
        card="<results>/model/card.md",
    log:
        "<logs>/train_model.log",
    benchmark:
        "<benchmarks>/train_model.tsv"
    conda:
        "../../envs/radar_cleaner.yaml"
    threads: 2
    resources:
        processes=2,
        mem_mb=8000,
        runtime=720,
    params:
        results=flag("--results", lambda wildcards: config["results"]),
        stores=flag("--stores", plan.store_flags("training")),
        samples=flags(
            config["samples"],
            "input_minutes",
            "lead_minutes",
            "atlas",
            reflectivity="--reflectivity-target",
        ),
        model=flags(config["training"]["model"], "base_width", "depth", "pad_mode", name="--model"),
        training=flags(
            config["training"],
            "epochs",
            "global_batch_size",
            "crops_per_sample",
            "learning_rate",
            "weight_decay",
            "seed",
            "flips",
            "drop_neighbours",
            "drop_others",
            "prefer_echo",
            crop_px="--crop",
        ),
        loss=flags(
            config["training"]["loss"],
            "focal_gamma",
            dice="--dice-weight",
            reflectivity="--reflectivity-weight",
            inpainting="--inpainting-weight",
        ),
        holes=flags(config["training"]["holes"], fraction="--hole-fraction", size_px="--hole-size"),
        checkpoint=flag(
            "--checkpoint", lambda wildcards: str(Path(config["results"], "checkpoints", "current.pt"))
        ),
    shell:
        "torchrun --standalone --nproc-per-node {resources.processes} -m radar_cleaner train-model"
        " {params.results:q}"
        " {params.stores:q}"
        " --train {input.train:q}"
        " --val {input.val:q}"
        " {params.samples:q}"
        " {params.model:q}"
        " {params.training:q}"
        " {params.loss:q}"
        " {params.holes:q}"
        " --threads {threads}"
        " --best {output.model:q}"
        " --history {output.history:q}"
        " --card {output.card:q}"
        " {params.checkpoint:q}"
        " 2> {log:q}"


rule train:
    """Target: the trained model. It needs `training.period`; with `cleaning.model: PATH` nothing trains."""
    input:
        rules.train_model.output if plan.trains else [],
        unplaced_tables(),
