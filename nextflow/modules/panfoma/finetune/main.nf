process PANFOMA_FINETUNE {
    tag "$meta.id"
    label 'process_high'
    label 'process_long'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    tuple val(meta), path(tokens), path(model)
    val label

    output:
    tuple val(meta), path("${prefix}")         , emit: model
    tuple val(meta), path("${prefix}.run.json"), emit: run
    tuple val("${task.process}"), val('panfoma-finetune'), eval("panfoma-finetune --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}_finetuned"
    // Several processes for one model, e.g. 'srun': see the pipeline's README.
    def launcher = task.ext.launcher ?: ''
    def device = task.accelerator ? '--device cuda' : ''
    if ("${tokens}" == prefix || "${model}" == prefix) error("Input and output names are the same, set prefix in module configuration to disambiguate!")
    """
    ${launcher} panfoma-finetune \\
        --input ${tokens} \\
        --model ${model} \\
        --output ${prefix} \\
        --label ${label} \\
        ${device} \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}_finetuned"
    """
    mkdir ${prefix}
    touch ${prefix}/config.json ${prefix}/metrics.parquet ${prefix}/model.safetensors ${prefix}/vocabulary.parquet
    touch ${prefix}.run.json
    """
}
