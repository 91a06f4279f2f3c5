/** The shapes that server, workers, CLI and web exchange, declared once: validation, types and OpenAPI come from here. */
import { z } from "zod";
import { columnTypes } from "../dataset.ts";
import { evaluationSummary } from "../evaluation.ts";
import { splitCounts } from "../profile.ts";
import { stepPreview } from "../step-preview.ts";

// Schemas of requests are strict: an unknown field is a typing mistake that would else pass in silence.

/** Names become data, never paths; control characters would let a name rewrite a terminal or a log. */
const printable = /^[ -~\u00a0-\uffff]*$/;
const name = (max = 200) => z.string().trim().min(1).max(max).regex(printable, { error: "must have no control characters", abort: true });
const prose = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\t\n -~\u00a0-\uffff]*$/, { error: "must have no control characters but line breaks and tabs" });

/** What stands for a row outside the server: `server/public-ids.ts` finds it by this very schema, in requests and in answers. */
export const id = z.string().min(1).max(100).meta({ description: "Id as the server gave it." });
/** Either the id of a thing, or what people call it. */
export const datasetRef = z.string().min(1).max(100).meta({ description: "A dataset: its id, its name (the newest version) or name@version." });
export const projectRef = z.string().min(1).max(100).meta({ description: "A project, by id or name." });
export const userRef = z.string().min(1).max(100).meta({ description: "A user, by id or name." });
/** What is recorded of an entity: the ids in it are known by the names of their fields. */
export const recorded = z.record(z.string(), z.unknown());
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: "SHA-256 of the content, in lower-case hexadecimal." });
const time = z.iso.datetime().meta({ description: "UTC, ISO 8601." });
const count = z.int().min(0);
/** Anything that JSON can say: what comes in was JSON, and half a surrogate pair or NUL is refused before it gets here. */
const json = z.unknown();
/** Values of parameters; the catalog knows which there are. None needs a longer list. */
const value = json.refine((v) => !Array.isArray(v) || v.length <= 1000, { error: "must be a list of at most 1000" });
const values = z.record(z.string().max(100), value);
export const MAX_TAGS = 100;
export const tags = z
  .record(name(100), z.string().max(250).regex(printable, { error: "must have no control characters" }))
  .refine((all) => Object.keys(all).length <= MAX_TAGS, { error: `must have at most ${MAX_TAGS} tags` })
  .meta({ description: `Labels of a run, each with a value that may be empty; at most ${MAX_TAGS}.`, maxProperties: MAX_TAGS });

// --- errors ---

export const problem = z
  .object({
    code: z.string(),
    path: z.string().meta({ description: "Where in the request: optimizer.params.learningRate. Empty for the whole." }),
    message: z.string(),
    wanted: z.string(),
    got: z.string(),
    fix: z.string(),
  })
  .meta({ id: "Problem", description: "One thing wrong with a request: where, what was wanted, what came, what to do." });

export const errorBody = z
  .object({
    error: z.object({
      code: z.string().meta({ description: "One of docs/errors.md." }),
      status: z.int(),
      message: z.string(),
      fix: z.string(),
      details: z.record(z.string(), z.unknown()),
      problems: z.array(problem).meta({ description: "Every problem of the request; empty when it is not one of content." }),
      requestId: z.string(),
    }),
  })
  .meta({ id: "Error", description: "What every refusal and failure looks like." });
export type ErrorBody = z.infer<typeof errorBody>;

// --- catalog ---

const param = z
  .looseObject({
    type: z.enum(["number", "integer", "boolean", "choice", "text", "texts", "mapping", "list", "numberOr", "weights"]),
    default: json,
    help: z.string(),
  })
  .meta({ id: "Param", description: "What a parameter accepts: type, default, range or options, help." });
export const catalogEntry = z
  .looseObject({
    id: z.string(),
    title: z.string(),
    summary: z.string(),
    reference: z.string().optional(),
    tasks: z.array(z.string()).optional(),
    params: z.record(z.string(), param),
  })
  .meta({
    id: "CatalogEntry",
    description:
      "Something that can be chosen. Datasets also tell features, labels, records and preprocessing; models the losses and optimizers they allow.",
  });
export type CatalogEntry = z.infer<typeof catalogEntry>;
export const catalogView = z.record(z.string(), z.array(catalogEntry)).meta({ id: "Catalog" });

const reason = z.object({ code: z.string(), message: z.string(), fix: z.string() }).meta({ id: "Reason", description: "Why it is in this state." });
export type Reason = z.infer<typeof reason>;

// --- datasets ---

/** A step of the list that goes with a run; its parameters the catalog knows. */
export const preprocessingStep = z.strictObject({
  step: name(100).meta({ description: "Of the catalog's list `preprocessing`." }),
  computation: z.string().max(2000).optional().meta({ description: "The formula; whatever comes is replaced by the catalog's." }),
  params: values.optional(),
});

