#!/usr/bin/env nextflow

// PanFoMa from samplesheet to report, without plugins: runs where nothing can be downloaded.
// validated.nf is the same behind nf-schema.

include { COHORT } from './workflows/cohort'

workflow {
    COHORT()
}
