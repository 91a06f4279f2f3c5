"""Writes src/learners/neighbours/neighbours.reference.json: what scikit-learn's neighbours and baselines predict.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_neighbours.py
"""

import numpy as np
import sklearn
from reference import numbers, write
from sklearn import datasets
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

rng = np.random.default_rng(8)


def f32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


iris = datasets.load_iris()
order = rng.permutation(150)
train, test = order[:110], order[110:]
x = f32(iris.data)
values = f32(rng.normal(0, 3, (60, 3)))
heights = f32(values @ [1.0, -2.0, 0.5] + rng.normal(0, 0.1, 60))
far = f32(1000 + rng.normal(0, 1, (80, 4)))
of_far = rng.integers(0, 3, 80)

cases = []
for k, weights in [(1, "uniform"), (5, "uniform"), (5, "distance"), (110, "uniform")]:
    model = KNeighborsClassifier(n_neighbors=k, weights=weights).fit(x[train], iris.target[train])
    # Rows that were learnt from are at no distance.
    asked = np.concatenate([x[test], x[train[:5]]])
    cases.append({"what": f"iris, {k} {weights}", "task": "classification", "params": {"nNeighbors": k, "weights": weights}, "rows": x[train].tolist(), "targets": iris.target[train].tolist(), "classes": 3, "asked": asked.tolist(), "output": numbers(model.predict_proba(asked))})
for weights in ["uniform", "distance"]:
    model = KNeighborsRegressor(n_neighbors=4, weights=weights).fit(values[:40], heights[:40])
    cases.append({"what": f"values, {weights}", "task": "regression", "params": {"nNeighbors": 4, "weights": weights}, "rows": values[:40].tolist(), "targets": heights[:40].tolist(), "classes": 0, "asked": values[40:].tolist(), "output": numbers(model.predict(values[40:]).reshape(-1, 1))})
model = KNeighborsClassifier(n_neighbors=3).fit(far[:60], of_far[:60])
cases.append({"what": "features far from zero", "task": "classification", "params": {"nNeighbors": 3}, "rows": far[:60].tolist(), "targets": of_far[:60].tolist(), "classes": 3, "asked": far[60:].tolist(), "output": numbers(model.predict_proba(far[60:]))})

dummies = []
weights = np.array([1, 2, 0.5, 1, 3, 1])
y = np.array([0, 1, 1, 2, 0, 1])
for strategy in ["prior", "most_frequent"]:
    for w in [None, weights]:
        model = DummyClassifier(strategy=strategy).fit(np.zeros((6, 1)), y, w)
        dummies.append({"strategy": strategy, "targets": y.tolist(), "classes": 3, "weights": None if w is None else w.tolist(), "output": numbers(model.predict_proba(np.zeros((1, 1)))[0])})
z = np.array([1.0, 5, 2, 8, 4, 4.5])
for strategy in ["mean", "median"]:
    model = DummyRegressor(strategy=strategy).fit(np.zeros((6, 1)), z)
    dummies.append({"strategy": strategy, "targets": z.tolist(), "classes": 0, "weights": None, "output": numbers(model.predict(np.zeros((1, 1))))})

write("src/learners/neighbours/neighbours.reference.json", {"versions": {"scikit-learn": sklearn.__version__}, "cases": cases, "dummies": dummies})
