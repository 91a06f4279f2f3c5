/** Checkpoints as files: all a training needs to go on, in safetensors. */
import { z } from "zod";
import { decodeSafetensors, encodeSafetensors } from "../engine/safetensors.ts";
import { fail, show, showShape } from "../shared/errors.ts";
import type { Checkpoint, Position, Tensors } from "../shared/events.ts";
import type { Parts } from "./output.ts";

/** Shapes of tensors by name. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

const count = z.int().min(0);
const positionSchema: z.ZodType<Position> = z.object({
  epoch: count,
  step: count,
  update: count,
  sums: z.object({ loss: z.number(), score: z.number(), samples: count }),
  losses: z.array(z.number()),
});

const encode = (tensors: Tensors, shapes: Shapes, metadata: Readonly<Record<string, string>>): Parts =>
  encodeSafetensors({ tensors: new Map([...tensors].map(([name, data]) => [name, { shape: shapes.get(name)!, data }])), metadata });

export const encodeCheckpoint = ({ position, tensors }: Checkpoint, shapes: Shapes): Parts =>
  encode(tensors, shapes, { position: JSON.stringify(position) });

/** Weights alone: equal ones give equal bytes, whenever in the course of a training they are written. */
export const encodeWeights = (tensors: Tensors, shapes: Shapes): Parts => encode(tensors, shapes, {});

/**
 * @param name of the file, for errors
 * @throws BAD_FILE, CHECKPOINT_MISMATCH
 */
export function decodeCheckpoint(bytes: Uint8Array, name: string, shapes: Shapes): Checkpoint {
  const { tensors, metadata } = decode(bytes, name, shapes);
  const position = positionSchema.safeParse(parsed(metadata.position));
  if (!position.success) {
    const got = `its position is ${show(metadata.position)}`;
    throw fail("BAD_FILE", { path: name, want: "a checkpoint of a training", got, fix: "Use a checkpoint that Trainyard wrote." });
  }
  return { position: position.data, tensors };
}

/** @throws BAD_FILE, CHECKPOINT_MISMATCH */
export const decodeWeights = (bytes: Uint8Array, name: string, shapes: Shapes): Tensors => decode(bytes, name, shapes).tensors;

function decode(bytes: Uint8Array, name: string, shapes: Shapes): { tensors: Tensors; metadata: Readonly<Record<string, string>> } {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  const shown = (shape?: readonly number[]) => (shape ? showShape(shape) : "absent");
  for (const tensor of new Set([...shapes.keys(), ...tensors.keys()])) {
    const [want, got] = [shown(shapes.get(tensor)), shown(tensors.get(tensor)?.shape)];
    if (want !== got) throw fail("CHECKPOINT_MISMATCH", { path: name, tensor, want, got });
  }
  return { tensors: new Map([...tensors].map(([tensor, { data }]) => [tensor, data])), metadata };
}

/** Undefined for what is no JSON. */
function parsed(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
