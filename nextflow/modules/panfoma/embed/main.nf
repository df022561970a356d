process PANFOMA_EMBED {
    tag "${shard ? "$meta.id $shard" : meta.id}"
    label 'process_high'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    // `shard`: 'I/N' embeds that part of the cells only; '' all of them
    tuple val(meta), path(tokens), path(model), val(shard)
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
    prefix = shard ? "${shard.replace('/', '-of-')}_embeddings" : task.ext.prefix ?: "${meta.id}_embeddings"
    prefix2 = shard ? "${shard.replace('/', '-of-')}_predictions" : task.ext.prefix2 ?: "${meta.id}_predictions"
    def classes = predict ? "--predictions ${prefix2}.parquet" : ''
    def part = shard ? "--shard ${shard}" : ''
    def device = task.accelerator ? '--device cuda' : ''
    """
    panfoma-embed \\
        --input ${tokens} \\
        --model ${model} \\
        --output ${prefix}.parquet \\
        ${classes} \\
        ${part} \\
        ${device} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = shard ? "${shard.replace('/', '-of-')}_embeddings" : task.ext.prefix ?: "${meta.id}_embeddings"
    prefix2 = shard ? "${shard.replace('/', '-of-')}_predictions" : task.ext.prefix2 ?: "${meta.id}_predictions"
    def classes = predict ? "touch ${prefix2}.parquet" : ''
    """
    touch ${prefix}.parquet ${prefix}.parquet.run.json
    ${classes}
    """
}
