# From models to embeddings, networks and reports.


if EMBED_SHARDS == 1:

    rule embed:
        input:
            tokens=rules.tokenize.output.tokens,
            model=rules.finetune.output.model,
        output:
            embeddings=f"{OUT}/embeddings.parquet",
            predictions=f"{OUT}/predictions.parquet",
        log:
            f"{OUT}/logs/embed.log",
        benchmark:
            f"{OUT}/benchmarks/embed.tsv"
        retries: 2
        conda:
            "../envs/panfoma.yaml"
        threads: 8
        resources:
            mem_mb=growing(8000),
            runtime=growing(240),
            gpu=GPUS,
        params:
            extra=config["embed"]["args"],
            seed=config["seed"],
            device=config["device"],
        shell:
            "panfoma-embed --input {input.tokens:q} --model {input.model:q} --output {output.embeddings:q}"
            " --predictions {output.predictions:q} {params.extra}"
            " --seed {params.seed} --device {params.device} --threads {threads} 2> {log:q}"

else:

    rule embed_shard:
        input:
            tokens=rules.tokenize.output.tokens,
            model=rules.finetune.output.model,
        output:
            embeddings=temp(
                f"{OUT}/shards/embeddings-{{shard}}-of-{EMBED_SHARDS}.parquet"
            ),
            predictions=temp(
                f"{OUT}/shards/predictions-{{shard}}-of-{EMBED_SHARDS}.parquet"
            ),
        log:
            f"{OUT}/logs/embed/{{shard}}-of-{EMBED_SHARDS}.log",
        benchmark:
            f"{OUT}/benchmarks/embed/{{shard}}-of-{EMBED_SHARDS}.tsv"
        retries: 2
        conda:
            "../envs/panfoma.yaml"
        threads: 8
        resources:
            mem_mb=growing(8000),
            runtime=growing(240),
            gpu=GPUS,
        params:
            of=EMBED_SHARDS,
            extra=config["embed"]["args"],
            seed=config["seed"],
            device=config["device"],
        shell:
            "panfoma-embed --input {input.tokens:q} --model {input.model:q} --output {output.embeddings:q}"
            " --predictions {output.predictions:q} --shard {wildcards.shard}/{params.of} {params.extra}"
            " --seed {params.seed} --device {params.device} --threads {threads} 2> {log:q}"

    rule embed:
        input:
            embeddings=expand(
                rules.embed_shard.output.embeddings, shard=range(1, EMBED_SHARDS + 1)
            ),
            predictions=expand(
                rules.embed_shard.output.predictions, shard=range(1, EMBED_SHARDS + 1)
            ),
        output:
            embeddings=f"{OUT}/embeddings.parquet",
            predictions=f"{OUT}/predictions.parquet",
        log:
            f"{OUT}/logs/embed.log",
        benchmark:
            f"{OUT}/benchmarks/embed.tsv"
        retries: 2
        conda:
            "../envs/panfoma.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        shell:
            "(panfoma-embed --merge {input.embeddings:q} --output {output.embeddings:q} --threads {threads} &&"
            " panfoma-embed --merge {input.predictions:q} --output {output.predictions:q} --threads {threads}) 2> {log:q}"


rule grn:
    input:
        tokens=rules.tokenize.output.tokens,
        model=PRETRAINED,
        regulators=optional(config["grn"].get("regulators")),
    output:
        edges=f"{OUT}/edges.parquet",
    log:
        f"{OUT}/logs/grn.log",
    benchmark:
        f"{OUT}/benchmarks/grn.tsv"
    retries: 2
    conda:
        "../envs/panfoma.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
        gpu=GPUS,
    params:
        label=config["label"],
        regulators=flag("--regulators", config["grn"].get("regulators")),
        extra=config["grn"]["args"],
        seed=config["seed"],
        device=config["device"],
    shell:
        "panfoma-grn --input {input.tokens:q} --model {input.model:q} --output {output.edges:q} --group-by {params.label}"
        " {params.regulators} {params.extra}"
        " --seed {params.seed} --device {params.device} --threads {threads} 2> {log:q}"


rule evaluate:
    input:
        embeddings=rules.embed.output.embeddings,
        predictions=rules.embed.output.predictions,
        tokens=rules.tokenize.output.tokens,
        pretrained=PRETRAINED,
        finetuned=rules.finetune.output.model,
        qc=rules.qc.output.numbers,
        edges=rules.grn.output.edges,
        reference_network=optional(config["grn"].get("reference_network")),
    output:
        evaluation=directory(f"{OUT}/evaluation"),
        page=report(
            f"{OUT}/evaluation.html",
            caption="../report/evaluation.rst",
            category="Evaluation",
        ),
    log:
        f"{OUT}/logs/evaluate.log",
    benchmark:
        f"{OUT}/benchmarks/evaluate.tsv"
    retries: 2
    conda:
        "../envs/panfoma.yaml"
    threads: 4
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        label=config["label"],
        reference_network=flag(
            "--reference-network", config["grn"].get("reference_network")
        ),
        extra=config["evaluate_args"],
        seed=config["seed"],
    shell:
        "panfoma-evaluate --embeddings {input.embeddings:q} --predictions {input.predictions:q} --tokens {input.tokens:q}"
        " --model {input.pretrained:q} --model {input.finetuned:q} --qc {input.qc:q} --edges {input.edges:q}"
        " {params.reference_network} --label {params.label} {params.extra} --output {output.evaluation:q}"
        " --seed {params.seed} --threads {threads} 2> {log:q}"
        " && cp {output.evaluation:q}/report.html {output.page:q}"


rule multiqc:
    input:
        qc=rules.qc.output.multiqc,
        evaluation=rules.evaluate.output.evaluation,
        config=workflow.source_path("../../../multiqc_config.yaml"),
    output:
        report=report(
            f"{OUT}/multiqc_report.html",
            caption="../report/multiqc.rst",
            category="Cells",
        ),
    log:
        f"{OUT}/logs/multiqc.log",
    conda:
        "../envs/multiqc.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        outdir=lambda wildcards, output: Path(output.report).parent,
        name=lambda wildcards, output: Path(output.report).name,
    shell:
        "multiqc --force --no-data-dir --config {input.config:q} --outdir {params.outdir:q} --filename {params.name} {input.qc:q} {input.evaluation:q}"
        " 2> {log:q}"
