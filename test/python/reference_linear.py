"""Writes src/learners/linear.reference.json: what scikit-learn's naive Bayes and logistic regression say of small data, and of Fashion-MNIST if it is here.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_linear.py
Logistic regression is solved to the end (tol 1e-10), in double precision, on the values as float32.
"""

import glob
import gzip
import warnings

import numpy as np
import sklearn
from reference import root, write
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

warnings.filterwarnings("ignore")
rng = np.random.default_rng(11)


def csv(name, labelled):
    lines = (root / "data" / name).read_text().strip().split("\n")
    return labelled([line.split(",") for line in lines])


def digits():
    cells = np.loadtxt(gzip.open(root / "data" / "digits.csv.gz"), delimiter=",")
    return cells[:, :-1], cells[:, -1].astype(int)


def fashion():
    read = lambda name: gzip.open(glob.glob(f"/usr/share/datasets/fashion-mnist/**/{name}.gz", recursive=True)[0]).read()
    x = np.frombuffer(read("train-images-idx3-ubyte"), np.uint8)[16 : 16 + 10_000 * 784].reshape(-1, 784)
    return x.astype(float), np.frombuffer(read("train-labels-idx1-ubyte"), np.uint8)[8 : 8 + 10_000].astype(int)


def people():
    """As a census table comes prepared: standardised and skewed numbers, then categories as 0 and 1."""
    rows = 300
    age, gain, kind = rng.integers(17, 90, rows), np.floor(rng.lognormal(1, 3, rows)), rng.integers(0, 5, rows)
    rich = age / 30 + np.log1p(gain) / 3 + kind + rng.normal(0, 2, rows) > 6
    columns = [(age - age.mean()) / age.std(), (gain - gain.mean()) / gain.std(), *np.eye(5)[kind].T]
    return np.round(np.stack(columns, 1), 4), rich.astype(int)


iris = csv("iris.csv", lambda rows: (np.array([r[:4] for r in rows[1:]], float), np.unique([r[4] for r in rows[1:]], return_inverse=True)[1]))
wine = csv("wine.csv", lambda rows: (np.array([r[:13] for r in rows], float), np.array([int(r[13]) - 1 for r in rows])))
cancer = csv("breast-cancer.csv", lambda rows: (np.array([r[:30] for r in rows[1:]], float), np.array([int(r[30]) for r in rows[1:]])))
data = {"iris": iris, "wine": wine, "breast-cancer": cancer, "digits": digits(), "people": people(), "fashion": fashion()}
weights_of = lambda count: 0.5 + np.arange(count) % 4  # as the tests weigh

scalings = {
    "raw": lambda x: x,
    "standardised": lambda x: (x - x.mean(0)) / x.std(0),
    "sixteenths": lambda x: x / 16,
}
naive = {"gaussian": GaussianNB, "multinomial": MultinomialNB, "complement": ComplementNB, "bernoulli": BernoulliNB}
names = {"varSmoothing": "var_smoothing", "fitPrior": "fit_prior", "fitIntercept": "fit_intercept", "l1Ratio": "l1_ratio", "multiClass": "multi_class", "classWeight": "class_weight"}


def model(learner, params):
    given = {names.get(name, name): value for name, value in params.items()}
    if learner == "naive-bayes":
        return naive[given.pop("distribution")](**given)
    given["penalty"] = None if given.get("penalty") == "none" else given.get("penalty", "l2")
    smooth = given["penalty"] in (None, "l2")
    given.pop("solver", None)
    return LogisticRegression(solver="newton-cholesky" if smooth else "saga", tol=1e-10, max_iter=10_000 if smooth else 200_000, random_state=0, **given)


def case(learner, name, params={}, scaling="raw", weighted=False):
    x, y = data[name]
    x = scalings[scaling](x).astype(np.float32).astype(np.float64)
    fitted = model(learner, params).fit(x, y, weights_of(len(y)) if weighted else None)
    rows = x[:: max(1, len(x) // 60)]
    found = {"learner": learner, "data": name, "scaling": scaling, "weighted": weighted, "params": params}
    if params.get("penalty") in ("l1", "elasticnet"):
        found["zeros"] = int((fitted.coef_ == 0).sum())
    print(learner, name, scaling, params, getattr(fitted, "n_iter_", ""))
    return found | {"probabilities": np.round(fitted.predict_proba(rows), 6).tolist()}


LOGISTIC = "logistic-regression"
cases = [
    *(case("naive-bayes", name, {"distribution": "gaussian"}) for name in data),
    *(
        case("naive-bayes", name, {"distribution": distribution})
        for distribution in ("multinomial", "complement", "bernoulli")
        for name in ("iris", "wine", "breast-cancer", "digits", "fashion")
    ),
    case("naive-bayes", "people", {"distribution": "bernoulli", "binarize": 0.25, "alpha": 0.1}),
    case("naive-bayes", "iris", {"distribution": "multinomial", "alpha": 7.5, "fitPrior": False}, weighted=True),
    case("naive-bayes", "digits", {"distribution": "complement", "norm": True}, weighted=True),
    case("naive-bayes", "people", {"distribution": "gaussian", "varSmoothing": 0.01}),
    case("naive-bayes", "people", {"distribution": "gaussian"}, weighted=True),
    case(LOGISTIC, "iris"),
    case(LOGISTIC, "wine"),
    case(LOGISTIC, "breast-cancer"),
    case(LOGISTIC, "people"),
    case(LOGISTIC, "digits", scaling="sixteenths"),
    case(LOGISTIC, "wine", scaling="standardised"),
    case(LOGISTIC, "breast-cancer", scaling="standardised"),
    case(LOGISTIC, "iris", {"C": 0.05}, weighted=True),
    case(LOGISTIC, "wine", {"C": 100, "fitIntercept": False}, scaling="standardised"),
    case(LOGISTIC, "iris", {"multiClass": "ovr"}),
    case(LOGISTIC, "wine", {"multiClass": "ovr"}, scaling="standardised", weighted=True),
    case(LOGISTIC, "wine", {"classWeight": "balanced"}, scaling="standardised"),
    case(LOGISTIC, "people", {"penalty": "none"}),
    case(LOGISTIC, "breast-cancer", {"penalty": "l1", "C": 0.3}, scaling="standardised"),
    case(LOGISTIC, "wine", {"penalty": "l1"}, scaling="standardised"),
    case(LOGISTIC, "iris", {"penalty": "l1", "multiClass": "ovr"}, scaling="standardised"),
    case(LOGISTIC, "wine", {"penalty": "elasticnet", "C": 0.2, "l1Ratio": 0.7}, scaling="standardised", weighted=True),
    case(LOGISTIC, "digits", {"penalty": "elasticnet", "C": 0.02, "l1Ratio": 0.5}, scaling="sixteenths"),
]
rows, targets = data["people"]
write("src/learners/linear.reference.json", {"versions": {"scikit-learn": sklearn.__version__}, "people": {"rows": rows.tolist(), "targets": targets.tolist()}, "cases": cases})
