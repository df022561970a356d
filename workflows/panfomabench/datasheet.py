#!/usr/bin/env python3
"""The datasheet of a benchmark: what is in it, what was dropped and why, how it is split.

    datasheet.py --manifest studies.csv --qc cells.zarr.qc.json --tokens tokens --terms terms.csv --output datasheet

Writes OUTPUT.md to read and OUTPUT.json to compute with. The same inputs give the same bytes. Ends with 65 if a patient is
on two sides of the split or a label is not among the terms. Needs pyarrow.
"""

import argparse
import csv
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.dataset

SPLITS = ("train", "valid", "test")
#: arXiv 2512.03111; the names of its subtypes, tissues and studies are not in its text.
PAPER = {"cells": "3.5 million", "studies": 83, "patients": 616, "tissues": 23, "cancer types": 33}


def rows_of(path):
    with open(path, newline="", encoding="utf-8-sig") as table:
        return list(csv.DictReader(table))


def cells_of(tokens, label):
    """A Counter of cells by (study, sample, patient, tissue, label, split); a missing value is None."""
    columns = ["study", "sample", "patient", "tissue", label, "split"]
    parts = sorted(str(part) for part in Path(tokens).glob("part-*.parquet"))
    dataset = pyarrow.dataset.dataset(parts, format="parquet")
    missing = [column for column in columns if column not in dataset.schema.names]
    if missing:
        sys.exit(f"error: `{tokens}` lacks {missing}: tokenize with --labels {label} --groups study,sample,patient,tissue")
    counts = Counter()
    for batch in dataset.to_batches(columns=columns):
        counts.update(zip(*(batch.column(column).to_pylist() for column in columns)))
    return counts


def composition(counts, key):
    """What a level of column number `key` is made of: cells and patients in all and by split; studies and tissues."""
    levels = defaultdict(lambda: {"cells": Counter(), "patients": defaultdict(set), "studies": set(), "tissues": set()})
    for row, n in counts.items():
        study, _, patient, tissue, _, split = row
        level = levels[row[key]]
        level["cells"][split] += n
        level["patients"][split].add(patient)
        level["studies"].add(study)
        if tissue is not None:
            level["tissues"].add(tissue)
    return {
        name: {
            "cells": sum(level["cells"].values()),
            "patients": len(set().union(*level["patients"].values())),
            "studies": sorted(level["studies"]),
            "tissues": sorted(level["tissues"]),
            "split": {s: {"cells": level["cells"][s], "patients": len(level["patients"][s])} for s in SPLITS},
        }
        for name, level in sorted(levels.items(), key=lambda item: (item[0] is None, item[0] or ""))
    }


def broader_terms(terms, column):
    return {row["term"]: row.get("broader") or None for row in terms if row["column"] == column}


def problems(counts, terms, label):
    """Sentences on what a benchmark must not have."""
    found = []
    sides = defaultdict(set)
    for (_, _, patient, _, _, split), _ in counts.items():
        sides[patient].add(split)
    found += [f"patient `{p}` is in {sorted(s)}" for p, s in sorted(sides.items(), key=str) if p is not None and len(s) > 1]
    for column, key in ((label, 4), ("tissue", 3)):
        known = broader_terms(terms, column)
        values = {row[key] for row in counts} - {None}
        found += [f"`{value}` of `{column}` is no term" for value in sorted(values - known.keys())]
    return found


def cautions(by_label, terms, label):
    """Sentences on what a reader of its scores must know."""
    found = []
    for name, level in by_label.items():
        if name is None:
            found.append(f"{level['cells']:,} cells have no {label}; they train nothing and score nothing.")
            continue
        empty = [split for split in SPLITS if level["split"][split]["patients"] == 0]
        if empty:
            found.append(f"`{name}` has {level['patients']} patient(s), none for {' and '.join(empty)}.")
    lonely = [name for name, level in by_label.items() if name is not None and len(level["studies"]) == 1]
    if lonely:
        found.append(f"Each from one study, so that the study gives the label away: {', '.join(f'`{name}`' for name in lonely)}.")
    broader = broader_terms(terms, label)
    for name in by_label:
        if broader.get(name) in by_label:
            found.append(f"`{broader[name]}` is broader than `{name}`: as classes they are not disjoint.")
    return found


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |" for row in rows]


def without_folders(reason):
    """The sentence with files by name: where they lay is no property of the benchmark."""
    return re.sub(r"`[^`]*/([^`/]+)`", r"`\1`", reason)


