#!/usr/bin/env nextflow

// main.nf behind nf-schema: parameters and samplesheet are checked against their schemas before anything starts.
//
//   nextflow run nextflow/validated.nf -c nextflow/conf/validated.config -params-file config.yaml

include { validateParameters; paramsSummaryLog; samplesheetToList } from 'plugin/nf-schema'
include { COHORT } from './workflows/cohort'

workflow {
    validateParameters()
    samplesheetToList(params.samplesheet, "${projectDir}/../workflows/samplesheet.schema.json")
    log.info(paramsSummaryLog(workflow))

    COHORT()
}
