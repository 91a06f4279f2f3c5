"""Numbers that src/catalog/datasets/profiles.test.ts compares with: columns of iris, wine, height-weight and adult, by pandas.

Run: python test/python/reference_tables.py ../shared/data/tabular/adult-train.csv ../shared/data/tabular/adult-test.csv > test/data/tables.reference.json
"""
import json, sys
import numpy as np, pandas as pd

SHARES = [0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1]

def correlation_ratio(values, groups):
    there = values.notna() & groups.notna()
    values, groups = values[there], groups[there]
    means = values.groupby(groups).transform("mean")
    return float(np.sqrt(((means - values.mean()) ** 2).sum() / ((values - values.mean()) ** 2).sum()))

def cramers_v(a, b):
    table = pd.crosstab(a, b).to_numpy().astype(float)
    n = table.sum()
    expected = np.outer(table.sum(1), table.sum(0)) / n
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / (n * (min(table.shape) - 1))))

def described(frame, target):
    columns = {}
    for name in frame.columns:
        values = frame[name]
        one = {"missing": int(values.isna().sum()), "distinct": int(values.nunique())}
        if pd.api.types.is_numeric_dtype(values):
            one |= {"mean": float(values.mean()), "deviation": float(values.std(ddof=0)), "quantiles": values.quantile(SHARES).tolist(),
                    "histogram": np.histogram(values.dropna(), 30)[0].tolist(), "ratio": correlation_ratio(values, frame[target])}
        else:
            counts = values.value_counts()
            top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:20]
            one |= {"top": [{"value": str(value), "count": int(count)} for value, count in top], "cramer": cramers_v(values, frame[target])}
        columns[name] = one
    return {"rows": len(frame), "duplicates": int(frame.duplicated().sum()), "columns": columns}

wine = ["alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids", "nonflavanoid_phenols",
        "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline", "cultivar"]
adult = ["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race", "sex",
         "capital-gain", "capital-loss", "hours-per-week", "native-country", "income"]
read = lambda path: pd.read_csv(path, names=adult, skipinitialspace=True, na_values="?")
both = pd.concat([read(path) for path in sys.argv[1:3]], ignore_index=True)
both["income"] = both["income"].str.rstrip(".")
print(json.dumps({
    "iris": described(pd.read_csv("data/iris.csv"), "species"),
    "wine": described(pd.read_csv("data/wine.csv", names=wine).astype({"cultivar": str}), "cultivar"),
    "height-weight": described(pd.read_csv("data/height-weight.csv"), "sex"),
    "adult": described(both, "income"),
}))
