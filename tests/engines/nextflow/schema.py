#!/usr/bin/env python3
"""nextflow_schema.json from workflows/config.schema.json, so that there is one description of a run.

schema.py > nextflow/nextflow_schema.json     writes it
schema.py --check                             fails where the file is another
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CONFIG = json.loads((ROOT / "workflows/config.schema.json").read_text())
TARGET = ROOT / "nextflow/nextflow_schema.json"
# nf-schema checks that these exist.
FILES = {"samplesheet", "label_map", "regulators", "reference_network"}
DIRECTORIES = {"outdir", "checkpoint_dir", "checkpoint"}
GROUPS = {
    "cohort": ("Cohort", ["samplesheet", "label_map", "outdir", "label", "split", "stratify", "seed"]),
    "stages": ("Stages", ["qc_args", "tokenize", "pretrain", "finetune", "embed", "grn", "evaluate_args"]),
    "resources": ("Where it runs", ["device", "checkpoint_dir"]),
}
NEXTFLOW = {
    "publish_dir_mode": {
        "type": "string",
        "enum": ["symlink", "rellink", "link", "copy", "copyNoFollow", "move"],
        "default": "copy",
        "description": "How results come into outdir.",
    },
    "multiqc": {"type": "boolean", "default": False, "description": "A MultiQC report of qc and evaluation."},
}


def parameter(name, schema):
    """The parameter as nf-schema has it: references resolved, null (it leaves such parameters out) not named."""
    if "$ref" in schema:
        schema = CONFIG["$defs"][schema["$ref"].rsplit("/", 1)[1]] | {k: v for k, v in schema.items() if k != "$ref"}
    if "anyOf" in schema:
        kept = next(option for option in schema["anyOf"] if option.get("type") != "null")
        return parameter(name, kept | {k: v for k, v in schema.items() if k != "anyOf"})
    schema = dict(schema)
    if isinstance(schema.get("type"), list):
        schema["type"] = next(kind for kind in schema["type"] if kind != "null")
    if "const" in schema:
        schema.setdefault("type", "integer")
    if "enum" in schema:
        schema.setdefault("type", "string")
    if "properties" in schema:
        schema["properties"] = {inner: parameter(inner, value) for inner, value in schema["properties"].items()}
    if name in FILES:
        schema |= {"format": "file-path", "exists": True}
    if name in DIRECTORIES:
        schema["format"] = "directory-path"
    if name == "samplesheet":
        schema |= {"mimetype": "text/csv", "schema": "../workflows/samplesheet.schema.json"}
    return schema


def build():
    grouped = {name for _, names in GROUPS.values() for name in names}
    assert grouped == set(CONFIG["properties"]), f"not in a group: {grouped ^ set(CONFIG['properties'])}"
    groups = {}
    for key, (title, names) in GROUPS.items():
        properties = {name: parameter(name, CONFIG["properties"][name]) for name in names}
        groups[key] = {"title": title, "type": "object", "properties": properties}
    groups["cohort"]["required"] = ["samplesheet", "outdir", "label", "split"]
    groups["nextflow"] = {"title": "Nextflow", "type": "object", "properties": NEXTFLOW}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "nextflow_schema.json",
        "title": "panfoma pipeline parameters",
        "description": CONFIG["description"],
        "type": "object",
        "$defs": groups,
        "allOf": [{"$ref": f"#/$defs/{key}"} for key in groups],
    }


def main():
    text = json.dumps(build(), indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET} is not what {Path(__file__).name} makes of workflows/config.schema.json")
    else:
        print(text, end="")


main()
