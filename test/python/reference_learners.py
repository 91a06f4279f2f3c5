"""Writes test/data/learners.reference.json: what scikit-learn's learners say of adult, height-weight, and 10,000 pictures of Fashion-MNIST if they are here.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_learners.py
Every fifth row is held out. Probabilities and decisions are those of the first 40 held rows; how many of all held rows a tree or forest is right
about is the mean over 10 seeds.
"""

import csv
import glob
import gzip
import warnings

import numpy as np
import sklearn
from reference import numbers, root, write
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")
SHOWN = 40
standardised = lambda x: (x - x.mean(0)) / x.std(0)


def adult(one_hot):
    """Numbers as they are, or standardised; categories as their places in order, or a column for each."""
    rows = [line.split(", ") for line in gzip.open(root / "test/data/adult.csv.gz", "rt").read().strip().split("\n")]
    columns = []
    for cells in list(zip(*rows))[:-1]:
        if all(cell.isdigit() for cell in cells):
            values = np.array(cells, float)
            columns.append((standardised(values) if one_hot else values)[:, None])
        else:
            codes = np.unique(cells, return_inverse=True)[1]
            columns.append(np.eye(codes.max() + 1)[codes] if one_hot else codes[:, None])
    return np.hstack(columns), np.array([row[-1] == ">50K" for row in rows]).astype(int)


def people():
    rows = list(csv.DictReader((root / "data/height-weight.csv").open()))
    return standardised(np.array([[row["height"], row["weight"]] for row in rows], float)), np.array([row["sex"] == "M" for row in rows]).astype(int)


def fashion(scale):
    read = lambda name: gzip.open(glob.glob(f"/usr/share/datasets/fashion-mnist/**/{name}.gz", recursive=True)[0]).read()
    x = np.frombuffer(read("train-images-idx3-ubyte"), np.uint8)[16 : 16 + 10_000 * 784].reshape(-1, 784)
    return x.astype(np.float32) / np.float32(scale), np.frombuffer(read("train-labels-idx1-ubyte"), np.uint8)[8 : 8 + 10_000].astype(int)


tables = {"adult": adult(True), "adult-codes": adult(False), "height-weight": people(), "fashion": fashion(1), "fashion-scaled": fashion(255)}
cases = []


def parts(name):
    x, y = tables[name]
    x = x.astype(np.float32).astype(np.float64)
    held = np.arange(len(y)) % 5 == 0
    return x[~held], y[~held], x[held], y[held]


def both(scores):
    return scores if scores.ndim == 2 else np.stack([-scores, scores], 1)


def says(data, learner, params, model):
    """What a model whose solution is unique says of single rows."""
    x, y, held, _ = parts(data)
    fitted = model.fit(x, y)
    probabilities = not isinstance(model, (SVC, LinearSVC))
    said = fitted.predict_proba(held[:SHOWN]) if probabilities else both(fitted.decision_function(held[:SHOWN]))
    cases.append({"data": data, "learner": learner, "params": params, "says": numbers(np.round(said, 6))})
    print(data, learner, params, getattr(fitted, "n_iter_", ""), flush=True)


def right(data, learner, params, make):
    """How often a model that depends on a seed is right."""
    x, y, held, truth = parts(data)
    shares = [make(seed).fit(x, y).score(held, truth) for seed in range(10)]
    cases.append({"data": data, "learner": learner, "params": params, "right": numbers(np.mean(shares))})
    print(data, learner, params, np.mean(shares), np.std(shares, ddof=1), flush=True)


NAIVE = {"gaussian": GaussianNB, "multinomial": MultinomialNB, "complement": ComplementNB, "bernoulli": BernoulliNB}
for data, distributions in {"adult-codes": NAIVE, "height-weight": ["gaussian", "bernoulli"], "fashion": NAIVE}.items():
    for distribution in distributions:
        says(data, "naive-bayes", {"distribution": distribution}, NAIVE[distribution]())

exact = dict(tol=1e-10, max_iter=100_000)
for data in ("adult", "height-weight"):
    says(data, "logistic-regression", {"tol": 1e-7}, LogisticRegression(solver="newton-cholesky", **exact))
    says(data, "logistic-regression", {"tol": 1e-7, "penalty": "l1"}, LogisticRegression(penalty="l1", solver="saga", tol=1e-9, max_iter=100_000, random_state=0))
# strong, so that both solvers come to the end in little time
says("fashion-scaled", "logistic-regression", {"tol": 1e-7, "maxIter": 1000, "C": 0.001}, LogisticRegression(C=0.001, tol=1e-8, max_iter=10_000))

for data in ("adult", "height-weight", "fashion-scaled"):
    says(data, "svm", {"tol": 1e-5}, SVC(tol=1e-5, cache_size=1000))
    says(data, "svm", {"kernel": "linear", "C": 0.01, "tol": 1e-5}, SVC(kernel="linear", C=0.01, tol=1e-5, cache_size=1000))
for data in ("adult", "height-weight"):
    params = {"kernel": "linear", "multiClass": "ovr", "loss": "squared_hinge", "C": 0.1, "tol": 1e-8, "maxIter": 1_000_000}
    says(data, "svm", params, LinearSVC(C=0.1, dual=True, tol=1e-8, max_iter=1_000_000, random_state=0))

for data, trees in {"adult-codes": 20, "height-weight": 20, "fashion": 10}.items():
    right(data, "decision-tree", {}, lambda seed: DecisionTreeClassifier(random_state=seed))
    right(data, "random-forest", {"nEstimators": trees}, lambda seed: RandomForestClassifier(trees, random_state=seed, n_jobs=2))
    right(data, "extra-trees", {"nEstimators": trees}, lambda seed: ExtraTreesClassifier(trees, random_state=seed, n_jobs=2))
for data in ("adult-codes", "height-weight"):
    right(data, "gradient-boosting", {"maxIter": 50}, lambda seed: HistGradientBoostingClassifier(max_iter=50, random_state=seed))

write("test/data/learners.reference.json", {"versions": {"scikit-learn": sklearn.__version__}, "shown": SHOWN, "cases": cases})
