"""Importances of regression trees boosted as GRNBoost2 describes (Moerman et al. 2019), on 500 cells of BEELINE's GSD.

    python make_boosting_golden.py ExpressionData.csv > tests/data/grn/gsd_boosting.json

scikit-learn 1.9.1 grows the trees. Mean and standard deviation over twelve seeds for three targets; the importances of a
target add up to its number of trees.
"""

import json
import sys

import numpy as np
from sklearn.tree import DecisionTreeRegressor

lines = [line.rstrip("\n").split(",") for line in open(sys.argv[1])]
genes = [line[0] for line in lines[1:]]
cells = np.array([[float(value) for value in line[1:]] for line in lines[1:]], dtype=np.float32).T[:500]


def boost(target, seed):
    random = np.random.RandomState(seed)
    own = genes.index(target)
    others = [gene for gene in range(len(genes)) if gene != own]
    x, y = cells[:, others], cells[:, own].astype(float)
    residual = y - y.mean()
    importance, gains = np.zeros(len(others)), []
    for n_trees in range(1, 5001):
        order = random.permutation(len(y))
        inside, outside = np.split(order, [int(0.9 * len(y))])
        tree = DecisionTreeRegressor(
            max_depth=3, max_features=max(1, int(0.1 * len(others))), random_state=random.randint(2**31)
        ).fit(x[inside], residual[inside])
        before = np.mean(residual[outside] ** 2)
        residual = residual - 0.01 * tree.predict(x)
        gains.append(before - np.mean(residual[outside] ** 2))
        importance += tree.tree_.compute_feature_importances(normalize=False)
        if n_trees >= 25 and np.mean(gains[-25:]) < 0:
            break
    found = np.zeros(len(genes))
    found[others] = importance / importance.sum() * n_trees
    return found


targets = {}
for target in ["SOX9", "AMH", "UGR"]:
    found = np.array([boost(target, seed) for seed in range(12)])
    targets[target] = {
        "mean": found.mean(0).round(4).tolist(),
        "sd": found.std(0, ddof=1).round(4).tolist(),
        "n_trees": found.sum(1).round(0).tolist(),
    }
json.dump({"genes": genes, "targets": targets}, sys.stdout, indent=0)
