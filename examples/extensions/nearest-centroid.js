/** A model in one file: a row is of the class whose mean is nearest. */
export default ({ learner, number, ops, constant, fail }) => ({
  learners: [
    learner({
      id: "nearest-centroid",
      title: "Nearest centroid",
      summary: "Takes the class whose mean is nearest.",
      reference: "https://scikit-learn.org/stable/modules/neighbors.html#nearest-centroid-classifier",
      tasks: ["classification"],
      unit: "passes",
      reads: "scaled",
      missing: false,
      params: {
        sharpness: number({ default: 1, min: 1e-6, max: 1e6, scale: "log", help: "How fast a class loses probability with its squared distance." }),
      },
      gives: () => "probabilities",
      async *fit({ inputs, targets, labels, weights, count, features, names }) {
        yield { done: 0, total: 1 };
        const [sums, totals] = [new Float64Array(labels.length * features), new Float64Array(labels.length)];
        for (let row = 0; row < count; row++) {
          const weight = weights ? weights[row] : 1;
          totals[targets[row]] += weight;
          for (let f = 0; f < features; f++) sums[targets[row] * features + f] += weight * inputs[row * features + f];
        }
        if (totals.some((total) => total === 0))
          throw fail("UNFIT_DATA", {
            what: "nearest-centroid",
            problem: `a class has no row, so no mean of ${names[0]}`,
            fix: "Leave the class out.",
          });
        const means = Float32Array.from(sums, (sum, i) => sum / totals[Math.floor(i / features)]);
        return { tensors: new Map([["means", { shape: [labels.length, features], data: means }]]) };
      },
      // softmax of -|x - mean|² = softmax of 2 x·mean - |mean|²
      graph(x, tensors, _, { sharpness }) {
        const { shape, data } = tensors.get("means");
        const means = constant({ dtype: "float32", shape, data });
        const norms = ops.reduceSum(ops.square(means), [1]);
        const closeness = ops.sub(ops.mul(ops.matmul(x, means, { tB: true }), 2), norms);
        return { output: ops.softmax(ops.mul(closeness, sharpness)) };
      },
    }),
  ],
});