export const datasetFile = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/, { error: "must be a plain file name: letters, digits, dot, dash and underscore" }),
  sha256,
  size: count,
});
/** What an import learnt of a dataset. */
export const datasetFacts = z
  .object({
    digest: sha256.meta({ description: "Of the snapshot: equal data, equal digest." }),
    kind: z.enum(["pictures", "table"]),
    task: z.enum(["classification", "regression"]),
    sampleShape: z.array(z.int()).meta({ description: "Of a raw sample: [channels, height, width], or [columns]." }),
    columns: z
      .array(z.object({ name: z.string(), type: z.enum(columnTypes), values: count.optional().meta({ description: "How many a category has." }) }))
      .meta({ description: "Features of a table, in order." }),
    target: z.string(),
    labels: z.array(z.string()),
    records: splitCounts,
  })
  .meta({ id: "DatasetFacts" });
export type DatasetFacts = z.infer<typeof datasetFacts>;
export const datasetStates = ["previewing", "previewed", "reading", "ready", "failed"] as const;
const datasetNote = prose(20_000).meta({ description: "What is worth knowing about this version." });
/** A file that the platform made of a dataset. */
export const storedFile = z.object({ name: z.string(), sha256, size: count });
export const dataset = z
  .object({
    id,
    project: id,
    name: z.string(),
    version: z.int().min(1),
    state: z.enum(datasetStates).meta({
      description:
        "previewing, previewed: its files are looked at before they are imported; reading: they are imported; ready: it can be trained on.",
    }),
    reason: reason.optional(),
    note: z.string(),
    source: z.object({ id: z.string(), params: values }).meta({ description: "The catalog's dataset that reads the files, and its parameters." }),
    files: z.array(datasetFile).meta({ description: "As they were uploaded." }),
    snapshot: z
      .array(storedFile)
      .meta({ description: "What was made of them: snapshot.json, profile.json, a safetensors file for each split, of a table also Parquet." }),
    facts: datasetFacts.optional(),
    progress: z
      .object({ done: z.number(), total: z.number() })
      .optional()
      .meta({ description: "How far the import is, in bytes, rows or pictures; while it is read." }),
    createdAt: time,
  })
  .meta({ id: "Dataset", description: "A version of a registered dataset. Its files never change." });
export type DatasetView = z.infer<typeof dataset>;
export const registerDataset = z.strictObject({
  name: name(100).regex(/^[A-Za-z0-9][A-Za-z0-9._ -]*$/, {
    error: "must be letters, digits, space, dot, dash and underscore, beginning with a letter or digit",
  }),
  source: z.strictObject({ id: name(100), params: values.optional() }),
  files: z.array(datasetFile).max(1000).meta({ description: "Uploaded before. None for a dataset of the catalog that finds its own files." }),
  note: datasetNote.optional(),
  preview: z.boolean().optional().meta({ description: "Only look at the files: import them when what was found is right." }),
});
export const importDataset = z.strictObject({
  params: values.optional().meta({ description: "Of the source, as they should be: they replace those that were given before." }),
});
export const datasetEdit = z.strictObject({ note: datasetNote });
export const shownSteps = z
  .object({ ...stepPreview.shape, fittedOn: z.int().meta({ description: "Training rows that the steps were fitted on here." }) })
  .meta({ id: "ShownSteps", description: "What steps of preprocessing do to some training rows." });
export const preprocessRequest = z.strictObject({
  preprocessing: z.array(preprocessingStep).max(100),
  rows: z.int().min(1).max(100).default(10).meta({ description: "Sample rows to show." }),
});
export const stored = z.object({ sha256, size: count }).meta({ id: "Stored" });
export const beginTransfer = z.strictObject({
  size: count.meta({ description: "Bytes of the whole." }),
  fingerprint: z.string().min(1).max(200).regex(printable, { error: "must have no control characters" }).optional().meta({
    description:
      "Whatever tells the content from others, such as its digest, or name, size and date: the same one again finds the transfer that was begun.",
  }),
});
export const transfer = z
  .object({
    id,
    size: count,
    received: count.meta({ description: "Bytes that are there: where the next piece begins." }),
    pieceBytes: count.meta({ description: "Most bytes of one piece." }),
  })
  .meta({ id: "Transfer", description: "An upload in pieces, which goes on where it was cut off." });
export type Transfer = z.infer<typeof transfer>;

// --- runs ---

export const runStates = ["draft", "queued", "running", "stopping", "stopped", "succeeded", "failed"] as const;
export type RunStateName = (typeof runStates)[number];
/** States in which nothing more happens by itself. */
export const isOver = (state: RunStateName): boolean => ["stopped", "succeeded", "failed"].includes(state);

const part = z.strictObject({ id: name(200), params: values.optional() });
/** A layer before the network that changes samples at random, in training alone; its parameters the catalog knows. */
export const augmentation = z.strictObject({
  layer: name(100).meta({ description: "Of the catalog's list `layers`: one that augments." }),
  params: values.optional(),
});
/** What to train; everything but the dataset may be left out. */
export const runRequest = z
  .strictObject({
    name: name().optional(),
    note: prose(20_000).optional(),
    tags: tags.optional(),
    draft: z.boolean().optional().meta({ description: "Keep it as a draft: nothing is trained until it is started." }),
    priority: z.int().min(-100).max(100).optional().meta({ description: "Higher goes first; 0 unless said." }),
    labels: z.array(name(50)).max(10).optional().meta({ description: "What the worker must have, such as gpu." }),
    task: z.enum(["classification", "regression"]).optional().meta({ description: "Refused unless the dataset is for it." }),
    dataset: part.meta({ description: "A dataset of the catalog, or a registered one by name (its newest version) or name@version." }),
    model: part.optional(),
    loss: part.optional(),
    optimizer: part.optional(),
    schedule: part.optional(),
    preprocessing: z.array(preprocessingStep).max(100).optional().meta({
      description: "What samples go through before the network sees them, in order, compiled into the model; those of the dataset unless said.",
    }),
    augmentation: z.array(augmentation).max(20).optional().meta({
      description: "Layers that change samples at random before the network sees them, in training alone.",
    }),
    network: json.optional().meta({ description: "For model custom: the network description." }),
    training: values.optional().meta({ description: "Epochs, batch size, seed and so on." }),
  })
  .meta({ id: "RunRequest" });
