"""The tables of docs/benchmarks/tumours.md from the comparison that tests/bench_tumours.sh makes.

    python tests/python/tumours_table.py OUT/comparison/comparison.tsv

Runs of one task with several seeds (`ctcl`, `ctcl_seed1`, …) are summed up below, mean ± standard deviation over seeds.
Standard library only.
"""

import csv
import statistics
import sys

METHODS = [
    ("panfoma", "PanFoMa, frozen"),
    ("fine_tuned", "fine-tuned"),
    ("from_scratch", "from scratch"),
    ("random_weights", "random weights, probe"),
    ("embedding_logistic", "PanFoMa, probe"),
    ("logistic", "logistic regression"),
    ("logistic_l1", "logistic, L1"),
    ("pca_logistic", "PCA + logistic"),
    ("pca_knn", "PCA + kNN"),
    ("majority", "majority"),
]
INTEGRATION = ["avg_bio", "avg_batch", "scib_total"]
# How bench_tumours.sh calls the evaluation of the fine-tuned model's embedding.
FINE_TUNED = "_fine_tuned"


def main(path):
    with open(path) as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["group"] == "all"]
    runs = list(dict.fromkeys(row["run"] for row in rows if not row["run"].endswith(FINE_TUNED)))
    find = {(row["run"], row["metric"], row["method"], row["split"]): row for row in rows}

    def cell(run, metric, method, split, best=None):
        row = find.get((run, metric, method, split))
        if row is None or not row["value"]:
            return "–"
        value = float(row["value"])
        text = f"{value:.3f}"
        if best is not None and value == best:
            text = f"**{text}**"
        return text + (f" [{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}]" if row["ci_low"] else "")

    def line(cells):
        print("| " + " | ".join(cells) + " |")

    line(["task", "cells", "over"] + [title for _, title in METHODS])
    line(["---", "---:", "---"] + ["---:"] * len(METHODS))
    for run in runs:
        values = [find.get((run, "macro_f1", method, "test")) for method, _ in METHODS]
        known = [row for row in values if row is not None]
        if known:
            best = max(float(row["value"]) for row in known)
            cells = [cell(run, "macro_f1", method, "test", best) for method, _ in METHODS]
            line([run, known[0]["n"], known[0]["ci_over"]] + cells)
    print()
    which = ("pretrained", "fine-tuned", "PCA of counts")
    line(["task"] + [f"{metric}, {embedding}" for metric in INTEGRATION for embedding in which])
    line(["---"] + ["---:"] * (len(which) * len(INTEGRATION)))
    own, baseline = list(dict.fromkeys(row["method"] for row in rows if row["metric"] == "scib_total"))[:2]
    for run in runs:
        columns = [(run, own), (run + FINE_TUNED, own), (run, baseline)]
        line([run] + [cell(name, metric, method, "test") for metric in INTEGRATION for name, method in columns])
    tasks = {}
    for run in runs:
        tasks.setdefault(run.split("_seed")[0], []).append(run)
    if len(tasks) < len(runs):
        print()
        line(["task", "seeds"] + [title for _, title in METHODS])
        line(["---", "---:"] + ["---:"] * len(METHODS))
    for task, seeds in tasks.items():
        if len(seeds) > 1:
            scores = [[find.get((run, "macro_f1", method, "test")) for run in seeds] for method, _ in METHODS]
            line([task, str(len(seeds))] + [over_seeds(rows) for rows in scores])


def over_seeds(rows):
    if None in rows or not all(row["value"] for row in rows):
        return "–"
    values = [float(row["value"]) for row in rows]
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main(sys.argv[1])
