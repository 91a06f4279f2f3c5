/** Every schedule: the factor on the learning rate, as a pure function of progress, so that a resumed training goes on as if undisturbed. */
import { type Progress, type ScheduleKind, schedule } from "../../engine/kinds.ts";
import { integer, number } from "../../shared/define.ts";

const from = (value: number) => number({ default: value, min: 0, max: 1, scale: "log", help: "Factor at the first step." });
const to = (value: number) => number({ default: value, min: 0, max: 1, scale: "log", help: "Factor at the end." });
const rise = (value: number) => number({ default: value, min: 0, max: 0.99, help: "Share of all steps in which the factor rises to 1." });

const epochs = ({ step, stepsPerEpoch }: Progress) => step / stepsPerEpoch;
/** From a to b as x goes from 0 to 1: straight, or along half a cosine wave. */
const line = (a: number, b: number, x: number) => a + (b - a) * x;
const wave = (a: number, b: number, x: number) => line(a, b, (1 - Math.cos(Math.PI * x)) / 2);

export const constant = schedule({
  id: "constant",
  title: "Constant",
  summary: "The learning rate as it is.",
  params: {},
  factor: () => 1,
});

export const step = schedule({
  id: "step",
  title: "Step",
  summary: "Multiplies the rate by a factor every few epochs.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html",
  params: {
    epochs: integer({ default: 10, min: 1, help: "Epochs from one drop to the next." }),
    factor: number({ default: 0.1, min: 0, max: 1, help: "What the rate is multiplied by at a drop." }),
  },
  factor: (progress, { epochs: every, factor }) => factor ** Math.floor(epochs(progress) / every),
});

export const exponential = schedule({
  id: "exponential",
  title: "Exponential",
  summary: "Shrinks the rate by the same factor in every epoch, a little at each step.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html",
  params: { factor: number({ default: 0.95, min: 0, max: 1, help: "What the rate is multiplied by over an epoch." }) },
  factor: (progress, { factor }) => factor ** epochs(progress),
});

export const cosine = schedule({
  id: "cosine",
  title: "Cosine",
  summary: "Falls along half a cosine wave: slowly, faster, slowly.",
  reference: "https://arxiv.org/abs/1608.03983",
  params: { final: to(0.1) },
  factor: ({ step, totalSteps }, { final }) => wave(1, final, step / totalSteps),
});

export const warmUp = schedule({
  id: "warm-up",
  title: "Warm-up",
  summary: "Rises in a straight line, then stays: the first gradients are the wildest.",
  reference: "https://arxiv.org/abs/1706.02677",
  params: { rise: rise(0.05), start: from(0.01) },
  factor: ({ step, totalSteps }, { rise, start }) => (step < rise * totalSteps ? line(start, 1, step / (rise * totalSteps)) : 1),
});

export const warmUpCosine = schedule({
  id: "warm-up-cosine",
  title: "Warm-up, then cosine",
  summary: "Rises in a straight line, then falls along half a cosine wave.",
  reference: "https://arxiv.org/abs/1608.03983",
  params: { rise: rise(0.05), start: from(0.01), final: to(0) },
  factor({ step, totalSteps }, { rise, start, final }) {
    const top = rise * totalSteps;
    return step < top ? line(start, 1, step / top) : wave(1, final, (step - top) / (totalSteps - top));
  },
});

export const oneCycle = schedule({
  id: "one-cycle",
  title: "One cycle",
  summary: "Rises along half a cosine wave, then falls along another, far below where it began. Bears a large rate.",
  reference: "https://arxiv.org/abs/1708.07120",
  params: { rise: rise(0.3), start: from(0.04), final: to(0.000004) },
  // As PyTorch's OneCycleLR with div_factor 1 / start and final_div_factor start / final; the last step has the final factor.
  factor({ step, totalSteps }, { rise, start, final }) {
    const [top, last] = [rise * totalSteps - 1, totalSteps - 1];
    return step < top ? wave(start, 1, step / top) : wave(1, final, (step - top) / (last - top));
  },
});

export const reduceOnPlateau = schedule({
  id: "reduce-on-plateau",
  title: "Reduce on plateau",
  summary: "Shrinks the rate when the validation loss has not improved for some epochs.",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html",
  params: {
    patience: integer({ default: 10, min: 0, help: "Epochs without improvement that are put up with." }),
    factor: number({ default: 0.1, min: 0, max: 1, help: "What the rate is multiplied by after them." }),
    minFactor: number({ default: 0, min: 0, max: 1, help: "The factor falls no lower than this." }),
    threshold: number({
      default: 1e-4,
      min: 0,
      max: 0.99,
      scale: "log",
      help: "Share of the best loss by which a loss has to be lower to count as better.",
    }),
  },
  factor({ losses }, { patience, factor, minFactor, threshold }) {
    let [best, waited, current] = [Number.POSITIVE_INFINITY, 0, 1];
    for (const loss of losses) {
      const better = loss < best * (1 - threshold);
      [best, waited] = better ? [loss, 0] : [best, waited + 1];
      if (waited > patience) [current, waited] = [Math.max(current * factor, minFactor), 0];
    }
    return current;
  },
});

export const schedules: readonly ScheduleKind[] = [constant, step, exponential, cosine, warmUp, warmUpCosine, oneCycle, reduceOnPlateau];
