/** Every layer that a network may use. */
import type { LayerKind } from "../../engine/kinds.ts";
import { activations } from "./activations.ts";
import { conv2d, depthwiseConv2d } from "./convolution.ts";
import { dense } from "./dense.ts";
import { batchNorm, layerNorm } from "./normalisation.ts";
import { averagePoolLayer, globalAveragePoolLayer, maxPoolLayer } from "./pooling.ts";
import { dropout, randomCrop, randomFlip, randomShift } from "./random.ts";
import { addLayer, concat, flatten, rescale, reshape, zeroPad } from "./shape.ts";

export const layers: readonly LayerKind[] = [
  dense,
  conv2d,
  depthwiseConv2d,
  maxPoolLayer,
  averagePoolLayer,
  globalAveragePoolLayer,
  flatten,
  reshape,
  addLayer,
  concat,
  zeroPad,
  rescale,
  batchNorm,
  layerNorm,
  dropout,
  randomFlip,
  randomShift,
  randomCrop,
  ...activations,
];
