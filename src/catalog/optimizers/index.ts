/**
 * Every optimizer: how a gradient becomes a step. The parameters of those that step batch by batch are scalars of the graph, so
 * schedules and users change them without a rebuild.
 */
import type { OptimizerKind } from "../../engine/kinds.ts";
import { adadelta, adagrad, adam, adamw, rmsprop } from "./adaptive.ts";
import { lion, momentum, nesterov, sgd } from "./descent.ts";
import { lbfgs } from "./l-bfgs.ts";

export const optimizers: readonly OptimizerKind[] = [adam, adamw, sgd, momentum, nesterov, rmsprop, adagrad, adadelta, lion, lbfgs];