export type RunRequestBody = z.infer<typeof runRequest>;

const chosen = z.object({ id: z.string(), params: values });
export const runSettings = z
  .object({
    dataset: chosen,
    model: chosen,
    loss: chosen.optional().meta({ description: "Of a network; a classical model has its own." }),
    optimizer: chosen.optional(),
    schedule: chosen.optional(),
    preprocessing: z
      .array(z.object({ step: z.string(), computation: z.string(), params: values }))
      .readonly()
      .optional(),
    augmentation: z
      .array(z.object({ layer: z.string(), params: values }))
      .readonly()
      .optional(),
    network: json.optional(),
    training: values,
  })
  .meta({ id: "RunSettings", description: "A request with every default filled in." });

export const source = z
  .object({ name: z.string(), version: z.int(), snapshot: sha256, files: z.array(storedFile) })
  .meta({ id: "DatasetSource", description: "The registered dataset a run reads: the files of its snapshot that training needs." });
export type DatasetSource = z.infer<typeof source>;

const choiceOf = z.object({ id: z.string(), why: z.string().optional().meta({ description: "Why it cannot be chosen; absent where it can." }) });
export type Choice = z.infer<typeof choiceOf>;
/** Of each part of a request what could be chosen there. */
export const choicesView = z
  .object({
    model: z.array(choiceOf),
    loss: z.array(choiceOf),
    optimizer: z.array(choiceOf),
    schedule: z.array(choiceOf),
    augmentation: z.array(choiceOf),
  })
  .meta({ id: "Choices", description: "What goes with the rest of a request, and why the others do not." });
export type ChoicesView = z.infer<typeof choicesView>;

const bytes = z.number().min(0);
export const runEstimate = z
  .object({
    samples: count.meta({ description: "Samples that are trained on in an epoch." }),
    unit: z.string().optional().meta({ description: "Of a classical model: what its progress is counted in." }),
    steps: count.optional().meta({ description: "Of the whole training." }),
    parameters: count.optional(),
    flops: z
      .object({ sample: z.number(), step: z.number() })
      .optional()
      .meta({ description: "Floating-point operations: of one sample's forward pass, and of a training step." }),
    memory: z
      .object({ data: bytes, weights: bytes, learning: bytes, activations: bytes, total: bytes })
      .optional()
      .meta({ description: "Bytes of what is resident while it trains; learning: gradient and optimizer." }),
    time: z
      .object({
        seconds: z.number(),
        low: z.number(),
        high: z.number(),
        runs: count,
        by: z
          .enum(["same", "speed"])
          .meta({ description: "same: by runs of this model like it; speed: by what other networks computed in a second." }),
      })
      .optional()
      .meta({ description: "By past runs here; absent where there are none to tell by." }),
  })
  .meta({ id: "RunEstimate", description: "How large a training is, and how long it may take. What only the training rows can tell is left out." });
export type RunEstimate = z.infer<typeof runEstimate>;

/** What was found out when the training was prepared: enough, with the settings, to rebuild it bit for bit. */
export const runFacts = z
  .object({
    dataset: z.looseObject({
      id: z.string(),
      digest: sha256,
      source: z.string(),
      task: z.enum(["classification", "regression"]),
      sampleShape: z.array(z.int()).meta({ description: "Of a sample after preprocessing." }),
      columns: z.array(z.string()).meta({ description: "Columns of a row that the model reads; empty for pictures." }),
      labels: z.array(z.string()),
      preprocessing: z
        .array(z.object({ step: z.string(), computation: z.string(), params: values, fitted: json.optional() }))
        .readonly()
        .optional()
        .meta({ description: "The steps, and what they learnt from the training rows." }),
      inputs: z
        .array(z.object({ name: z.string(), type: z.enum(columnTypes), required: z.boolean() }))
        .optional()
        .meta({ description: "What a row to predict from consists of; what is not required may be missing." }),
      pictureShape: z.array(z.int()).optional().meta({ description: "Of a raw picture: [channels, height, width]." }),
      features: z.array(z.string()).optional().meta({ description: "What the columns of a sample are called after preprocessing." }),
      samples: z.object({ train: count, validation: count, test: count }),
    }),
    network: json,
    layers: z.array(z.record(z.string(), json)),
    parameters: count,
    threads: z.int().min(1),
    versions: z.record(z.string(), z.string()),
  })
  .meta({ id: "RunFacts" });
export type RunFacts = z.infer<typeof runFacts>;

export const progress = z
  .object({
    epoch: count,
    epochs: count,
    step: count,
    stepsPerEpoch: count,
    update: count,
    unit: z.string().optional().meta({ description: "What `step` counts where it is not steps of training: trees, iterations." }),
    loss: z.number().optional(),
    score: z.number().optional(),
    learningRate: z.number().optional(),
    samplesPerSecond: z.number().optional(),
    secondsLeft: z.number(),
  })
  .meta({ id: "Progress" });
