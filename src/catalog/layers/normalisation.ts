/** Layers that keep values in a good range while training. */
import type { Value } from "../../engine/graph.ts";
import { layer } from "../../engine/kinds.ts";
import { add, div, greater, mul, reduceMean, reduceSum, reduceSumSquare, relu, reshape, sqrt, square, sub, where } from "../../engine/ops.ts";
import { number } from "../../shared/define.ts";

export const batchNorm = layer({
  id: "BatchNorm",
  title: "Batch normalisation",
  summary: "Gives each channel mean 0 and variance 1 over the batch, then a trained scale and shift. Running means serve afterwards.",
  reference: "https://arxiv.org/abs/1502.03167",
  arity: "one",
  params: {
    momentum: number({ default: 0.1, min: 0, max: 1, help: "Share of the newest batch in the running mean and variance." }),
    epsilon: number({ default: 1e-5, min: 0, scale: "log", help: "Added to the variance." }),
  },
  build({ inputs: [x], training, sampleWeights, weight, state, expect }, { momentum, epsilon }) {
    expect(x!.shape.length === 4 || x!.shape.length === 2, "[batch, channels, height, width] or [batch, features]");
    const channels = Number(x!.shape[1]);
    const inner = x!.shape.slice(2) as readonly number[]; // height, width
    const gamma = weight("weight", [channels], { initializer: "constant", constant: 1 });
    const beta = weight("bias", [channels], { initializer: "zeros" });
    const mean = state("mean", [channels], 0);
    const variance = state("variance", [channels], 1);
    const perChannel = (v: Value) => reshape(v, [channels, ...inner.map(() => 1)]);
    const scaled = (m: Value, v: Value) => {
      const scale = div(gamma, sqrt(add(v, epsilon)));
      return add(mul(x!, perChannel(scale)), perChannel(sub(beta, mul(m, scale))));
    };
    if (!training) return scaled(mean.value, variance.value);

    // Padding of a short batch has weight 0 and must not move the statistics: mean over each picture first, then weighted over the batch.
    const counted = reshape(sampleWeights, [Number(x!.shape[0]), 1]);
    const total = reduceSum(sampleWeights, [0]);
    const axes = inner.map((_, i) => i + 2);
    const size = inner.reduce((a, b) => a * b, 1);
    const overBatch = (perPicture: Value) => div(reduceSum(mul(perPicture, counted), [0]), total); // [batch, channels] -> [channels]
    const batchMean = overBatch(reduceMean(x!, axes));
    // E[x²] - E[x]²: two reads of x. As exact as float32 is for the mean²/variance ratios that layers produce.
    const meanSquare = overBatch(div(reduceSumSquare(x!, axes), size));
    const batchVariance = relu(sub(meanSquare, square(batchMean)));
    // The running variance is the unbiased one, as in PyTorch: n / (n - 1) for n values per channel. A single value says nothing of it.
    const n = mul(total, size);
    const running = (old: Value, fresh: Value) => add(mul(old, 1 - momentum), mul(fresh, momentum));
    mean.update(running(mean.value, batchMean));
    const unbiased = where(greater(n, 1), mul(batchVariance, div(n, sub(n, 1))), variance.value);
    variance.update(running(variance.value, unbiased));
    return scaled(batchMean, batchVariance);
  },
});

export const layerNorm = layer({
  id: "LayerNorm",
  title: "Layer normalisation",
  summary: "Gives each sample's last axis mean 0 and variance 1, then a trained scale and shift.",
  reference: "https://arxiv.org/abs/1607.06450",
  arity: "one",
  params: { epsilon: number({ default: 1e-5, min: 0, scale: "log", help: "Added to the variance." }) },
  build({ inputs: [x], weight }, { epsilon }) {
    const features = Number(x!.shape.at(-1));
    const gamma = weight("weight", [features], { initializer: "constant", constant: 1 });
    const beta = weight("bias", [features], { initializer: "zeros" });
    const centred = sub(x!, reduceMean(x!, [-1], { keep: true }));
    const deviation = sqrt(add(reduceMean(square(centred), [-1], { keep: true }), epsilon));
    return add(mul(div(centred, deviation), gamma), beta);
  },
});
