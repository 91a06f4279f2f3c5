"""Writes test/engine/whole-batch.reference.json: probabilities of scikit-learn's LogisticRegression on standardised tables.

python test/python/reference_whole_batch.py
"""
import csv

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from reference import root, write


def table(name):
    """Features of a table in data/, and its classes as indices in the order of their first rows."""
    with open(root / f"data/{name}.csv") as file:
        rows = list(csv.reader(file))[1:]
    labels = list(dict.fromkeys(row[-1] for row in rows))
    return np.array([row[:-1] for row in rows], float), np.array([labels.index(row[-1]) for row in rows])


def solution(name, C=None, weighted=False):
    """C is scikit-learn's; `l2` the same for the mean loss. For two classes scikit-learn has one vector of weights, where softmax has its halves."""
    x, y = table(name)
    weights = np.arange(len(y)) % 3 if weighted else None
    total = weights.sum() if weighted else len(y)
    model = LogisticRegression(penalty="l2" if C else None, C=C or 1, tol=1e-10, max_iter=100_000)
    model.fit(StandardScaler().fit_transform(x), y, sample_weight=weights)
    probabilities = model.predict_proba(StandardScaler().fit_transform(x))
    l2 = (2 if len(model.classes_) == 2 else 1) / (C * total) if C else 0
    return {"table": name, "penalty": f"C = {C}" if C else "none", "weighted": weighted, "l2": l2, "probabilities": np.round(probabilities, 6).tolist()}


write("test/engine/whole-batch.reference.json", {
    "solutions": [
        solution("iris"),
        solution("iris", C=1),
        solution("iris", C=0.5, weighted=True),
        solution("breast-cancer", C=1),
        solution("breast-cancer", C=0.1, weighted=True),
    ],
})
