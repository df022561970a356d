// From samplesheet to report. Names of artifacts are those that every engine gives (workflows/README.md): same bytes.

include { PANFOMA_QC            } from '../modules/panfoma/qc'
include { PANFOMA_TOKENIZEFIT   } from '../modules/panfoma/tokenizefit'
include { PANFOMA_TOKENIZE      } from '../modules/panfoma/tokenize'
include { PANFOMA_TOKENIZEMERGE } from '../modules/panfoma/tokenizemerge'
include { PANFOMA_PRETRAIN      } from '../modules/panfoma/pretrain'
include { PANFOMA_FINETUNE      } from '../modules/panfoma/finetune'
include { PANFOMA_EMBED         } from '../modules/panfoma/embed'
include { PANFOMA_EMBEDMERGE    } from '../modules/panfoma/embedmerge'
include { PANFOMA_GRN           } from '../modules/panfoma/grn'
include { PANFOMA_EVALUATE      } from '../modules/panfoma/evaluate'
include { MULTIQC               } from '../modules/multiqc'

// What `--shard` is given, job by job.
def partsOf(shards) {
    shards > 1 ? (1..shards).collect { i -> "${i}/${shards}" } : ['']
}

// By shard, not by which job ended first: a task's inputs are the same when it is resumed.
def together(parts, shards) {
    parts.groupTuple(size: shards, sort: { part -> part.name.tokenize('-').first().toInteger() })
}

workflow PANFOMA {
    take:
    cohort            // [meta, matrices, their paths in the samplesheet]
    samplesheet       // path
    label_map         // path or []
    checkpoint        // path of a pretrained model, or [] to pretrain
    regulators        // path or []
    reference_network // path or []
    label             // obs column to predict
    shards            // jobs that tokenize
    embed_shards      // jobs that embed
    with_multiqc      // boolean
    multiqc_config    // path or []

    main:
    PANFOMA_QC(cohort, samplesheet, label_map)
    cells = PANFOMA_QC.out.cells

    if (checkpoint) {
        vocabulary = channel.value(checkpoint)
    }
    else {
        PANFOMA_TOKENIZEFIT(cells)
        vocabulary = PANFOMA_TOKENIZEFIT.out.vocabulary.map { _meta, genes -> genes }
    }

    PANFOMA_TOKENIZE(
        cells.combine(vocabulary).combine(channel.fromList(partsOf(shards)))
    )
    if (shards > 1) {
        PANFOMA_TOKENIZEMERGE(together(PANFOMA_TOKENIZE.out.tokens, shards))
        tokens = PANFOMA_TOKENIZEMERGE.out.tokens
    }
    else {
        tokens = PANFOMA_TOKENIZE.out.tokens
    }

    if (checkpoint) {
        pretrained = tokens.map { meta, _tokens -> [meta, checkpoint] }
    }
    else {
        PANFOMA_PRETRAIN(tokens.map { meta, path -> [meta, path, []] })
        pretrained = PANFOMA_PRETRAIN.out.model
    }

    PANFOMA_FINETUNE(tokens.join(pretrained), label)
    finetuned = PANFOMA_FINETUNE.out.model
    PANFOMA_EMBED(tokens.join(finetuned).combine(channel.fromList(partsOf(embed_shards))), true)
    if (embed_shards > 1) {
        PANFOMA_EMBEDMERGE(
            together(PANFOMA_EMBED.out.embeddings, embed_shards).join(together(PANFOMA_EMBED.out.predictions, embed_shards))
        )
        embeddings = PANFOMA_EMBEDMERGE.out.embeddings
        predictions = PANFOMA_EMBEDMERGE.out.predictions
    }
    else {
        embeddings = PANFOMA_EMBED.out.embeddings
        predictions = PANFOMA_EMBED.out.predictions
    }
    PANFOMA_GRN(tokens.join(pretrained), regulators)

    PANFOMA_EVALUATE(
        embeddings
            .join(predictions)
            .join(tokens)
            .join(pretrained.join(finetuned).map { meta, before, after -> [meta, [before, after]] })
            .join(PANFOMA_QC.out.json)
            .join(PANFOMA_GRN.out.edges),
        reference_network
    )

    if (with_multiqc) {
        MULTIQC(
            PANFOMA_QC.out.multiqc.mix(PANFOMA_EVALUATE.out.multiqc).map { _meta, files -> files }.toSortedList { a, b -> a.name <=> b.name },
            multiqc_config
        )
    }

    edges = PANFOMA_GRN.out.edges
    evaluation = PANFOMA_EVALUATE.out.evaluation

    emit:
    cells
    tokens
    pretrained
    finetuned
    embeddings
    edges
    evaluation
}