export type ProgressView = z.infer<typeof progress>;

export const artifact = z
  .object({ name: z.string(), sha256, size: count, createdAt: time })
  .meta({ id: "Artifact", description: "A file that a run produced." });

const numberOrNull = z.number().nullable();
export const seriesSummary = z
  .object({ last: numberOrNull, lastStep: count, min: numberOrNull, minStep: count, max: numberOrNull, maxStep: count, count })
  .meta({ id: "SeriesSummary", description: "Kept as points come in. A value is null where no finite number was logged." });

export const reproduction = z
  .object({ experiment: id, same: z.boolean(), differences: z.array(z.string()) })
  .meta({ id: "Reproduction", description: "Whether training again from a manifest gave the same bits." });

const runHead = {
  id,
  project: id,
  number: z.int(),
  name: z.string(),
  state: z.enum(runStates),
  reason: reason.optional(),
  tags: z.record(z.string(), z.string()),
  dataset: z.string(),
  task: z.enum(["classification", "regression"]),
  model: z.string(),
  createdBy: z.string(),
  createdAt: time,
  startedAt: time.optional(),
  endedAt: time.optional(),
  trashedAt: time.optional(),
  experiment: id.optional().meta({ description: "The experiment it was archived as." }),
};
export const runSummary = z
  .object({
    ...runHead,
    metrics: z.record(z.string(), numberOrNull).meta({ description: "Of the columns asked for." }),
    settings: z
      .record(z.string(), z.union([z.number(), z.string(), z.null()]))
      .optional()
      .meta({ description: "Of those asked for. One that is neither a number nor a text is as it is written in JSON." }),
  })
  .meta({ id: "RunSummary" });
export type RunSummary = z.infer<typeof runSummary>;
export const runGroups = z
  .object({
    total: count.meta({ description: "Runs in all." }),
    groups: z.array(
      z.object({
        value: z.string().nullable().meta({ description: "Null: of runs that have none." }),
        count,
        least: numberOrNull,
        greatest: numberOrNull,
      }),
    ),
  })
  .meta({ id: "RunGroups", description: "Most first; at most 500." });
export type RunGroups = z.infer<typeof runGroups>;
export const runFields = z
  .object({ metrics: z.array(z.string()), settings: z.array(z.object({ name: z.string(), numeric: z.boolean() })), tags: z.array(z.string()) })
  .meta({ id: "RunFields", description: "What runs have: each may be filtered by, sorted by and shown as a column." });
export type RunFields = z.infer<typeof runFields>;
export const run = z
  .object({
    ...runHead,
    version: z.int().meta({ description: "Number of changes so far." }),
    note: z.string(),
    settings: runSettings,
    source: source.optional(),
    facts: runFacts.optional(),
    progress: progress.optional(),
    checkpoint: z.object({ update: count, epoch: count, at: time }).optional(),
    result: z.object({ reason: z.string(), bestEpoch: count }).optional(),
    evaluation: evaluationSummary.optional(),
    artifacts: z.array(artifact),
    metrics: z.record(z.string(), seriesSummary),
    duplicates: id.optional().meta({ description: "The run whose settings it was given." }),
    reproduces: id.optional(),
    reproduction: reproduction.optional(),
  })
  .meta({ id: "Run" });
export type Run = z.infer<typeof run>;

export const runEdit = z.strictObject({
  version: z
    .int()
    .min(1)
    .optional()
    .meta({ description: "What the run's version was when it was read: if it has changed since, the edit is refused." }),
  name: name().optional(),
  note: prose(20_000).optional(),
  tags: tags.optional().meta({ description: "Replaces all tags." }),
});

export const series = z
  .object({ series: z.string(), steps: z.array(z.int()), values: z.array(numberOrNull), total: count })
  .meta({ id: "Series", description: "Points of one metric, thinned to what was asked for; the extremes of each stretch are kept." });
export type Series = z.infer<typeof series>;

export const logPage = z
  .object({
    total: count.meta({ description: "Lines there are, or that hold what was looked for." }),
    items: z.array(z.object({ seq: count, at: time, text: z.string() })),
  })
  .meta({ id: "LogPage", description: "Lines of a run's log, in order." });
export type LogPage = z.infer<typeof logPage>;

export const comparison = z
  .object({
    runs: z.array(runSummary),
    settings: z.array(z.object({ path: z.string(), values: z.array(json) })).meta({ description: "Only where the runs differ; one value a run." }),
    metrics: z.array(z.object({ series: z.string(), values: z.array(seriesSummary.nullable()) })),
  })
  .meta({ id: "Comparison" });
export type Comparison = z.infer<typeof comparison>;

// --- predictions ---

export const predictRequest = z
  .strictObject({
    rows: z
      .array(z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])))
      .min(1)
      .max(1000)
      .optional()
      .meta({
        description:
          "Rows of a table, by column: numbers, values of categories, texts, dates in ISO 8601. What is null is missing, where the model's preprocessing allows that.",
      }),
    picture: z.base64().max(28_000_000).optional().meta({ description: "One picture, base64 of PNG, JPEG, WebP, …" }),
  })
  .refine(({ rows, picture }) => (rows === undefined) !== (picture === undefined), { error: "must have either rows or picture" });
