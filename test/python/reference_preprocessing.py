"""Writes src/catalog/preprocessing/preprocessing.reference.json: what scikit-learn makes of a small table by each step, fitted on its training rows.

Run it with the Python that has requirements.txt whenever the cases change: python test/python/reference_preprocessing.py
"""

import datetime
import warnings

import numpy as np
import sklearn
import torch
import torch.nn.functional as F
from reference import numbers, write
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

rng = np.random.default_rng(5)
EPOCH = datetime.datetime(1970, 1, 1)


def holes(values, share, missing):
    return [missing if rng.random() < share else v for v in values]


def table(rows, colours):
    """Columns of each type; numbers are exact in float32."""
    f32 = lambda values: [float(np.float32(v)) for v in values]
    words = ["red", "Haus", "HAUS", "haus", "Österreich", "ÖSTERREICH", "österreich", "a", "x_1", "naïve", "data,data", "tree-house", "42"]
    return {
        "plain": f32(rng.normal(3, 2, rows)),
        "gappy": holes(f32(np.round(rng.normal(0, 4, rows))), 0.2, None),
        "skewed": f32(rng.lognormal(1, 1.5, rows) - 1),
        "large": f32(1_000_000 + rng.integers(0, 9, rows)),
        "constant": f32([0.1] * rows),
        "few": f32(rng.integers(0, 3, rows)),
        "colour": holes([str(c) for c in rng.choice(colours, rows, p=np.arange(len(colours), 0, -1) / sum(range(len(colours) + 1)))], 0.1, None),
        "city": [str(c) for c in rng.choice(["Köln", "Łódź", "Paris", "Oslo", "São Paulo", "東京", "New York", "Rome"], rows)],
        "when": [int(s) for s in rng.integers(-60_000_000_000, 60_000_000_000, rows)],
        "note": holes([" ".join(rng.choice(words, rng.integers(1, 9))) for _ in range(rows)], 0.1, ""),
    }


TRAIN = table(60, ["blue", "green", "red", "white"])
TEST = table(25, ["blue", "green", "red", "violet", "white", "azure"])
# leap days, ends of years and of centuries
TRAIN["when"][:6] = [int((datetime.datetime(*d) - EPOCH).total_seconds()) for d in [(2000, 2, 29), (1900, 2, 28, 23, 59), (1900, 3, 1), (2024, 12, 31, 12), (1969, 12, 31, 23, 59, 59), (1, 1, 1)]]


def floats(split, *names):
    return np.array([[np.nan if v is None else v for v in split[n]] for n in names], dtype=np.float64).T


def texts(split, *names):
    return np.array([split[n] for n in names], dtype=object).T


cases = []


def case(name, steps, columns, transform, tolerance=1e-6):
    """`transform(split)`: rows of the columns after the steps."""
    entry = {"name": name, "tolerance": tolerance, "steps": [{"step": "select", "params": {"columns": columns}}, *steps]}
    for split, rows in (("train", TRAIN), ("test", TEST)):
        result = transform(rows)
        entry[split] = numbers(np.asarray(result.todense() if hasattr(result, "todense") else result, dtype=np.float64))
    cases.append(entry)


def step(id, **params):
    return {"step": id, "params": params}


