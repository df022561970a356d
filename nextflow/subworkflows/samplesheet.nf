// The samplesheet: the table that `panfoma-qc --manifest` reads. Checked here for what would fail only after jobs are queued.

/** Rows as maps of the fields that say something. */
def readSamplesheet(sheet) {
    sheet.splitCsv(header: true, quote: '"', strip: true).collect { row ->
        row.findAll { _name, value -> value != null && value != '' }.collectEntries { name, value -> [name.replace('\uFEFF', ''), value] }
    }
}

/** What the schema's `required`, `pattern`, `patternProperties: false` and `uniqueItems` find wrong, a line each. */
def samplesheetFaults(rows, schema) {
    def rule = new groovy.json.JsonSlurper().parse(schema).items
    def faults = rows ? [] : ['it names no input']
    rows.eachWithIndex { row, index ->
        def place = "row ${index + 1}"
        rule.required.findAll { name -> !row.containsKey(name) }.each { name -> faults << "${place}: column `${name}` is empty or missing" }
        row.each { name, value ->
            def column = rule.properties[name]
            if (column?.pattern && !(value =~ column.pattern)) {
                faults << "${place}: column `${name}` holds `${value}`: ${column.errorMessage ?: "expected ${column.pattern}"}"
            }
            if (rule.patternProperties.any { pattern, allowed -> allowed == false && name =~ pattern }) {
                faults << "the column `${name}` must be called `${name.toLowerCase()}`"
            }
        }
        if (rows.take(index).contains(row)) { faults << "${place} repeats an earlier one" }
    }
    faults.unique()
}

/** [the samplesheet, its matrices, their paths as it names them]. */
def openSamplesheet(path, schema) {
    def sheet = file(path, checkIfExists: true)
    def rows = readSamplesheet(sheet)
    def faults = samplesheetFaults(rows, schema)
    def folder = sheet.toAbsolutePath().parent
    def matrices = rows.collect { row -> row.path ? folder.resolve(row.path).normalize() : null }
    matrices.eachWithIndex { matrix, index ->
        if (matrix && !matrix.exists()) { faults << "row ${index + 1}: `${rows[index].path}` does not exist (paths are relative to the samplesheet)" }
    }
    rows.eachWithIndex { row, index ->
        if (row.path?.contains("'")) { faults << "row ${index + 1}: a quote in a path: `${row.path}`" }
    }
    if (faults) { error("${path} is no samplesheet:\n  ${faults.join('\n  ')}") }
    [sheet, matrices, rows.collect { row -> row.path }]
}