def sheet(manifest, qc, index, counts, terms, label):
    """The datasheet as a dictionary."""
    by_label = composition(counts, 4)
    accessions = defaultdict(set)
    for row in manifest:
        accessions[row["study"]].add(row.get("accession") or "")
    studies = [
        {
            "study": study["study"],
            "accession": ", ".join(sorted(accessions[study["study"]] - {""})),
            "input": study["input"],
            "cells_read": study["cells"]["read"],
            "cells_kept": study["cells"]["passed"],
            "removed": study["cells"]["removed"],
            "genes_of_no_table": study["genes"]["unmapped"],
        }
        for study in qc["studies"]
    ]
    removed = Counter()
    for study in studies:
        removed.update(study["removed"])
    labels = {row[4] for row in counts} - {None, "none"}
    return {
        "label": label,
        "size": {
            "cells": sum(counts.values()),
            "genes": index["vocabulary"]["n_genes"],
            "studies": len({row[0] for row in counts}),
            "samples": len({row[1] for row in counts}),
            "patients": len({row[2] for row in counts} - {None}),
            "tissues": len({row[3] for row in counts} - {None}),
            "cancer types": len(labels),
        },
        "by_label": [{"name": name, **level} for name, level in by_label.items()],
        "studies": studies,
        "dropped": {
            "studies": [{**study, "reason": without_folders(study["reason"])} for study in qc["skipped"]],
            "cells": dict(sorted(removed.items())),
            "cells_without_vocabulary_gene": index["dropped"]["cells_without_vocabulary_gene"],
            "genes_outside_vocabulary": index["dropped"]["genes_outside_vocabulary"],
        },
        "split": index["split"],
        "cautions": cautions(by_label, terms, label),
        "made_by": index["provenance"],
    }


def markdown(facts):
    size, label = facts["size"], facts["label"]
    read = sum(study["cells_read"] for study in facts["studies"])
    lines = [f"# Datasheet: {label} of {size['cells']:,} cells of {size['patients']} patients", ""]
    lines += ["## What is in it", ""]
    lines += table(["", "here", "PanFoMaBench (arXiv 2512.03111)"], [[k, v, PAPER.get(k, "")] for k, v in size.items()])
    lines += ["", f"A {label} each; healthy tissue is `none` and not counted above.", ""]
    lines += table(
        [label, "cells", "patients", "studies", "tissues", "train", "valid", "test"],
        [
            [level["name"] or "(none given)", level["cells"], level["patients"], ", ".join(level["studies"]), ", ".join(level["tissues"])]
            + [f"{level['split'][s]['cells']:,} ({level['split'][s]['patients']})" for s in SPLITS]
            for level in facts["by_label"]
        ],
    )
    lines += ["", "Train, valid, test: cells (patients).", "", "## What to know before using it", ""]
    lines += [f"- {caution}" for caution in facts["cautions"]] or ["- Nothing was found."]
    lines += ["", "## Where it is from", ""]
    lines += table(
        ["study", "accession", "input", "cells read", "kept", "removed by"],
        [
            [s["study"], s["accession"], s["input"], s["cells_read"], s["cells_kept"]]
            + [", ".join(f"{rule} {n:,}" for rule, n in s["removed"].items()) or "-"]
            for s in facts["studies"]
        ],
    )
    dropped = facts["dropped"]
    lines += ["", "## What was dropped, and why", ""]
    lines += [f"- Study `{study['study']}`: {study['reason']}." for study in dropped["studies"]]
    lines += [f"- {n:,} of {read:,} cells by `{rule}`." for rule, n in dropped["cells"].items()]
    lines += [f"- {dropped['cells_without_vocabulary_gene']:,} cells without a gene of the vocabulary."]
    lines += [f"- {dropped['genes_outside_vocabulary']:,} genes outside the vocabulary."]
    split = facts["split"]
    shares = ", ".join(f"{share:g}" for share in split["fractions"])
    lines += ["", "## How it is split", ""]
    lines += [f"Whole groups of `{split['by']}` ({shares} to train, valid, test), within levels of `{split['stratify']}`, seed {split['seed']}:"]
    lines += [f"{s} {split['cells'][s]:,} cells of {split['groups'][s]} groups" + (";" if s != "test" else ".") for s in SPLITS]
    made = facts["made_by"]
    lines += ["No patient is on two sides; that was checked.", "", "## How it was made", ""]
    lines += [f"{made['tool']} {made['tool_version']} ({made['commit']}), seed {made['seed']}, from:", ""]
    lines += [f"- `{item['name']}`, BLAKE3 `{item['blake3']}`" for item in made["inputs"]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--manifest", "--qc", "--tokens", "--terms", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--label", default="cancer_type")
    options = parser.parse_args()
    counts, terms = cells_of(options.tokens, options.label), rows_of(options.terms)
    found = problems(counts, terms, options.label)
    if found:
        print(*(f"error: {problem}" for problem in found), sep="\n", file=sys.stderr)
        return 65
    qc = json.loads(Path(options.qc).read_text())
    index = json.loads((Path(options.tokens) / "_index.json").read_text())
    facts = sheet(rows_of(options.manifest), qc, index, counts, terms, options.label)
    Path(options.output + ".json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    Path(options.output + ".md").write_text(markdown(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
