"""radar_cleaner: raw weather-radar pictures to clean, georeferenced, physical data.

`snakemake --cores all` makes everything, and trains. `prepare`, `train`, `evaluate`, `clean` and `report`
make a part; with `cleaning.model: pretrained` or a path in the config nothing is trained.
"""

from snakemake.utils import min_version

min_version("9.27")

# A config file on the command line replaces the demo's, it is not merged over it.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/frames.smk"
include: "workflow/rules/reflectivity.smk"
include: "workflow/rules/overlap.smk"
include: "workflow/rules/static.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/products.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    prepare,
    train,
    evaluate,
    clean,
    report,


rule all:
    default_target: True
    input:
        rules.clean.input,
        rules.report.input,
        rules.evaluate_forecasts.output if plan.forecasts else [],
