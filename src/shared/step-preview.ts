/** What each step of preprocessing does to some sample rows: a schema, as it is sent as it is. */
import { z } from "zod";
import { columnTypes } from "./dataset.ts";

const step = z.string().optional().meta({ description: "The step that led here; none for the raw samples." });
export const stepPreview = z
  .object({
    stages: z.array(
      z.union([
        z.object({
          step,
          columns: z.array(z.object({ name: z.string(), type: z.enum(columnTypes) })),
          more: z.int().meta({ description: "Columns besides those shown." }),
          rows: z
            .array(z.array(z.union([z.number(), z.string(), z.null()])))
            .meta({ description: "Cell by cell; dates in ISO 8601, null where missing." }),
        }),
        z.object({
          step,
          shape: z.array(z.int()).meta({ description: "[channels, height, width]" }),
          pictures: z.array(z.array(z.number())).meta({ description: "Each row-major: 0 to 255 until they are scaled." }),
        }),
      ]),
    ),
    problem: z.object({ message: z.string(), fix: z.string() }).optional().meta({ description: "Why a network could not read what comes out." }),
  })
  .meta({ id: "StepPreview", description: "Some training samples before the first step and after each." });
export type StepPreview = z.infer<typeof stepPreview>;
