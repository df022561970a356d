# What the rules ask of the configuration and the samplesheet; both are checked against the schemas of all engines.
import csv
import json
from pathlib import Path

import jsonschema
import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config, validate


def read_samplesheet(path, schema):
    """The lines of a samplesheet as dictionaries without empty fields; the schema says what must be there."""
    with open(path, newline="", encoding="utf-8-sig") as sheet:
        rows = [
            {k: v for k, v in row.items() if k and v} for row in csv.DictReader(sheet)
        ]
    validator = jsonschema.Draft202012Validator(json.loads(Path(schema).read_text()))
    for error in validator.iter_errors(rows):
        line = f" line {error.path[0] + 2}" if error.path else ""
        raise WorkflowError(f"samplesheet {path}{line}: {error.message}")
    return rows


def flag(name, value):
    """A flag with its value, or nothing where there is no value."""
    return "" if value is None else f"{name} {value}"


def optional(path):
    """An input that may not be there."""
    return path or []


def growing(first):
    """A resource that grows with every attempt."""
    return lambda wildcards, attempt: first * attempt


with open(workflow.source_path("../../../config.yaml")) as defaults:
    configuration = yaml.safe_load(defaults)
update_config(configuration, config)
config.update(configuration)
validate(config, schema="../../../config.schema.json")

SHEET = Path(config["samplesheet"])
SAMPLES = read_samplesheet(
    SHEET, workflow.source_path("../../../samplesheet.schema.json")
)
INPUTS = [str(SHEET.parent / row["path"]) for row in SAMPLES]

OUT = config["outdir"].rstrip("/")
CHECKPOINTS = config["checkpoint_dir"] or f"{OUT}/checkpoints"
PRETRAINED = config["pretrain"].get("checkpoint") or f"{OUT}/pretrained"
VOCABULARY = config["pretrain"].get("checkpoint") or f"{OUT}/genes.parquet"
SHARDS = config["tokenize"]["shards"]
EMBED_SHARDS = config["embed"]["shards"]

STRATIFY = config["stratify"] or config["label"]
LABELS = ",".join(dict.fromkeys([config["label"], STRATIFY]))
SPLIT = f"--labels {LABELS} --split {config['split']} --stratify {STRATIFY}"
GPUS = 1 if config["device"].startswith("cuda") else 0
