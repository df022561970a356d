# From matrices to tokens.


rule qc:
    input:
        samplesheet=config["samplesheet"],
        matrices=INPUTS,
        label_map=optional(config["label_map"]),
    output:
        cells=directory(f"{OUT}/cells.zarr"),
        report=report(
            f"{OUT}/cells.zarr.qc.html",
            caption="../report/qc.rst",
            category="Cells",
        ),
        figures=directory(f"{OUT}/cells.zarr.qc_figures"),
        numbers=f"{OUT}/cells.zarr.qc.json",
        samples=f"{OUT}/cells.zarr.samples.tsv",
        genes=f"{OUT}/cells.zarr.genes.tsv",
        removed=f"{OUT}/cells.zarr.removed.tsv",
        multiqc=directory(f"{OUT}/cells.zarr.qc_mqc"),
    log:
        f"{OUT}/logs/qc.log",
    benchmark:
        f"{OUT}/benchmarks/qc.tsv"
    retries: 2
    conda:
        "../envs/panfoma.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        label_map=flag("--label-map", config["label_map"]),
        extra=config["qc_args"],
        seed=config["seed"],
    shell:
        "panfoma-qc --manifest {input.samplesheet:q} {params.label_map} --output {output.cells:q} {params.extra}"
        " --seed {params.seed} --threads {threads} 2> {log:q}"


rule choose_genes:
    input:
        cells=rules.qc.output.cells,
    output:
        genes=f"{OUT}/genes.parquet",
    log:
        f"{OUT}/logs/choose_genes.log",
    benchmark:
        f"{OUT}/benchmarks/choose_genes.tsv"
    retries: 2
    conda:
        "../envs/panfoma.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        split=SPLIT,
        genes=config["tokenize"]["genes_args"],
        extra=config["tokenize"]["args"],
        seed=config["seed"],
    shell:
        "panfoma-tokenize --input {input.cells:q} --output {output.genes:q} --fit-only {params.split} {params.genes}"
        " {params.extra} --seed {params.seed} --threads {threads} 2> {log:q}"


if SHARDS == 1:

    rule tokenize:
        input:
            cells=rules.qc.output.cells,
            vocabulary=VOCABULARY,
        output:
            tokens=directory(f"{OUT}/tokens"),
        log:
            f"{OUT}/logs/tokenize.log",
        benchmark:
            f"{OUT}/benchmarks/tokenize.tsv"
        retries: 2
        conda:
            "../envs/panfoma.yaml"
        threads: 4
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            split=SPLIT,
            extra=config["tokenize"]["args"],
            seed=config["seed"],
        shell:
            "panfoma-tokenize --input {input.cells:q} --output {output.tokens:q} --vocabulary {input.vocabulary:q}"
            " {params.split} {params.extra} --seed {params.seed} --threads {threads} 2> {log:q}"

else:

    rule tokenize_shard:
        input:
            cells=rules.qc.output.cells,
            vocabulary=VOCABULARY,
        output:
            shard=temp(directory(f"{OUT}/shards/{{shard}}-of-{SHARDS}")),
        log:
            f"{OUT}/logs/tokenize/{{shard}}-of-{SHARDS}.log",
        benchmark:
            f"{OUT}/benchmarks/tokenize/{{shard}}-of-{SHARDS}.tsv"
        retries: 2
        conda:
            "../envs/panfoma.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            of=SHARDS,
            split=SPLIT,
            extra=config["tokenize"]["args"],
            seed=config["seed"],
        shell:
            "panfoma-tokenize --input {input.cells:q} --output {output.shard:q} --vocabulary {input.vocabulary:q}"
            " --shard {wildcards.shard}/{params.of} {params.split} {params.extra} --seed {params.seed}"
            " --threads {threads} 2> {log:q}"

    rule tokenize:
        input:
            shards=expand(rules.tokenize_shard.output.shard, shard=range(1, SHARDS + 1)),
        output:
            tokens=directory(f"{OUT}/tokens"),
        log:
            f"{OUT}/logs/tokenize.log",
        benchmark:
            f"{OUT}/benchmarks/tokenize.tsv"
        retries: 2
        conda:
            "../envs/panfoma.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        shell:
            "panfoma-tokenize --merge {input.shards:q} --output {output.tokens:q} --threads {threads} 2> {log:q}"
