process PANFOMA_TOKENIZEMERGE {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    tuple val(meta), path(shards, stageAs: 'shards/*')

    output:
    tuple val(meta), path("${prefix}")         , emit: tokens
    tuple val(meta), path("${prefix}.run.json"), emit: run
    tuple val("${task.process}"), val('panfoma-tokenize'), eval("panfoma-tokenize --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_tokens"
    """
    panfoma-tokenize \\
        --merge ${shards} \\
        --output ${prefix} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_tokens"
    """
    mkdir ${prefix}
    touch ${prefix}/_index.json ${prefix}/_panels.parquet ${prefix}/_vocabulary.parquet ${prefix}/part-00000.parquet
    touch ${prefix}.run.json
    """
}
