"""Writes src/learners/trees/trees.reference.json: trees of scikit-learn node by node, and how well its forests do.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_trees.py
"""

import csv
import gzip

import numpy as np
import sklearn
from reference import numbers, root, write
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

rng = np.random.default_rng(3)
X = np.round(rng.normal(0, 2, (400, 5)), 2).astype(np.float32)
X[:, 4] = rng.integers(0, 4, 400)  # few values
y = (X[:, 0] + X[:, 1] * X[:, 4] + rng.normal(0, 1.5, 400)).astype(np.float32)
classes = np.digitize(y, [-1, 2])
weights = np.round(rng.uniform(0.1, 3, 400), 2)
weights[::17] = 0
trees = []


def preorder(tree, node=0):
    """Nodes as [column, threshold] or [-1, share or mean of each output]."""
    if tree.children_left[node] < 0:
        return [[-1, *numbers(tree.value[node, 0])]]
    here = [[int(tree.feature[node]), numbers(np.float32(tree.threshold[node]))]]
    return here + preorder(tree, tree.children_left[node]) + preorder(tree, tree.children_right[node])


def tree(name, params, weighted=False, **kwargs):
    """Of the first 150 rows in a row for which the best splits are unique: all seeds give the same tree, and all scales of weights, which round differently."""
    regression = kwargs.pop("regression", False)
    kind, targets = (DecisionTreeRegressor, y) if regression else (DecisionTreeClassifier, classes)
    for first in range(250):
        rows = slice(first, first + 150)
        scaled = [(weights[rows] if weighted else np.ones(150)) * (1 + s / 7) for s in range(20)]
        fits = [kind(random_state=s, **kwargs).fit(X[rows], targets[rows], scaled[s]) for s in range(20)]
        nodes = [preorder(fit.tree_) for fit in fits]
        if all(other == nodes[0] for other in nodes):
            case = {"name": name, "first": first, "regression": regression, "weighted": weighted, "params": params}
            trees.append({**case, "nodes": nodes[0], "importance": numbers(fits[0].feature_importances_)})
            return
    raise SystemExit(f"{name}: ties everywhere")


few = dict(min_samples_leaf=12)
tree("gini", {"minSamplesLeaf": 12}, **few)
tree("entropy", {"criterion": "entropy", "minSamplesLeaf": 12}, criterion="entropy", **few)
tree("log loss to depth 3", {"criterion": "log_loss", "maxDepth": 3}, criterion="log_loss", max_depth=3)
tree("a share of the rows to split", {"minSamplesSplit": 0.25, "minSamplesLeaf": 0.06}, min_samples_split=0.25, min_samples_leaf=0.06)
tree("a share of the weight in a leaf", {"minWeightFractionLeaf": 0.07}, weighted=True, min_weight_fraction_leaf=0.07)
tree("sample weights", {"minSamplesLeaf": 12}, weighted=True, **few)
tree("weights of classes", {"classWeight": {"a": 3, "c": 0.5}, "minSamplesLeaf": 12}, class_weight={0: 3, 1: 1, 2: 0.5}, **few)
tree("balanced classes", {"classWeight": "balanced", "minSamplesLeaf": 12}, class_weight="balanced", **few)
tree("least decrease", {"minImpurityDecrease": 0.01}, min_impurity_decrease=0.01)
tree("7 leaves", {"maxLeafNodes": 7}, max_leaf_nodes=7)
tree("7 leaves of weighted rows by entropy", {"maxLeafNodes": 7, "criterion": "entropy"}, weighted=True, max_leaf_nodes=7, criterion="entropy")
tree("pruned", {"minSamplesLeaf": 8, "ccpAlpha": 0.006}, min_samples_leaf=8, ccp_alpha=0.006)
tree("pruned, with sample weights", {"minSamplesLeaf": 12, "ccpAlpha": 0.004}, weighted=True, ccp_alpha=0.004, **few)
tree("numbers", {"minSamplesLeaf": 8}, regression=True, min_samples_leaf=8)
tree("numbers to depth 4, with sample weights", {"maxDepth": 4}, weighted=True, regression=True, max_depth=4)
tree("9 leaves of numbers", {"maxLeafNodes": 9}, regression=True, max_leaf_nodes=9)
tree("pruned numbers", {"minSamplesLeaf": 8, "ccpAlpha": 0.1}, regression=True, min_samples_leaf=8, ccp_alpha=0.1)


def table(name):
    """Columns of data/<name>, as src/learners/trees/trees.test.ts reads them."""
    path = root / "data" / name
    with (gzip.open(path, "rt") if name.endswith(".gz") else open(path)) as file:
        lines = [line for line in csv.reader(file) if line]
    if name in ("iris.csv", "breast-cancer.csv"):
        lines = lines[1:]
    labels = sorted({line[-1] for line in lines})
    rows = np.array([[float(v) for v in line[:-1]] for line in lines], dtype=np.float32)
    return rows, np.array([labels.index(line[-1]) for line in lines])


forests = []


def forest(data, kind, Classifier, **kwargs):
    """30 trees; every third row is held out."""
    rows, targets = table(data)
    held = np.arange(len(rows)) % 3 == 0
    fits = [Classifier(30, random_state=s, **kwargs).fit(rows[~held], targets[~held]) for s in range(10)]
    scores = [fit.score(rows[held], targets[held]) for fit in fits]
    extra = {"oob": numbers(np.mean([fit.oob_score_ for fit in fits]))} if kwargs.get("oob_score") else {}
    importance = np.mean([fit.feature_importances_ for fit in fits], 0)
    forests.append({"data": data, "kind": kind, "mean": numbers(np.mean(scores)), "deviation": numbers(np.std(scores, ddof=1)), **extra, "importance": numbers(importance)})


for data in ("iris.csv", "wine.csv", "breast-cancer.csv", "digits.csv.gz"):
    forest(data, "random-forest", RandomForestClassifier, oob_score=True)
    forest(data, "extra-trees", ExtraTreesClassifier)

rows, _ = table("wine.csv")
held = np.arange(len(rows)) % 3 == 0
regressions = [
    {"kind": kind, "r2": numbers(np.mean([Regressor(30, random_state=s).fit(rows[~held, :12], rows[~held, 12]).score(rows[held, :12], rows[held, 12]) for s in range(10)]))}
    for kind, Regressor in (("random-forest", RandomForestRegressor), ("extra-trees", ExtraTreesRegressor))
]

write(
    "src/learners/trees/trees.reference.json",
    {
        "scikitLearn": sklearn.__version__,
        "rows": numbers(X),
        "values": numbers(y),
        "classes": classes.tolist(),
        "weights": numbers(weights),
        "trees": trees,
        "forests": forests,
        "regressions": regressions,
    },
)
