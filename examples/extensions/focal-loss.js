/** A loss in one file: cross-entropy that cares less for what is right already (Lin et al. 2017, https://arxiv.org/abs/1708.02002). */
export default ({ loss, number, ops }) => ({
  losses: [
    loss({
      id: "focal",
      title: "Focal loss",
      summary: "Cross-entropy, where samples that are surely right count little.",
      reference: "https://arxiv.org/abs/1708.02002",
      tasks: ["classification"],
      params: { gamma: number({ default: 2, min: 0, max: 10, help: "How little; 0: plain cross-entropy." }) },
      // -(1 - p)^γ log p, p the probability of the true class
      each(output, target, { gamma }) {
        const truth = ops.oneHot(target, output.shape[1]);
        const logP = ops.reduceSum(ops.mul(truth, ops.logSoftmax(output)), [1]);
        return ops.neg(ops.mul(ops.pow(ops.sub(1.0000001, ops.exp(logP)), gamma), logP));
      },
      link: ops.softmax,
    }),
  ],
});
