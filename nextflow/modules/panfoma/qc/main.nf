process PANFOMA_QC {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${workflow.containerEngine in ['singularity', 'apptainer'] ? 'panfoma-0.1.0.sif' : 'panfoma:0.1.0'}"

    input:
    // `places` (may be []): where the manifest looks for each matrix, relative to itself, in the matrices' order
    tuple val(meta), path(matrices, stageAs: 'inputs/?/*'), val(places)
    path manifest
    path label_map

    output:
    tuple val(meta), path("${prefix}.zarr")            , emit: cells
    tuple val(meta), path("${prefix}.zarr.qc.json")    , emit: json
    tuple val(meta), path("${prefix}.zarr.qc.html")    , emit: html
    tuple val(meta), path("${prefix}.zarr.qc_figures") , emit: figures
    tuple val(meta), path("${prefix}.zarr.samples.tsv"), emit: samples
    tuple val(meta), path("${prefix}.zarr.genes.tsv")  , emit: genes
    tuple val(meta), path("${prefix}.zarr.removed.tsv"), emit: removed
    tuple val(meta), path("${prefix}.zarr.qc_mqc")     , emit: multiqc
    tuple val(meta), path("${prefix}.zarr.run.json")   , emit: run
    tuple val("${task.process}"), val('panfoma-qc'), eval("panfoma-qc --version | cut -d ' ' -f 2"), topic: versions, emit: versions_panfoma

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    // A manifest's paths may climb: it lies as deep as the highest of them needs.
    def climbs = places.collect { place -> place.tokenize('/').takeWhile { step -> step == '..' }.size() }.max() ?: 0
    def root = "cohort${'/_' * climbs}"
    // A matrix with an absolute path is found where it is.
    def relative = [places, matrices instanceof List ? matrices : [matrices]].transpose().findAll { place, _matrix -> !place.startsWith('/') }
    def links = relative.collect { place, matrix ->
        "mkdir -p \"\$(dirname '${root}/${place}')\" && ln -s \"\$PWD\"/${matrix} '${root}/${place}'"
    }
    def set_up = manifest ? (["mkdir -p ${root}", "ln -s \"\$PWD\"/${manifest} ${root}/"] + links).join('\n    ') : ''
    def input = manifest ? "--manifest ${root}/${manifest}" : "--input ${matrices}"
    def labels = label_map ? "--label-map ${label_map}" : ''
    """
    ${set_up}
    panfoma-qc \\
        ${input} \\
        ${labels} \\
        --output ${prefix}.zarr \\
        --threads ${task.cpus} \\
        ${args}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.zarr ${prefix}.zarr.qc_figures ${prefix}.zarr.qc_mqc
    touch ${prefix}.zarr/zarr.json
    for suffix in qc.json qc.html samples.tsv genes.tsv removed.tsv run.json; do
        touch "${prefix}.zarr.\$suffix"
    done
    """
}
