/** What is measured: each learner beside the estimator of scikit-learn that does the same, on the same bytes. */
export interface Case {
  readonly name: string;
  readonly learner: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly data: "fashion" | "adult" | "adult-codes";
  /** Of the training rows; all unless said. */
  readonly rows?: number;
  readonly estimator: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** What the ratios of fitting and predicting ought to reach. */
  readonly goal: { readonly fit: number; readonly predict: number };
}

export const cases: readonly Case[] = [
  {
    name: "naive-bayes gaussian, fashion",
    learner: "naive-bayes",
    params: {},
    data: "fashion",
    estimator: "sklearn.naive_bayes.GaussianNB",
    kwargs: {},
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "naive-bayes multinomial, fashion",
    learner: "naive-bayes",
    params: { distribution: "multinomial" },
    data: "fashion",
    estimator: "sklearn.naive_bayes.MultinomialNB",
    kwargs: {},
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "naive-bayes gaussian, adult",
    learner: "naive-bayes",
    params: {},
    data: "adult",
    estimator: "sklearn.naive_bayes.GaussianNB",
    kwargs: {},
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "logistic-regression, adult",
    learner: "logistic-regression",
    params: {},
    data: "adult",
    estimator: "sklearn.linear_model.LogisticRegression",
    kwargs: {},
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "logistic-regression, fashion",
    learner: "logistic-regression",
    params: {},
    data: "fashion",
    estimator: "sklearn.linear_model.LogisticRegression",
    kwargs: {},
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "decision-tree, adult",
    learner: "decision-tree",
    params: {},
    data: "adult-codes",
    estimator: "sklearn.tree.DecisionTreeClassifier",
    kwargs: { random_state: 0 },
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "decision-tree, fashion",
    learner: "decision-tree",
    params: {},
    data: "fashion",
    estimator: "sklearn.tree.DecisionTreeClassifier",
    kwargs: { random_state: 0 },
    goal: { fit: 2, predict: 2 },
  },
  {
    name: "extra-trees, adult",
    learner: "extra-trees",
    params: {},
    data: "adult-codes",
    estimator: "sklearn.ensemble.ExtraTreesClassifier",
    kwargs: { random_state: 0, n_jobs: 2 },
    goal: { fit: 1.5, predict: 2 },
  },
  {
    name: "extra-trees, fashion",
    learner: "extra-trees",
    params: {},
    data: "fashion",
    estimator: "sklearn.ensemble.ExtraTreesClassifier",
    kwargs: { random_state: 0, n_jobs: 2 },
    goal: { fit: 1.5, predict: 2 },
  },
  {
    name: "random-forest, adult",
    learner: "random-forest",
    params: {},
    data: "adult-codes",
    estimator: "sklearn.ensemble.RandomForestClassifier",
    kwargs: { random_state: 0, n_jobs: 2 },
    goal: { fit: 1.5, predict: 2 },
  },
  {
    name: "random-forest, fashion",
    learner: "random-forest",
    params: {},
    data: "fashion",
    estimator: "sklearn.ensemble.RandomForestClassifier",
    kwargs: { random_state: 0, n_jobs: 2 },
    goal: { fit: 1.5, predict: 2 },
  },
  {
    name: "gradient-boosting, adult",
    learner: "gradient-boosting",
    params: { earlyStopping: "off" },
    data: "adult-codes",
    estimator: "sklearn.ensemble.HistGradientBoostingClassifier",
    kwargs: { random_state: 0, early_stopping: false },
    goal: { fit: 1, predict: 2 },
  },
  {
    name: "gradient-boosting, fashion, 5 iterations",
    learner: "gradient-boosting",
    params: { earlyStopping: "off", maxIter: 5 },
    data: "fashion",
    estimator: "sklearn.ensemble.HistGradientBoostingClassifier",
    kwargs: { random_state: 0, early_stopping: false, max_iter: 5 },
    goal: { fit: 1, predict: 2 },
  },
  {
    name: "svm rbf, fashion",
    learner: "svm",
    params: {},
    data: "fashion",
    rows: 10_000,
    estimator: "sklearn.svm.SVC",
    kwargs: {},
    goal: { fit: 1.5, predict: 2 },
  },
  {
    name: "svm rbf, adult",
    learner: "svm",
    params: {},
    data: "adult",
    rows: 10_000,
    estimator: "sklearn.svm.SVC",
    kwargs: {},
    goal: { fit: 1.5, predict: 2 },
  },
  {
    name: "svm linear, adult",
    learner: "svm",
    params: { kernel: "linear", loss: "squared_hinge", tol: 1e-4 },
    data: "adult",
    estimator: "sklearn.svm.LinearSVC",
    kwargs: { dual: true, random_state: 0 },
    goal: { fit: 1.5, predict: 2 },
  },
];