export const prediction = z
  .object({ label: z.string().optional(), value: z.number().optional(), outputs: z.record(z.string(), z.number()).optional() })
  .meta({ id: "Prediction" });
export type PredictionView = z.infer<typeof prediction>;

export const example = z
  .object({
    row: count.meta({ description: "In the test split, from 0." }),
    of: count.meta({ description: "Records of the test split." }),
    truth: z.union([z.string(), z.number()]),
    cells: z
      .record(z.string(), z.union([z.string(), z.number(), z.null()]))
      .optional()
      .meta({ description: "Of a table, by column; texts are left out." }),
    picture: z
      .object({
        shape: z.array(z.int()).meta({ description: "[channels, height, width]" }),
        pixels: z.string().meta({ description: "Bytes, row-major, base64." }),
      })
      .optional(),
  })
  .meta({ id: "Example", description: "A record of the test split, as it came." });
export type ExampleView = z.infer<typeof example>;
export const predictionPage = z
  .object({
    total: count.meta({ description: "Records that are so." }),
    samples: count.meta({ description: "Records of the test split." }),
    kind: z.enum(["pictures", "table"]).optional().meta({ description: "What the records are; absent where they were not kept." }),
    items: z.array(
      z.object({
        row: count.meta({ description: "In the test split, from 0." }),
        truth: z.union([z.string(), z.number()]),
        predicted: z.union([z.string(), z.number()]),
        confidence: z.number().optional().meta({ description: "Output of the predicted class." }),
        error: z.number().optional().meta({ description: "Of a value: predicted minus true." }),
        sample: z
          .record(z.string(), z.union([z.string(), z.number(), z.null()]))
          .optional()
          .meta({ description: "Of a table, by column." }),
      }),
    ),
  })
  .meta({ id: "PredictionPage", description: "Test records and what was predicted of them, in the order of the split." });
export type PredictionPage = z.infer<typeof predictionPage>;

// --- experiments ---

export const experiment = z
  .object({
    id,
    project: id,
    hash: sha256.meta({ description: "Of the manifest: the experiment's name in the permanent store." }),
    name: z.string(),
    run: id,
    dataset: z.string(),
    task: z.enum(["classification", "regression"]),
    model: z.string(),
    metrics: z.record(z.string(), z.number()).meta({ description: "From the evaluation on the test split." }),
    intervals: evaluationSummary.shape.intervals,
    baseline: z.record(z.string(), z.number()).optional().meta({ description: "The same metrics of what one gets without learning." }),
    tags: z.record(z.string(), z.string()),
    data: sha256.optional().meta({ description: "Digest of the data it was trained on." }),
    createdAt: time,
    createdBy: z.string(),
    size: count.meta({ description: "Bytes of all its files." }),
  })
  .meta({ id: "Experiment", description: "A run that was archived: immutable." });
export type Experiment = z.infer<typeof experiment>;
export const lineage = z
  .object({
    run: z.object({ id, name: z.string() }),
    dataset: id.optional().meta({ description: "The version of a registered dataset that it was trained on, unless that was deleted." }),
    resumed: count.meta({ description: "How often its training went on after it had stopped." }),
    duplicates: z.object({ id, name: z.string() }).optional().meta({ description: "The run whose settings it was given." }),
    reproduces: z.object({ id, name: z.string() }).optional().meta({ description: "The experiment that it was to be again." }),
    reproduction: reproduction.optional(),
    reproductions: z
      .array(z.object({ id, name: z.string(), state: z.enum(runStates), reproduction: reproduction.optional() }))
      .meta({ description: "Runs that are to be this experiment again, the newest first." }),
    beside: z
      .array(experiment.pick({ id: true, name: true, model: true, task: true, metrics: true, createdAt: true }))
      .meta({ description: "Other experiments on the same data, the newest first." }),
  })
  .meta({ id: "Lineage", description: "Where an experiment comes from, and what came of it." });
export type Lineage = z.infer<typeof lineage>;
/** What `manifest.json` in the permanent store says; canonical JSON, whose SHA-256 names the experiment. */
export const manifest = z
  .object({
    manifest: z.literal(1),
    run: z.object({
      number: z.int(),
      name: z.string(),
      note: z.string(),
      tags: z.record(z.string(), z.string()),
      createdAt: time,
      createdBy: z.string(),
    }),
    settings: runSettings,
    source: source.optional(),
    facts: runFacts,
    result: z.object({ reason: z.string(), bestEpoch: count }),
    evaluation: evaluationSummary,
    files: z.array(z.object({ name: z.string(), sha256, size: count })),
  })
  .meta({ id: "Manifest" });
export type Manifest = z.infer<typeof manifest>;

// --- events and messages ---

export const modules = [
  "catalog",
  "datasets",
  "training",
  "evaluation",
  "runs",
  "experiments",
  "artifacts",
  "events",
  "jobs",
  "admin",
  "accounts",
  "projects",
  "buckets",
] as const;
/** Things of a project, each named by its id. */
export const thingKinds = ["run", "job", "dataset", "experiment", "share"] as const;
/** `server` is the platform itself: what was done to it as a whole, and attempts that are nobody's. */
export const entityKinds = [...thingKinds, "project", "user", "token", "server"] as const;
export type EntityKind = (typeof entityKinds)[number];
export const event = z
  .object({
    seq: z.int(),
    kind: z.enum(entityKinds),
    entity: id,
    version: z.int(),
    type: z.string(),
    module: z.string(),
    project: id.optional(),
    data: recorded,
    actor: z.string(),
    correlation: z.string(),
    causation: id.optional(),
    at: time,
  })
  .meta({ id: "Event", description: "One recorded change of one entity." });
