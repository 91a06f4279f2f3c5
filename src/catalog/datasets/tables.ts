/** Tables: any of the user's, and those that everybody knows by name. */
import { type ImportContext, splitParams } from "../../data/importing.ts";
import { type DatasetFacts, type DatasetKind, dataset } from "../../data/kinds.ts";
import type { Sources } from "../../data/sources.ts";
import { type TableOptions, tableParams } from "../../data/tables/options.ts";
import type { ColumnType, SplitName, Task } from "../../shared/dataset.ts";
import { resolveParams, type ValuesOf } from "../../shared/define.ts";
import { fail } from "../../shared/errors.ts";
import { adultSources, breastCancerSources, heightWeightSources, irisSources, titanicSources, wineSources } from "./table-sources.ts";
import { forTables } from "./usual-steps.ts";

/** The readers bring native libraries, which whoever only reads the catalog does not need. */
const data = () => import("../../data/index.ts");

function pathOf({ path }: ImportContext): string {
  if (path) return path;
  throw fail("BAD_USAGE", {
    problem: 'dataset "table" needs a file',
    fix: "Name it: trainyard train table.csv, or trainyard datasets add NAME table.csv.",
  });
}

const table = dataset({
  id: "table",
  title: "Table",
  summary: "Any table with a column to predict: CSV in any form, JSON lines, Parquet, Excel.",
  tasks: ["classification", "regression"],
  suggestedModel: "mlp",
  preprocessing: forTables,
  params: tableParams,
  async importFiles(params, context) {
    const { importTable, tableFiles } = await data();
    return importTable(await tableFiles(pathOf(context)), { ...params, columns: [] }, context);
  },
  async preview(params, context) {
    const { previewTable } = await data();
    return previewTable(pathOf(context), { ...params, columns: [] }, context);
  },
});

/** Of built-in tables only the draw may be chosen; a training sets those to choose by aside itself unless they are to be fixed. */
const drawn = {
  testFraction: splitParams.testFraction,
  validationFraction: {
    ...splitParams.validationFraction,
    default: 0,
    help: "Share of the rows to choose the best epoch and settings by, fixed in the snapshot; 0: each training sets its own aside.",
  },
  splitSeed: splitParams.splitSeed,
};

interface BuiltIn {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly reference: string;
  readonly licence: string;
  readonly citation: string;
  readonly sources: Sources;
  readonly task: Task;
  readonly target: string;
  readonly labels: readonly string[];
  /** Features by type, in their order. */
  readonly features: readonly (readonly [name: string, type: ColumnType])[];
  readonly records: DatasetFacts["records"];
  /** How the files are read, where it is not found out. */
  readonly reading?: Partial<TableOptions>;
  /** Which split each file is, by its name; else rows are drawn. */
  readonly given?: Readonly<Record<string, SplitName>>;
}

function builtIn({ sources, task, target, labels, features, records, reading, given, ...head }: BuiltIn): DatasetKind {
  return dataset({
    ...head,
    tasks: [task],
    suggestedModel: "mlp",
    sources,
    facts: { task, sampleShape: [features.length], features: features.map(([name, type]) => ({ name, type })), labels, records },
    preprocessing: forTables,
    params: drawn,
    async importFiles(params: ValuesOf<typeof drawn>, context) {
      const { importTable, locate } = await data();
      const located = await locate(sources, context);
      const files = sources.files.map(({ name }) => ({ path: located.get(name)!, ...(given && { split: given[name] }) }));
      const options = { ...resolveParams("table", tableParams), columns: [], target, task, ...reading, ...params };
      return importTable(files, options, context);
    },
  });
}

const numbers = (...names: string[]): (readonly [string, ColumnType])[] => names.map((name) => [name, "number"]);
const adultColumns = [
  ["age", "number"],
  ["workclass", "category"],
  ["fnlwgt", "number"],
  ["education", "category"],
  ["education-num", "number"],
  ["marital-status", "category"],
  ["occupation", "category"],
  ["relationship", "category"],
  ["race", "category"],
  ["sex", "category"],
  ["capital-gain", "number"],
  ["capital-loss", "number"],
  ["hours-per-week", "number"],
  ["native-country", "category"],
] as const;
const wineColumns = [
  ...["alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids", "nonflavanoid_phenols"],
  ...["proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline"],
];
const cellColumns = ["mean", "error", "worst"].flatMap((of) =>
  ["radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points", "symmetry", "fractal dimension"].map(
    (what) => (of === "error" ? `${what} error` : `${of} ${what}`),
  ),
);

