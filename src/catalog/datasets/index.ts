/** Datasets by name, and those for whatever a user brings. */
import type { DatasetKind } from "../../data/kinds.ts";
import { arrays } from "./arrays.ts";
import { builtInPictures } from "./built-in.ts";
import { pictures } from "./pictures.ts";
import { tables } from "./tables.ts";

export const datasets: readonly DatasetKind[] = [...builtInPictures, ...tables, arrays, pictures];
