process PANFOMA_TOKENIZE {
    tag "${shard ? "$meta.id $shard" : meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    // `shard`: 'I/N' tokenizes that part of the cells only; '' all of them. `vocabulary` may be []
    tuple val(meta), path(cells), path(vocabulary), val(shard)

    output:
    tuple val(meta), path("${prefix}")         , emit: tokens
    tuple val(meta), path("${prefix}.run.json"), emit: run
    tuple val("${task.process}"), val('panfoma-tokenize'), eval("panfoma-tokenize --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = shard ? shard.replace('/', '-of-') : task.ext.prefix ?: "${meta.id}_tokens"
    def genes = vocabulary ? "--vocabulary ${vocabulary}" : ''
    def part = shard ? "--shard ${shard}" : ''
    if ("${cells}" == prefix) error("Input and output names are the same, set prefix in module configuration to disambiguate!")
    """
    panfoma-tokenize \\
        --input ${cells} \\
        --output ${prefix} \\
        ${genes} \\
        ${part} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = shard ? shard.replace('/', '-of-') : task.ext.prefix ?: "${meta.id}_tokens"
    """
    mkdir ${prefix}
    touch ${prefix}/_index.json ${prefix}/_panels.parquet ${prefix}/_vocabulary.parquet ${prefix}/part-00000.parquet
    touch ${prefix}.run.json
    """
}
