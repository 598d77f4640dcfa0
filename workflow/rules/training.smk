rule train_model:
    """
    Train the cleaner by torchrun, on one node or on several (docs/how-to/slurm.md). The numbers of nodes and of processes
    are resources: the global batch is divided among all processes, and the result does not depend on them. The keys
    that change no result are a param that takes `input`, which Snakemake does not compare. An interrupted run resumes
    from `checkpoints/current.pt` if parameters and inputs are equal. That file is not an output, so that no retry deletes
    it. SIGTERM and SIGUSR1 reach the training, which saves its state first: `exec` leaves no shell in between, and
    torchrun passes these signals on.
    """
    input:
        reflectivity=stores("reflectivity", plan.pairs("training")),
        aligned=stores("aligned", plan.pairs("training")),
        labels=stores("labels", plan.pairs("training")),
        atlas=lambda wildcards: model_atlases(plan.radars),
        static=static_stores(plan.radars),
        train="<results>/samples/train.csv",
        val="<results>/samples/val.csv",
        artefacts=str(artefact_ranges(settings.training.plants)),
        network=network_files(settings.training.model),
    output:
        model="<results>/model/best.pt",
        history=shown("<results>/model/history.csv", "Training", "losses and scores by epoch"),
        curves=shown("<results>/model/history.png", "Training", "losses by epoch"),
        card=shown("<results>/model/card.md", "Training", "model card"),
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
    params:
        code=code("train_model"),
        launcher=os.path.relpath(ROOT / "workflow/scripts/launch_torchrun.sh"),
        results=lambda wildcards: settings.results,
        stores=plan.store_flags("training"),
        inputs=section("samples", Channels),
        static=flag("--static", list(static_fields())),
        learning=section("training", Learning),
        running=lambda wildcards, input: section("training", Running),
        folder=lambda wildcards, output: str(Path(output.model).parent),
        checkpoint=lambda wildcards: str(Path(settings.results, "checkpoints", "current.pt")),
        runs=lambda wildcards: str(Path(settings.results, "runs")),
    shell:
        "exec {params.launcher:q} {resources.nodes} {resources.processes}"
        " -m radar_cleaner train-model"
        " --results {params.results:q}"
        " --stores {params.stores:q}"
        " --train-table {input.train:q}"
        " --val-table {input.val:q}"
        " --inputs {params.inputs:q}"
        " {params.static:q}"
        " --learning {params.learning:q}"
        " --running {params.running:q}"
        " --threads {threads}"
        " --memory-mb {resources.mem_mb}"
        " --output {params.folder:q}"
        " --checkpoint {params.checkpoint:q}"
        " --runs {params.runs:q}"
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
        learning=lambda wildcards: section("training", Learning, seed=int(wildcards.seed)),
        checkpoint=lambda wildcards: str(
            Path(settings.results, "checkpoints", f"seed-{wildcards.seed}", "current.pt")
        ),
        runs=lambda wildcards: str(Path(settings.results, "runs", f"seed-{wildcards.seed}")),


rule train:
    """Target: the trained model. It needs `training.period`; with `cleaning.model: pretrained` or a path nothing trains."""
    input:
        trained_models() if plan.trains else [],
        unplaced_tables(),
