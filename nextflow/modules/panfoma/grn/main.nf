process PANFOMA_GRN {
    tag "$meta.id"
    label 'process_medium'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    // `model` may be [] for the methods that need none, `regulators` for all genes
    tuple val(meta), path(tokens), path(model)
    path regulators

    output:
    tuple val(meta), path("${prefix}.parquet")         , emit: edges
    tuple val(meta), path("${prefix}.parquet.run.json"), emit: run
    tuple val("${task.process}"), val('panfoma-grn'), eval("panfoma-grn --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_edges"
    def with_model = model ? "--model ${model}" : ''
    def from = regulators ? "--regulators ${regulators}" : ''
    def device = task.accelerator ? '--device cuda' : ''
    """
    panfoma-grn \\
        --input ${tokens} \\
        ${with_model} \\
        ${from} \\
        --output ${prefix}.parquet \\
        ${device} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_edges"
    """
    touch ${prefix}.parquet ${prefix}.parquet.run.json
    """
}
