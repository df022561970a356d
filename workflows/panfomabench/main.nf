#!/usr/bin/env nextflow

// PanFoMaBench: cells, tokens and datasheet of a pan-cancer corpus. See README.md.

include { PANFOMA_QC            } from '../../nextflow/modules/panfoma/qc'
include { PANFOMA_TOKENIZEFIT   } from '../../nextflow/modules/panfoma/tokenizefit'
include { PANFOMA_TOKENIZE      } from '../../nextflow/modules/panfoma/tokenize'
include { PANFOMA_TOKENIZEMERGE } from '../../nextflow/modules/panfoma/tokenizemerge'
include { openSamplesheet       } from '../../nextflow/subworkflows/samplesheet'

process DATASHEET {
    label 'process_low'

    conda "${moduleDir}/datasheet.yaml"

    input:
    path manifest
    path terms
    path qc
    path tokens
    path script

    output:
    path 'datasheet.md'
    path 'datasheet.json'

    script:
    """
    python3 ${script} --manifest ${manifest} --qc ${qc} --tokens ${tokens} --terms ${terms} --label ${params.label} --output datasheet
    """

    stub:
    """
    touch datasheet.md datasheet.json
    """
}

workflow {
    def schema = file("${projectDir}/../samplesheet.schema.json", checkIfExists: true)
    def (sheet, matrices, places) = openSamplesheet(params.samplesheet, schema)
    def shards = params.tokenize.shards as int
    def parts = shards > 1 ? (1..shards).collect { i -> "${i}/${shards}" } : ['']

    PANFOMA_QC(channel.value([[id: 'benchmark'], matrices, places]), sheet, params.label_map ? file(params.label_map, checkIfExists: true) : [])
    PANFOMA_TOKENIZEFIT(PANFOMA_QC.out.cells)
    PANFOMA_TOKENIZE(
        PANFOMA_QC.out.cells
            .combine(PANFOMA_TOKENIZEFIT.out.vocabulary.map { _meta, genes -> genes })
            .combine(channel.fromList(parts))
    )
    if (shards > 1) {
        PANFOMA_TOKENIZEMERGE(
            PANFOMA_TOKENIZE.out.tokens.groupTuple(size: shards, sort: { part -> part.name.tokenize('-').first().toInteger() })
        )
        tokens = PANFOMA_TOKENIZEMERGE.out.tokens
    }
    else {
        tokens = PANFOMA_TOKENIZE.out.tokens
    }
    DATASHEET(
        sheet,
        file(sheet.resolveSibling('terms.csv'), checkIfExists: true),
        PANFOMA_QC.out.json.map { _meta, json -> json },
        tokens.map { _meta, path -> path },
        file("${projectDir}/datasheet.py")
    )
}
