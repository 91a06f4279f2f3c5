"""Writes src/learners/boosting/boosting.reference.json: what scikit-learn's histogram boosting predicts.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_boosting.py
"""

import numpy as np
import sklearn
from reference import numbers, write
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

rng = np.random.default_rng(9)


def f32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def case(what, x, y, classes, asked, weights=None, **params):
    names = {"learningRate": "learning_rate", "maxIter": "max_iter", "maxLeafNodes": "max_leaf_nodes", "maxDepth": "max_depth", "minSamplesLeaf": "min_samples_leaf", "l2Regularization": "l2_regularization", "maxBins": "max_bins"}
    kwargs = {names[name]: value for name, value in params.items()}
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = kind(early_stopping=False, random_state=0, **kwargs).fit(x, y, sample_weight=weights)
    output = model.predict_proba(asked) if classes else model.predict(asked).reshape(-1, 1)
    holes = lambda rows: [[None if np.isnan(v) else v for v in row] for row in rows.tolist()]
    return {"what": what, "rows": holes(x), "targets": y.tolist(), "classes": classes, "weights": None if weights is None else weights.tolist(), "params": {**params, "earlyStopping": "off"}, "asked": holes(asked), "output": numbers(output)}


iris = datasets.load_iris()
cancer = datasets.load_breast_cancer()
some = rng.permutation(569)
x2 = f32(cancer.data[:, :6])
values = f32(rng.normal(0, 1, (150, 3)))
y = f32(np.sin(values[:, 0] * 2) + values[:, 1] ** 2 + rng.normal(0, 0.1, 150))
gappy = values.copy()
gappy[rng.random(gappy.shape) < 0.2] = np.nan
many = f32(rng.normal(0, 1, (400, 2)))
of_many = (many[:, 0] * many[:, 1] > 0).astype(int)

write("src/learners/boosting/boosting.reference.json", {
    "versions": {"scikit-learn": sklearn.__version__},
    "cases": [
        case("iris, three classes", f32(iris.data), iris.target, 3, f32(iris.data[::7]), maxIter=20),
        case("breast cancer, two classes", x2[some[:200]], cancer.target[some[:200]], 2, x2[some[200:240]], maxIter=15, maxLeafNodes=8),
        case("depth and l2", x2[some[:150]], cancer.target[some[:150]], 2, x2[some[200:220]], maxIter=10, maxDepth=2, l2Regularization=3.0, learningRate=0.3),
        case("weights", x2[some[:120]], cancer.target[some[:120]], 2, x2[some[200:220]], weights=rng.integers(1, 4, 120).astype(float), maxIter=10),
        case("values", values[:120], y[:120], 0, values[120:], maxIter=30, minSamplesLeaf=5),
        case("missing values", gappy[:120], y[:120], 0, gappy[120:], maxIter=30, minSamplesLeaf=5),
        case("more values than bins", many[:350], of_many[:350], 2, many[350:], maxIter=20, maxBins=16),
    ],
})
