process MULTIQC {
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "multiqc/multiqc:v1.35"

    input:
    path files, stageAs: '?/*'
    path config

    output:
    path "*.html", emit: report
    path "*_data", emit: data
    // Not on the topic: what collects the topic may feed this process.
    tuple val("${task.process}"), val('multiqc'), eval("multiqc --version | cut -d ' ' -f 3"), emit: versions_multiqc

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: 'multiqc_report'
    """
    multiqc --filename ${prefix}.html ${config ? "--config ${config}" : ''} ${args} .
    """

    stub:
    prefix = task.ext.prefix ?: 'multiqc_report'
    """
    mkdir ${prefix}_data
    touch ${prefix}.html ${prefix}_data/.stub
    """
}