export type EventView = z.infer<typeof event>;
export const eventTimeline = z
  .object({
    from: time,
    to: time,
    kinds: z
      .array(z.object({ kind: z.enum(entityKinds), total: count, counts: z.array(count) }))
      .meta({ description: "Kinds of entities that there are events of; a count for each of the equal stretches of time." }),
  })
  .meta({ id: "EventTimeline", description: "How many events there were when." });
export type EventTimeline = z.infer<typeof eventTimeline>;
export const rewound = z
  .object({
    version: z.int(),
    at: time,
    state: recorded,
    event: event.meta({ description: "The one that made it so." }),
    versions: z.int().meta({ description: "How many there are by now." }),
  })
  .meta({ id: "Rewound", description: "What an entity was." });
export type Rewound = z.infer<typeof rewound>;
export const directions = ["send", "receive"] as const;
export const message = z
  .object({
    seq: z.int(),
    aggregator: z.string(),
    source: z.string(),
    destination: z.string(),
    direction: z.enum(directions),
    mode: z.enum(["sync", "async"]),
    payload: z.string(),
    correlation: z.string(),
    at: time,
  })
  .meta({ id: "Message", description: "One recorded exchange between two parts of the system." });
export const exchangeCount = z
  .object({
    source: z.string(),
    destination: z.string(),
    payload: z.string(),
    aggregator: z.string(),
    mode: z.enum(["sync", "async"]),
    count,
    firstAt: time,
    lastAt: time,
  })
  .meta({ id: "ExchangeCount", description: "How often one part spoke to another." });
export type ExchangeCount = z.infer<typeof exchangeCount>;

// --- accounts ---

export const roles = ["viewer", "trainer", "admin"] as const;
export type Role = (typeof roles)[number];
/** What an API token may be used for; `work` is for workers. */
export const scopes = ["read", "serve", "train", "admin", "work"] as const;
export type Scope = (typeof scopes)[number];

/** Names that mean something else in the history. */
const reserved: readonly string[] = ["owner", "system", "worker", "anonymous", "server", "me"];
export const userName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@+-]{0,99}$/, { error: "must be lower-case letters, digits and . _ @ + -, beginning with a letter or digit" })
  .refine((text) => !reserved.includes(text), { error: "must be another one: this name is the server's own" })
  .meta({ description: "What one signs in with." });
/** As NIST SP 800-63B: length counts, and no rules of which characters. */
export const password = z.string().min(10, { error: "must have at least 10 characters" }).max(1000);
export const secretText = z.string().min(1).max(200);
export const tokenName = name(100);
export const projectName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: "must be lower-case letters, digits and . _ -, beginning with a letter or digit",
});

export const user = z
  .object({
    id,
    name: z.string(),
    role: z.enum(roles).meta({ description: "admin: administers everything. trainer: may make projects. viewer: what their projects give." }),
    state: z.enum(["active", "disabled"]),
    createdAt: time,
    lastLoginAt: time.optional(),
  })
  .meta({ id: "User" });
export type User = z.infer<typeof user>;

const membership = z.object({ project: id, name: z.string(), role: z.enum(roles) });
export const me = z
  .object({
    name: z.string(),
    role: z.enum(roles),
    scope: z.enum(scopes).optional().meta({ description: "Of the token, where one is used." }),
    by: z.enum(["session", "token", "machine"]).meta({ description: "machine: by the token file of the data directory." }),
    projects: z.array(membership),
  })
  .meta({ id: "Me", description: "Who asks." });
export type Me = z.infer<typeof me>;
export const signedIn = z
  .object({ user, token: z.string().optional().meta({ description: "Of this session, for the header Authorization: Bearer." }), expiresAt: time })
  .meta({ id: "SignedIn" });

const linkKinds = ["setup", "invitation", "reset"] as const;
export type LinkKind = (typeof linkKinds)[number];
export const linkView = z
  .object({ kind: z.enum(linkKinds), name: z.string().optional(), role: z.enum(roles).optional(), expiresAt: time })
  .meta({ id: "Link" });
export const secretLink = z
  .object({ url: z.string(), expiresAt: time })
  .meta({ id: "SecretLink", description: "A link that works once. Whoever has it may use it: it is shown this once." });

export const token = z
  .object({
    id,
    name: z.string(),
    owner: z.string(),
    scope: z.enum(scopes),
    project: id.optional(),
    createdAt: time,
    expiresAt: time,
    lastUsedAt: time.optional(),
  })
  .meta({ id: "Token" });
export type Token = z.infer<typeof token>;
export const newToken = z
  .object({ token, secret: z.string().meta({ description: "Shown this once: the server keeps only its hash." }) })
  .meta({ id: "NewToken" });

