process PANFOMA_EMBEDMERGE {
    tag "$meta.id"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    // `predictions` may be []
    tuple val(meta), path(embeddings, stageAs: 'shards/*'), path(predictions, stageAs: 'shards/*')

    output:
    tuple val(meta), path("${prefix}.parquet")          , emit: embeddings
    tuple val(meta), path("${prefix2}.parquet")         , emit: predictions, optional: true
    tuple val(meta), path("${prefix}.parquet.run.json") , emit: run
    tuple val("${task.process}"), val('panfoma-embed'), eval("panfoma-embed --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_embeddings"
    prefix2 = task.ext.prefix2 ?: "${meta.id}_predictions"
    def classes = predictions ? "panfoma-embed --merge ${predictions} --output ${prefix2}.parquet --threads ${task.cpus} ${args}" : ''
    """
    panfoma-embed \\
        --merge ${embeddings} \\
        --output ${prefix}.parquet \\
        --threads ${task.cpus} \\
        ${args}
    ${classes}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_embeddings"
    prefix2 = task.ext.prefix2 ?: "${meta.id}_predictions"
    def classes = predictions ? "touch ${prefix2}.parquet" : ''
    """
    touch ${prefix}.parquet ${prefix}.parquet.run.json
    ${classes}
    """
}
