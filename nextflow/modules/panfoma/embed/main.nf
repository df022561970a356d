process PANFOMA_EMBED {
    tag "$meta.id"
    label 'process_high'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    tuple val(meta), path(tokens), path(model)
    // true where the model is fine-tuned: it also names each cell's class
    val predict

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
    def classes = predict ? "--predictions ${prefix2}.parquet" : ''
    def device = task.accelerator ? '--device cuda' : ''
    """
    panfoma-embed \\
        --input ${tokens} \\
        --model ${model} \\
        --output ${prefix}.parquet \\
        ${classes} \\
        ${device} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_embeddings"
    prefix2 = task.ext.prefix2 ?: "${meta.id}_predictions"
    def classes = predict ? "touch ${prefix2}.parquet" : ''
    """
    touch ${prefix}.parquet ${prefix}.parquet.run.json
    ${classes}
    """
}
