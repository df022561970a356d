process PANFOMA_TOKENIZEFIT {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    tuple val(meta), path(cells)

    output:
    tuple val(meta), path("${prefix}.parquet")         , emit: vocabulary
    tuple val(meta), path("${prefix}.parquet.run.json"), emit: run
    tuple val("${task.process}"), val('panfoma-tokenize'), eval("panfoma-tokenize --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    panfoma-tokenize \\
        --input ${cells} \\
        --output ${prefix}.parquet \\
        --fit-only \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.parquet ${prefix}.parquet.run.json
    """
}
