// The qc module by itself, a sample a task: what a pipeline of somebody else includes.
include { PANFOMA_QC } from '../../../nextflow/modules/panfoma/qc'

workflow {
    samples = channel.fromPath(params.matrices).map { matrix -> [[id: matrix.baseName], matrix, []] }
    PANFOMA_QC(samples, [], [])
}