export const project = z
  .object({
    id,
    name: z.string(),
    createdAt: time,
    createdBy: z.string(),
    role: z.enum(roles).meta({ description: "Of who asks." }),
    members: z.array(z.object({ user: id, name: z.string(), role: z.enum(roles) })),
  })
  .meta({ id: "Project" });
export type Project = z.infer<typeof project>;

export const share = z
  .object({ id, kind: z.enum(["run", "experiment"]), thing: id, createdAt: time, createdBy: z.string(), expiresAt: time })
  .meta({ id: "Share", description: "A link by which anyone reads one run or experiment." });
export type Share = z.infer<typeof share>;
export const sharedThing = z.object({ kind: z.enum(["run", "experiment"]), thing: id, expiresAt: time }).meta({ id: "SharedThing" });
export const newShare = z
  .object({ share, secret: z.string().meta({ description: "The token of the link, shown this once." }), url: z.string() })
  .meta({ id: "NewShare" });

export const downloadLink = z.object({ url: z.string(), expiresAt: time }).meta({ id: "DownloadLink" });
export const keyView = z
  .object({ purpose: z.string(), createdAt: time, retiresAt: time.optional() })
  .meta({ id: "Key", description: "A key of the server, without the key." });

// --- admin ---

export const jobKinds = ["train", "evaluate", "cross-validate", "learning-curve", "ingest"] as const;
export type JobKind = (typeof jobKinds)[number];
export const jobStates = ["queued", "running", "done", "dead", "cancelled"] as const;
export const job = z
  .object({
    id,
    kind: z.enum(jobKinds),
    state: z.enum(jobStates),
    subject: z.object({ kind: z.enum(entityKinds), id, name: z.string().optional().meta({ description: "While it is there." }) }),
    priority: z.int(),
    labels: z.array(z.string()),
    attempts: count,
    worker: z.string().optional(),
    reason: reason.optional(),
    createdAt: time,
    runAt: time.optional(),
    leaseUntil: time.optional(),
    endedAt: time.optional(),
  })
  .meta({ id: "Job", description: "A unit of work for a worker." });
export type Job = z.infer<typeof job>;
export const workerInfo = z
  .object({
    id,
    name: z.string(),
    labels: z.array(z.string()),
    slots: z.int(),
    version: z.string(),
    platform: z.string(),
    jobs: z.array(id),
    lastSeenAt: time,
    alive: z.boolean(),
  })
  .meta({ id: "Worker" });
export type WorkerInfo = z.infer<typeof workerInfo>;
export const queue = z
  .object({
    kind: z.enum(jobKinds),
    queued: count,
    oldestAt: time.optional().meta({ description: "Since when the one waits that waits longest." }),
    delayed: count.meta({ description: "Of those queued: not to be tried again just yet." }),
    running: count,
    done: count.meta({ description: "Within the last day, as failed and cancelled." }),
    failed: count,
    cancelled: count,
  })
  .meta({ id: "Queue", description: "How many jobs of a kind wait, for how long, and what became of the others." });
export type QueueView = z.infer<typeof queue>;
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];
export const logLine = z
  .object({
    seq: z.int(),
    at: time,
    level: z.enum(logLevels),
    flow: z.string(),
    function: z.string().optional(),
    message: z.string(),
    error: z.string().optional().meta({ description: "Its stack." }),
    requestId: z.string().optional(),
    correlation: z.string().optional(),
  })
  .meta({ id: "LogLine" });
export type LogLine = z.infer<typeof logLine>;
export const serverLog = z
  .object({ items: z.array(logLine), last: z.int().meta({ description: "Number of the newest line there is: go on after it." }) })
  .meta({ id: "ServerLog", description: "Lines of the log of the process that answers, oldest first." });
export const storageUse = z
  .object({
    store: z.string(),
    blobs: count,
    bytes: count,
    byKind: z.record(z.string(), z.object({ blobs: count, bytes: count })),
    reclaimable: z.object({ runs: count, datasets: count, blobs: count, bytes: count }).meta({ description: "What a purge would free." }),
  })
  .meta({ id: "StorageUse" });
export const purged = z.object({ runs: count, datasets: count, blobs: count, bytes: count }).meta({ id: "Purged" });
export const verification = z
  .object({
    events: count,
    entities: count,
    differences: z.array(z.object({ kind: z.string(), entity: id, field: z.string(), fromEvents: z.unknown(), inTable: z.unknown() })),
    missingBlobs: z.array(z.object({ sha256, owner: z.string(), name: z.string() })),
  })
  .meta({ id: "Verification", description: "The tables rebuilt from the events, compared with the tables as they are." });

// --- buckets ---

/** What people call a bucket of the configuration. */
export const bucketName = z.string().max(100);
/** Of an object: what it may be, `storage/browse.ts` says. */
export const objectName = z.string().min(1).max(2000);
export const bucket = z
  .object({
    name: z.string(),
    kind: z.enum(["s3", "files"]),
    place: z.string().meta({ description: "s3://bucket/prefix, or a folder of the server." }),
    readOnly: z.boolean(),
  })
  .meta({ id: "Bucket", description: "A bucket that whoever runs the server lets administrators browse." });
