// Prints the parameters, a line each: tests compare those of nextflow.config with those of workflows/config.yaml.
def flat(prefix, value) {
    value instanceof Map ? value.collectMany { key, inner -> flat(prefix ? "${prefix}.${key}" : key, inner) } : ["${prefix} = ${value}"]
}

workflow {
    flat('', params).sort().each { line -> println("param ${line}") }
}