export const tables: readonly DatasetKind[] = [
  builtIn({
    id: "iris",
    title: "Iris",
    summary: "150 irises of three species, each with four measured lengths.",
    reference: "https://doi.org/10.1111/j.1469-1809.1936.tb02137.x",
    licence: "CC BY 4.0",
    citation:
      "R. A. Fisher: The use of multiple measurements in taxonomic problems. Annals of Eugenics 7 (2), 1936. The file of the UCI repository, with its two known slips.",
    sources: irisSources,
    task: "classification",
    target: "species",
    labels: ["Iris-setosa", "Iris-versicolor", "Iris-virginica"],
    features: numbers("sepal_length", "sepal_width", "petal_length", "petal_width"),
    records: { train: 120, test: 30 },
  }),
  builtIn({
    id: "height-weight",
    title: "Height and weight",
    summary: "4,231 people: sex by body mass index, height in cm and weight in kg. Only 1,368 rows are distinct, so equal ones stay together.",
    reference: "https://www.cdc.gov/nchs/nhis/",
    licence: "public domain",
    citation: "US National Center for Health Statistics: National Health Interview Survey; a subset.",
    sources: heightWeightSources,
    task: "classification",
    target: "sex",
    labels: ["F", "M"],
    features: numbers("BMI", "height", "weight"),
    records: { train: 3385, test: 846 },
    reading: { split: "group" },
  }),
  builtIn({
    id: "adult",
    title: "Adult",
    summary: "48,842 people of the US census of 1994: whether they earn more than 50,000 dollars a year; 32,561 to train on, 16,281 to test.",
    reference: "https://doi.org/10.24432/C5XW20",
    licence: "CC BY 4.0",
    citation: "R. Kohavi: Scaling up the accuracy of naive-Bayes classifiers: a decision-tree hybrid. KDD, 1996.",
    sources: adultSources,
    task: "classification",
    target: "income",
    labels: ["<=50K", ">50K"],
    features: adultColumns,
    records: { train: 32_561, test: 16_281 },
    // The test file begins with a remark, and its classes end with a dot.
    reading: { columns: [...adultColumns.map(([name]) => name), "income"], delimiter: ",", comment: "|", mendTarget: "rtrim(x, '.')" },
    given: { "adult.data": "train", "adult.test": "test" },
  }),
  builtIn({
    id: "wine",
    title: "Wine",
    summary: "178 wines of three cultivars of one region in Italy, by 13 chemical measures.",
    reference: "https://doi.org/10.24432/C5PC7J",
    licence: "CC BY 4.0",
    citation: "S. Aeberhard, M. Forina: Wine. UCI Machine Learning Repository, 1992.",
    sources: wineSources,
    task: "classification",
    target: "cultivar",
    labels: ["1", "2", "3"],
    features: numbers(...wineColumns),
    records: { train: 142, test: 36 },
    reading: { columns: [...wineColumns, "cultivar"] },
  }),
  builtIn({
    id: "breast-cancer",
    title: "Breast cancer",
    summary: "569 tumours, malignant or benign, by 30 measures of the nuclei of their cells in a picture (Wisconsin, diagnostic).",
    reference: "https://doi.org/10.24432/C5DW2B",
    licence: "CC BY 4.0",
    citation:
      "W. H. Wolberg, O. L. Mangasarian, N. Street, W. Street: Breast Cancer Wisconsin (Diagnostic). UCI Machine Learning Repository, 1993; as scikit-learn has it.",
    sources: breastCancerSources,
    task: "classification",
    target: "diagnosis",
    labels: ["benign", "malignant"],
    features: numbers(...cellColumns),
    records: { train: 456, test: 113 },
    reading: {
      columns: [...cellColumns, "diagnosis"],
      skip: 1,
      types: { diagnosis: "category" },
      mendTarget: "CASE x WHEN '0' THEN 'malignant' WHEN '1' THEN 'benign' ELSE x END",
    },
  }),
  builtIn({
    id: "titanic",
    title: "Titanic",
    summary: "891 passengers of the Titanic, and whether they survived: numbers, categories and text, with values missing.",
    reference: "https://www.kaggle.com/c/titanic",
    licence: "public domain",
    citation: "Encyclopedia Titanica, by way of T. Cason and F. Harrell; the training part of Kaggle's competition.",
    sources: titanicSources,
    task: "classification",
    target: "Survived",
    labels: ["0", "1"],
    features: [
      ["Pclass", "number"],
      ["Sex", "category"],
      ["Age", "number"],
      ["SibSp", "number"],
      ["Parch", "number"],
      ["Fare", "number"],
      ["Cabin", "category"],
      ["Embarked", "category"],
    ],
    records: { train: 713, test: 178 },
    // A number, a name and a ticket of each passenger say nothing of another one.
    reading: { types: { PassengerId: "drop", Name: "drop", Ticket: "drop", Cabin: "category" } },
  }),
  table,
];