def fitted(name, steps, columns, estimator, read=floats, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant columns
        estimator.fit(read(TRAIN, *columns))
    case(name, steps, columns, lambda rows: estimator.transform(read(rows, *columns)), **more)


many = ["plain", "skewed", "large", "constant"]
fitted("standardise", [step("standardise")], many, StandardScaler())
fitted("min-max", [step("min-max")], many, MinMaxScaler())
fitted("min-max from -1 to 2", [step("min-max", low=-1, high=2)], many, MinMaxScaler((-1, 2)))
fitted("robust", [step("robust")], many, RobustScaler())
fitted("robust from the 5th to the 90th percentile", [step("robust", low=0.05, high=0.9)], many, RobustScaler(quantile_range=(5, 90)))
case("log", [step("log")], ["skewed"], lambda rows: np.log(np.maximum(floats(rows, "skewed") + 1, 1e-6)))
case("log of what is not positive", [step("log", offset=0, floor=0.5)], ["plain"], lambda rows: np.log(np.maximum(floats(rows, "plain"), 0.5)))
case("clip", [step("clip", min=1, max=3)], ["plain", "skewed"], lambda rows: np.clip(floats(rows, "plain", "skewed"), 1, 3))
bounds = np.quantile(floats(TRAIN, "plain", "skewed"), [0.1, 0.95], axis=0)
case("clip by quantiles", [step("clip", by="quantile", min=0.1, max=0.95)], ["plain", "skewed"], lambda rows: np.clip(floats(rows, "plain", "skewed"), *bounds))

for strategy in ("mean", "median", "most-frequent"):
    fitted(f"impute {strategy}", [step("impute", strategy=strategy)], ["plain", "gappy"], SimpleImputer(strategy=strategy.replace("-", "_")))
fitted("impute a constant, with flags", [step("impute", columns=["gappy"], strategy="constant", value=-7, flag=True)], ["gappy"], SimpleImputer(strategy="constant", fill_value=-7, add_indicator=True))
imputed = SimpleImputer(strategy="median").fit(floats(TRAIN, "gappy"))
scaler = StandardScaler().fit(imputed.transform(floats(TRAIN, "gappy")))
case("standardise what was imputed", [step("impute"), step("standardise")], ["gappy"], lambda rows: scaler.transform(imputed.transform(floats(rows, "gappy"))))
gappy = StandardScaler().fit(floats(TRAIN, "gappy"))
case("impute what was standardised", [step("standardise"), step("impute", strategy="constant")], ["gappy"], lambda rows: np.nan_to_num(gappy.transform(floats(rows, "gappy"))))

for strategy in ("quantile", "uniform"):
    for encode in ("ordinal", "one-hot"):
        more = {"quantile_method": "linear"} if strategy == "quantile" else {}
        bins = KBinsDiscretizer(4, strategy=strategy, encode=encode.replace("one-hot", "onehot-dense"), subsample=None, **more)
        fitted(f"bin, {strategy}, {encode}", [step("bin", bins=4, strategy=strategy, encode=encode)], ["plain", "skewed"] + (["constant"] if strategy == "quantile" else []) + ["few"], bins)

known = {"handle_unknown": "ignore", "sparse_output": False}
fitted("one-hot", [step("one-hot")], ["city"], OneHotEncoder(**known), texts)
most = OneHotEncoder(max_categories=3, handle_unknown="infrequent_if_exist", sparse_output=False)
colour = SimpleImputer(strategy="most_frequent", missing_values=None).fit(texts(TRAIN, "colour"))
most.fit(colour.transform(texts(TRAIN, "colour")))
case("one-hot of imputed values, rare and unknown ones together", [step("impute"), step("one-hot", most=2)], ["colour"], lambda rows: most.transform(colour.transform(texts(rows, "colour"))))
least = OneHotEncoder(min_frequency=8, handle_unknown="infrequent_if_exist", sparse_output=False)
fitted("one-hot of values that occur often enough", [step("one-hot", least=8)], ["city"], least, texts)
places = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
fitted("ordinal", [step("ordinal"), step("impute", strategy="constant", value=-2)], ["colour", "city"], places, lambda rows, *names: np.where(texts(rows, *names) == None, np.nan, texts(rows, *names)))  # noqa: E711
order = OrdinalEncoder(categories=[["white", "green", "blue"]], handle_unknown="use_encoded_value", unknown_value=-1)
order.fit(np.array([["white"], ["green"], ["blue"]], dtype=object))
case("ordinal in an order of one's own", [step("impute", strategy="constant", text="azure"), step("ordinal", order=["white", "green", "blue"])], ["colour"], lambda rows: order.transform(np.where(texts(rows, "colour") == None, "azure", texts(rows, "colour"))))  # noqa: E711
for signed in (True, False):
    hasher = FeatureHasher(6, input_type="string", alternate_sign=signed)
    case(f"hashing, {'signed' if signed else 'unsigned'}", [step("hashing", buckets=6, signed=signed)], ["colour"], lambda rows: hasher.transform([[] if v is None else [v] for v in rows["colour"]]))
hashed = lambda rows: np.hstack([FeatureHasher(8, input_type="string").transform([[v] for v in rows[name]]).todense() for name in ("city",)])
case("hashing of letters beyond ASCII", [step("hashing", buckets=8)], ["city"], hashed)


def parts(rows):
    dates = [EPOCH + datetime.timedelta(seconds=s) for s in rows["when"]]
    return [[d.year, (d.month - 1) // 3 + 1, d.month, d.day, d.weekday(), d.timetuple().tm_yday, d.hour, d.minute, (d - EPOCH).days] for d in dates]


case("date-parts", [step("date-parts", parts=["year", "quarter", "month", "day", "weekday", "day-of-year", "hour", "minute", "days-since-1970"])], ["when"], parts)

fitted("bag-of-words", [step("bag-of-words")], ["note"], CountVectorizer(min_df=2), lambda rows, name: rows[name])
fitted("bag-of-words, the most frequent alone", [step("bag-of-words", words=4, least=1, count="presence")], ["note"], CountVectorizer(max_features=4, binary=True), lambda rows, name: rows[name])

pictures = rng.integers(0, 256, (4, 3, 7, 10), dtype=np.uint8)
resized = []
for height, width in ((3, 5), (14, 8), (7, 10), (1, 1), (5, 23)):
    linear = F.interpolate(torch.from_numpy(pictures).double(), (height, width), mode="bilinear", antialias=True, align_corners=False)
    nearest = F.interpolate(torch.from_numpy(pictures), (height, width), mode="nearest-exact")
    resized.append({"size": [height, width], "linear": linear.flatten().round(decimals=3).tolist(), "nearest": nearest.flatten().tolist()})

write(
    "src/catalog/preprocessing/preprocessing.reference.json",
    {"sklearn": sklearn.__version__, "torch": torch.__version__.split("+")[0], "train": TRAIN, "test": TEST, "cases": cases, "pictures": pictures.flatten().tolist(), "resized": resized},
)
