process PANFOMA_EVALUATE {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    // every file but the embeddings may be []
    tuple val(meta), path(embeddings), path(predictions), path(tokens), path(models, stageAs: 'models/?/*'), path(qc), path(edges)
    path reference_network

    output:
    tuple val(meta), path("${prefix}")             , emit: evaluation
    tuple val(meta), path("${prefix}/metrics.json"), emit: metrics
    tuple val(meta), path("${prefix}/report.html") , emit: html
    tuple val(meta), path("${prefix}/multiqc")     , emit: multiqc
    tuple val(meta), path("${prefix}.run.json")    , emit: run
    tuple val("${task.process}"), val('panfoma-evaluate'), eval("panfoma-evaluate --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_evaluation"
    def given = [
        ['--predictions', predictions], ['--tokens', tokens], ['--model', models],
        ['--qc', qc], ['--edges', edges], ['--reference-network', reference_network],
    ].collectMany { flag, files -> (files instanceof List ? files : [files]).collect { file -> "${flag} ${file}" } }
    """
    panfoma-evaluate \\
        --embeddings ${embeddings} \\
        ${given.join(' ')} \\
        --output ${prefix} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_evaluation"
    """
    mkdir -p ${prefix}/multiqc
    touch ${prefix}/metrics.json ${prefix}/metrics.parquet ${prefix}/report.html ${prefix}.run.json
    """
}
