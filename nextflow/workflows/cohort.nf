// The pipeline on what the parameters name.

include { PANFOMA         } from './panfoma'
include { openSamplesheet } from '../subworkflows/samplesheet'

def optionalFile(path) {
    path ? file(path, checkIfExists: true) : []
}

workflow COHORT {
    main:
    if (!params.samplesheet) { error("no samplesheet: pass --samplesheet FILE.csv, or -params-file CONFIG.yaml") }
    def schema = file("${projectDir}/../workflows/samplesheet.schema.json", checkIfExists: true)
    def (sheet, matrices, places) = openSamplesheet(params.samplesheet, schema)

    PANFOMA(
        channel.value([[id: 'cohort'], matrices, places]),
        sheet,
        optionalFile(params.label_map),
        optionalFile(params.pretrain.checkpoint),
        optionalFile(params.grn.regulators),
        optionalFile(params.grn.reference_network),
        params.label,
        params.tokenize.shards as int,
        params.embed.shards as int,
        params.multiqc,
        file("${projectDir}/../workflows/multiqc_config.yaml", checkIfExists: true)
    )

    channel.topic('versions')
        .unique()
        .map { process, tool, version -> "${process.tokenize(':').last()}:\n    ${tool}: ${version}\n" }
        .collectFile(name: 'versions.yml', storeDir: "${params.outdir}/pipeline_info", sort: true)
}
