/** Where the files of a training go: to the server, or for examples and tests into memory. */
import type { Position } from "../shared/events.ts";

/** Content, to be written one part after the other. */
export type Parts = readonly Uint8Array[];
/** By name: model.onnx. */
export type Files = Readonly<Record<string, Parts>>;

export interface RunOutput {
  /**
   * Keeps files, replacing those of the same name: all of one call, or none.
   * @param checkpoint where a training goes on that starts from these files
   */
  save(files: Files, checkpoint?: Position): Promise<void>;
}

export const jsonFile = (value: unknown): Parts => [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)];

/** @example const { last.safetensors: checkpoint } = memory.files after performTraining(prepared, memory) */
export class MemoryOutput implements RunOutput {
  readonly files = new Map<string, Uint8Array>();

  async save(files: Files): Promise<void> {
    for (const [name, parts] of Object.entries(files)) this.files.set(name, Buffer.concat(parts));
  }
}
