/** Every loss: what training minimises. A loss gives one number per sample; the plan takes the mean over the batch. */
import type { LossKind } from "../../engine/kinds.ts";
import { binaryCrossEntropy, crossEntropy, hinge } from "./classification.ts";
import { huber, meanAbsoluteError, meanSquaredError } from "./regression.ts";

export const losses: readonly LossKind[] = [crossEntropy, binaryCrossEntropy, hinge, meanSquaredError, meanAbsoluteError, huber];
