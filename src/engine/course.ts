/** How far a training has come: its position, its best weights, and what of it has been saved. */
import { fail, type TrainyardError } from "../shared/errors.ts";
import type { Position, Tensors, TrainEvent } from "../shared/events.ts";
import type { TrainOptions } from "./trainer.ts";

const beginning: Position = { epoch: 0, step: 0, update: 0, sums: { loss: 0, score: 0, samples: 0 }, losses: [] };

/** Number of the epoch with the lowest loss, the first of equals, from 1; 0 before the first. */
const bestEpoch = (losses: readonly number[]): number => losses.reduce((best, loss, i) => (i === 0 || loss < losses[best - 1]! ? i + 1 : best), 0);

export class Course {
  position: Position;
  best: Tensors;
  readonly stepsPerEpoch: number;
  readonly #options: TrainOptions;
  #bestUnsaved = false;
  #saved: Position | undefined;
  #savedAt = performance.now();

  /** @param tensors what the training begins or goes on with */
  constructor(options: TrainOptions, stepsPerEpoch: number, tensors: Tensors) {
    const { resume } = options;
    this.position = resume?.checkpoint.position ?? beginning;
    this.best = resume?.best ?? tensors;
    this.stepsPerEpoch = stepsPerEpoch;
    this.#options = options;
    this.#saved = resume && this.position;
  }

  get bestEpoch(): number {
    return bestEpoch(this.position.losses);
  }

  /** Whether all epochs are done, or the loss has not fallen for too long. */
  get isOver(): boolean {
    const { epochs, patience } = this.#options;
    const { epoch } = this.position;
    return epoch >= epochs || (patience > 0 && epoch - this.bestEpoch >= patience);
  }

  get isSaved(): boolean {
    return this.#saved === this.position;
  }

  get secondsSinceSaved(): number {
    return (performance.now() - this.#savedAt) / 1000;
  }

  /** The learning rate of an update, from 0. */
  rateOf(update: number): number {
    const { learningRate, schedule, epochs } = this.#options;
    const { losses } = this.position;
    return learningRate * schedule({ step: update, stepsPerEpoch: this.stepsPerEpoch, totalSteps: this.stepsPerEpoch * epochs, losses });
  }

  /** Ends the epoch under way. @returns whether it is the best so far */
  endEpoch(selection: number, tensors: Tensors): boolean {
    const { update } = this.position;
    const losses = [...this.position.losses, selection];
    const isBest = bestEpoch(losses) === losses.length;
    if (isBest) {
      this.best = tensors;
      this.#bestUnsaved = true;
    }
    this.position = { ...beginning, epoch: losses.length, update, losses };
    return isBest;
  }

  /** @throws LOSS_NOT_FINITE for a weight or running statistic that is no number */
  checkpoint(tensors: Tensors): TrainEvent {
    const { position } = this;
    for (const { name, role } of this.#options.plan.spec.state) {
      const stray = role === "optimizer" ? undefined : tensors.get(name)!.find((v) => !Number.isFinite(v));
      if (stray !== undefined) throw this.notFinite(`tensor "${name}"`, stray, position.update);
    }
    this.#saved = position;
    this.#savedAt = performance.now();
    const event: TrainEvent = { type: "checkpoint", checkpoint: { position, tensors }, ...(this.#bestUnsaved && { best: this.best }) };
    this.#bestUnsaved = false;
    return event;
  }

  /** @param step the update that made it, from 1 */
  notFinite(what: string, value: number, step: number): TrainyardError {
    return fail("LOSS_NOT_FINITE", {
      what,
      value: String(value),
      step,
      epoch: Math.ceil(step / this.stepsPerEpoch),
      rate: this.rateOf(step - 1),
      base: this.#options.learningRate,
      checkpoint: this.#saved ? (this.#options.checkpointPath ?? "in memory") : "",
    });
  }
}
