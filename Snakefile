"""The workflow, for `snakemake` in a checkout. It is in workflow/Snakefile."""


include: "workflow/Snakefile"


rule default:
    """Target: everything. An included Snakefile names no default target of its own."""
    default_target: True
    input:
        rules.all.input,


localrules:
    default,
