# From tokens to models. Checkpoints are parameters, not outputs: Snakemake deletes the outputs of a failed job, and the next
# attempt goes on from the newest checkpoint. Five minutes before the job's time is up, training saves and ends with 140.
# Several processes, one a node or one a GPU: `--set-resources pretrain:tasks=4 "pretrain:mpi='srun'"`; the bytes are those of one.


rule pretrain:
    input:
        tokens=rules.tokenize.output.tokens,
    output:
        model=directory(f"{OUT}/pretrained"),
    log:
        f"{OUT}/logs/pretrain.log",
    benchmark:
        f"{OUT}/benchmarks/pretrain.tsv"
    retries: 3
    conda:
        "../envs/panfoma.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=1440,
        gpu=GPUS,
    params:
        preset=flag("--preset", config["pretrain"].get("preset")),
        max_steps=flag("--max-steps", config["pretrain"]["max_steps"]),
        extra=config["pretrain"]["args"],
        seed=config["seed"],
        device=config["device"],
        launcher=lambda wildcards, resources: resources.get("mpi", ""),
        checkpoints=f"{CHECKPOINTS}/pretrain",
    shell:
        "{params.launcher} panfoma-pretrain --input {input.tokens:q} --output {output.model:q} {params.preset} {params.max_steps} {params.extra}"
        " --seed {params.seed} --device {params.device} --checkpoint-dir {params.checkpoints:q}"
        " --max-walltime $(( {resources.runtime} - 5 ))m --threads {threads} 2>> {log:q}"


rule finetune:
    input:
        tokens=rules.tokenize.output.tokens,
        model=PRETRAINED,
    output:
        model=directory(f"{OUT}/finetuned"),
    log:
        f"{OUT}/logs/finetune.log",
    benchmark:
        f"{OUT}/benchmarks/finetune.tsv"
    retries: 3
    conda:
        "../envs/panfoma.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=720,
        gpu=GPUS,
    params:
        label=config["label"],
        mode=config["finetune"]["mode"],
        max_steps=flag("--max-steps", config["finetune"]["max_steps"]),
        extra=config["finetune"]["args"],
        seed=config["seed"],
        device=config["device"],
        launcher=lambda wildcards, resources: resources.get("mpi", ""),
        checkpoints=f"{CHECKPOINTS}/finetune",
    shell:
        "{params.launcher} panfoma-finetune --input {input.tokens:q} --model {input.model:q} --output {output.model:q} --label {params.label}"
        " --mode {params.mode} {params.max_steps} {params.extra}"
        " --seed {params.seed} --device {params.device} --checkpoint-dir {params.checkpoints:q}"
        " --max-walltime $(( {resources.runtime} - 5 ))m --threads {threads} 2>> {log:q}"