export type Bucket = z.infer<typeof bucket>;
export const bucketObject = z.object({ name: z.string(), size: count, modifiedAt: time }).meta({ id: "BucketObject" });
export type BucketObject = z.infer<typeof bucketObject>;
export const bucketPage = z
  .object({
    folders: z.array(z.string()).meta({ description: "What names go on with to the next slash, that included." }),
    items: z.array(bucketObject),
    next: z.string().nullable().meta({ description: "Cursor of the next page; null on the last." }),
  })
  .meta({ id: "BucketPage", description: "What lies directly below a prefix." });
export const storedObject = z.object({ name: z.string(), size: count }).meta({ id: "StoredObject" });
export const importObjects = z.strictObject({
  objects: z.array(objectName).min(1).max(100),
  name: registerDataset.shape.name,
  source: registerDataset.shape.source.optional().meta({ description: "What reads them; by their ending unless said." }),
});

// --- workers ---

const fence = z.int().meta({ description: "Fencing token of the claim: higher for each claim of the job." });
export const claimRequest = z.strictObject({
  worker: z.strictObject({
    id: z.uuid(),
    name: name(200),
    labels: z.array(name(50)).max(20),
    slots: z.int().min(1).max(1024),
    version: z.string().max(50),
    platform: z.string().max(200),
  }),
  wait: z.number().min(0).max(25).optional().meta({ description: "Seconds to wait for a job." }),
});
/** How settings are fitted again: the options of cross-validation and learning curves. */
export const refit = z.object({
  folds: z.int().min(2).max(100).optional(),
  repeats: z.int().min(1).max(100).optional(),
  stratified: z.boolean().optional(),
  group: z.string().max(200).optional(),
  points: z.int().min(2).max(50).optional(),
});
export type Refit = z.infer<typeof refit>;
/** What a worker is told to do. `payload` is what the kind of job needs. */
export const claimed = z
  .object({
    id,
    kind: z.enum(jobKinds),
    token: fence,
    key: z.string().meta({ description: "Bearer token of this claim: it opens the routes of this job and nothing else." }),
    leaseSeconds: z.number(),
    subject: z.object({ kind: z.enum(entityKinds), id }),
    payload: z.object({
      settings: runSettings.optional(),
      source: source.optional(),
      /** Of a training that goes on: facts as they were, and where it goes on from. */
      facts: runFacts.optional(),
      resume: z.object({ last: sha256, best: sha256.optional() }).optional(),
      /** Metrics to evaluate with; all when absent. */
      metrics: z.array(z.string()).optional(),
      bestEpoch: z.int().optional(),
      refit: refit.optional(),
      /** A dataset to read. */
      dataset: z.object({ id: z.string(), params: values, files: z.array(datasetFile), preview: z.boolean() }).optional(),
    }),
  })
  .meta({ id: "ClaimedJob" });
export type ClaimedJob = z.infer<typeof claimed>;
export const claimResponse = z.object({ job: claimed.nullable() });
export const heartbeatRequest = z.strictObject({ token: fence });
export const heartbeatResponse = z.object({ stop: z.boolean(), leaseSeconds: z.number() }).meta({ id: "Heartbeat" });
/** Points of one series: equally many steps and values. NaN and infinities, which JSON lacks, are null. */
const points = z
  .strictObject({
    series: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$/),
    steps: z.array(count).max(10_000),
    values: z.array(numberOrNull).max(10_000),
  })
  .refine(({ steps, values }) => steps.length === values.length, { error: "must have as many values as steps" });
export type Points = z.infer<typeof points>;
/** Of a file that a job made. */
export const artifactName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,100}$/);
const fileRef = z.strictObject({ name: artifactName, sha256, size: count });
export const reportRequest = z.strictObject({
  token: fence,
  /** Of this claim, from 1: a report that was already taken is not taken twice. */
  sequence: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
  facts: runFacts.optional(),
  progress: progress.optional(),
  /** Of an import. */
  imported: z.strictObject({ done: z.number().min(0), total: z.number().min(0) }).optional(),
  points: z.array(points).max(1000).optional(),
  /** Files uploaded before, by name; a name that is there already is replaced. */
  artifacts: z.array(fileRef).max(100).optional(),
  /** The artifacts last.safetensors and best.safetensors of this report are where a training goes on. */
  checkpoint: z.strictObject({ update: count, epoch: count }).optional(),
});
export type Report = z.infer<typeof reportRequest>;
const jobLine = z.strictObject({ at: time, text: z.string().max(2000) });
export type JobLine = z.infer<typeof jobLine>;
export const logReport = z.strictObject({
  token: fence,
  first: count.max(2 ** 31 - 1000).meta({ description: "Number of the first line in this claim: lines that come again are not kept twice." }),
  lines: z.array(jobLine).max(500),
});
export type LogReport = z.infer<typeof logReport>;
export const finishRequest = z.strictObject({
  token: fence,
  outcome: z.enum(["succeeded", "stopped", "failed", "released"]).meta({ description: "released: the worker shuts down, another one goes on." }),
  error: z
    .strictObject({ code: z.string().max(100), status: z.int(), message: z.string().max(10_000), fix: z.string().max(10_000) })
    .optional()
    .meta({ description: "Of a failure. Status 5xx is tried again, 4xx is not." }),
  result: z.strictObject({ reason: z.string().max(100), bestEpoch: count }).optional(),
  evaluation: evaluationSummary.optional(),
  artifacts: z.array(fileRef).max(100).optional(),
  dataset: datasetFacts.optional(),
});
export type Finish = z.infer<typeof finishRequest>;
