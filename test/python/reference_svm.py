"""Writes src/learners/svm/svm.reference.json: what scikit-learn's SVC and LinearSVC decide for held rows of small tables.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_svm.py
"""

import base64

import numpy as np
from reference import numbers, write
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

HELD = 40
rng = np.random.default_rng(7)


def packed(values, dtype):
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode()


def table(load, rows, standardise):
    x, y = load(return_X_y=True)
    some = rng.permutation(len(x))[:rows]
    x, y = x[some], y[some]
    # both sides read float32
    x = (StandardScaler().fit_transform(x) if standardise else x).astype(np.float32)
    return x, y


TABLES = {
    "iris": table(load_iris, 150, False),
    "wine": table(load_wine, 178, True),
    "breast-cancer": table(load_breast_cancer, 300, True),
    "digits": table(load_digits, 400, False),
}
# halves and wholes, none at 0
weights = {name: np.ceil(rng.random(len(y)) * 4) / 2 for name, (_, y) in TABLES.items()}

tables = {}
for name, (x, y) in TABLES.items():
    dtype = np.uint8 if name == "digits" else np.float32
    tables[name] = {"features": x.shape[1], "dtype": dtype.__name__, "inputs": packed(x, dtype), "targets": packed(y, np.uint8), "weights": packed(weights[name] * 2, np.uint8)}

cases = []


def rename(name):
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def case(data, estimator, ours=None, weighted=False, **params):
    x, y = TABLES[data]
    fitted = estimator.fit(x[HELD:], y[HELD:], sample_weight=weights[data][HELD:] if weighted else None)
    entry = {"data": data, "params": {rename(k): v for k, v in params.items()} | (ours or {}), "weighted": weighted}
    scores = fitted.decision_function(x[:HELD])
    entry["scores"] = numbers(scores if scores.ndim == 2 else np.stack([-scores, scores], 1))
    if isinstance(estimator, SVC):
        estimator.decision_function_shape = "ovo"
        pairs = fitted.decision_function(x[:HELD])
        entry["pairs"] = numbers(pairs if pairs.ndim == 2 else -pairs[:, None])
    entry["predicted"] = [int(c) for c in fitted.predict(x[:HELD])]
    cases.append(entry)


def machine(data, weighted=False, **params):
    case(data, SVC(**params, tol=1e-6), {"tol": 1e-6}, weighted, **params)


def linear(data, weighted=False, **params):
    estimator = LinearSVC(**params, dual=True, tol=1e-8, max_iter=1_000_000, random_state=0)
    case(data, estimator, {"tol": 1e-8, "maxIter": 1_000_000, "kernel": "linear", "multiClass": "ovr"}, weighted, **params)


for data in TABLES:
    machine(data, kernel="rbf")
    machine(data, kernel="linear", C=0.5)
machine("iris", kernel="rbf", gamma="auto", C=10)
machine("wine", kernel="rbf", gamma=0.5)
machine("wine", kernel="poly")
machine("breast-cancer", kernel="poly", degree=2, coef0=1)
machine("digits", kernel="poly", degree=4)
machine("wine", kernel="sigmoid")
machine("breast-cancer", kernel="sigmoid", gamma=0.02, coef0=-0.5)
machine("wine", kernel="rbf", weighted=True)
machine("breast-cancer", kernel="rbf", weighted=True)
machine("iris", kernel="linear", weighted=True)
machine("breast-cancer", kernel="rbf", shrinking=False)
for loss in ("hinge", "squared_hinge"):
    linear("wine", loss=loss)
    linear("breast-cancer", loss=loss, C=0.1)
    linear("wine", loss=loss, weighted=True)
linear("iris", loss="squared_hinge")

# probabilities by folds of their own: compared loosely
probabilities = []
for data in ("breast-cancer", "wine"):
    x, y = TABLES[data]
    fitted = SVC(probability=True, random_state=0).fit(x[HELD:], y[HELD:])
    probabilities.append({"data": data, "expected": numbers(fitted.predict_proba(x[:HELD]))})

# LIBSVM's coupling of pairs and its sigmoid, by a machine that is given its own A and B
x, y = TABLES["digits"]
coupling = []
for data in ("iris", "digits"):
    x, y = TABLES[data]
    fitted = SVC(probability=True, random_state=0, decision_function_shape="ovo").fit(x[HELD:], y[HELD:])
    chances = 1 / (1 + np.exp(fitted.decision_function(x[:HELD]) * fitted.probA_ + fitted.probB_))
    coupling.append({"classes": len(fitted.classes_), "pairs": numbers(chances), "expected": numbers(fitted.predict_proba(x[:HELD]))})

write("src/learners/svm/svm.reference.json", {"held": HELD, "tables": tables, "cases": cases, "probabilities": probabilities, "coupling": coupling})
