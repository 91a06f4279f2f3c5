/** An optimizer in one file: steps of one size, in the direction that momentum says (Bernstein et al. 2018, https://arxiv.org/abs/1802.04434). */
export default ({ optimizer, number, ops: { add, mul, sign, sub } }) => ({
  optimizers: [
    optimizer({
      id: "signum",
      title: "Signum",
      summary: "The sign of a running mean of the gradient: every weight moves by the same amount.",
      reference: "https://arxiv.org/abs/1802.04434",
      params: {
        learningRate: number({ default: 1e-3, min: 0, scale: "log", help: "How far each weight moves." }),
        momentum: number({ default: 0.9, min: 0, max: 0.99999, help: "How slowly the running mean follows." }),
      },
      state: ["m"],
      step({ w, g, m }, { learningRate, momentum }) {
        const next = add(mul(m, momentum), mul(g, sub(1, momentum)));
        return { w: sub(w, mul(learningRate, sign(next))), m: next };
      },
    }),
  ],
});
