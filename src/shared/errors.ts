/** Every error a person can meet, declared once: where, what was wanted, what came, what to do. `docs/errors.md` is generated from it. */

interface ErrorKind<D> {
  /** HTTP status; 4xx is the caller's to mend, 5xx is ours. */
  readonly status: number;
  readonly message: (d: D) => string;
  readonly fix: (d: D) => string;
}

const error = <D extends object>(kind: ErrorKind<D>) => kind;

export const errors = {
  // choosing from the catalog
  UNKNOWN_ENTRY: error<{ kind: string; id: string; known: readonly string[] }>({
    status: 422,
    message: (d) => `there is no ${d.kind} "${d.id}"`,
    fix: (d) => `Choose one of: ${list(d.known)}.`,
  }),
  UNKNOWN_PARAMETER: error<{ where: string; name: string; known: readonly string[] }>({
    status: 422,
    message: (d) => `${d.where} has no parameter "${d.name}"`,
    fix: (d) => (list(d.known) ? `Choose from: ${list(d.known)}.` : `Leave it out: ${d.where} takes no parameters.`),
  }),
  BAD_PARAMETER: error<{ where: string; name: string; want: string; got: string }>({
    status: 422,
    message: (d) => `${d.where}: ${d.name} must be ${d.want}, but is ${d.got}`,
    fix: (d) => `Give ${d.name} as ${d.want}.`,
  }),
  BAD_USAGE: error<{ problem: string; fix: string }>({
    status: 400,
    message: (d) => d.problem,
    fix: (d) => d.fix,
  }),

  // describing a network
  BAD_NETWORK: error<{ where: string; want: string; got: string }>({
    status: 422,
    message: (d) => `${d.where} must be ${d.want}, but is ${d.got}`,
    fix: () => "Correct the network description: { name, layers: [{ id, layer, params, inputs }] }.",
  }),
  LAYER_SHAPE_MISMATCH: error<{ layer: string; kind: string; want: string; got: string; from: string }>({
    status: 422,
    message: (d) => `layer "${d.layer}" (${d.kind}) expects ${d.want}, but "${d.from}" gives ${d.got}`,
    fix: (d) => `Change ${d.layer} to accept ${d.got}, or reshape the output of ${d.from}.`,
  }),
  OUTPUT_SHAPE_MISMATCH: error<{ layer: string; want: string; got: string; why: string }>({
    status: 422,
    message: (d) => `the last layer "${d.layer}" must give ${d.want} (${d.why}), but gives ${d.got}`,
    fix: (d) => `End the network with a layer whose output is ${d.want}.`,
  }),

  // building graphs
  OP_SHAPE: error<{ op: string; problem: string; shapes: string }>({
    status: 422,
    message: (d) => `${d.op}: ${d.problem} (inputs ${d.shapes})`,
    fix: () => "Make the shapes and dtypes of the inputs fit the op.",
  }),
  NO_GRADIENT: error<{ op: string; why: string }>({
    status: 422,
    message: (d) => `${d.op} has no gradient: ${d.why}`,
    fix: () => "Keep it off the path from the loss to the weights.",
  }),

  // running graphs
  RUNTIME: error<{ node: string; layer: string; detail: string }>({
    status: 500,
    message: (d) => `ONNX Runtime failed at node "${d.node}"${d.layer && ` of layer "${d.layer}"`}: ${d.detail}`,
    fix: () => "Check the values and shapes that reach this layer.",
  }),
  GRAPH_INPUT: error<{ graph: string; name: string; want: string; got: string }>({
    status: 422,
    message: (d) => `graph "${d.graph}": input "${d.name}" must be ${d.want}, but is ${d.got}`,
    fix: (d) => `Feed "${d.name}" as ${d.want}.`,
  }),
  DEVICE_UNAVAILABLE: error<{ device: string; why: string; available: readonly string[] }>({
    status: 422,
    message: (d) => `device "${d.device}" cannot be used here: ${d.why}`,
    fix: (d) => `Choose one of: ${list(d.available)}.`,
  }),

  // training
  LOSS_NOT_FINITE: error<{ what: string; value: string; step: number; epoch: number; rate: number; base: number; checkpoint: string }>({
    status: 422,
    message: (d) => `the ${d.what} became ${d.value} at step ${d.step} (epoch ${d.epoch}) with learning rate ${d.rate}`,
    fix: (d) =>
      `Train again with a smaller learning rate, for example ${Number((d.base / 10).toPrecision(3))}, or clip the gradient. ${
        d.checkpoint ? `The last good checkpoint is ${d.checkpoint}.` : "No checkpoint had been written yet."
      }`,
  }),
  TASK_MISMATCH: error<{ what: string; tasks: readonly string[]; dataset: string; task: string }>({
    status: 422,
    message: (d) => `${d.what} is for ${list(d.tasks)}, but dataset "${d.dataset}" is a ${d.task} task`,
    fix: (d) => `Choose one made for ${d.task}.`,
  }),

  // files
  FILE_NOT_FOUND: error<{ path: string; what: string; fix: string }>({
    status: 404,
    message: (d) => `${d.what} not found: ${d.path}`,
    fix: (d) => d.fix,
  }),
  BAD_FILE: error<{ path: string; want: string; got: string; fix: string }>({
    status: 422,
    message: (d) => `${d.path} must be ${d.want}, but ${d.got}`,
    fix: (d) => d.fix,
  }),
  CHECKPOINT_MISMATCH: error<{ path: string; tensor: string; want: string; got: string }>({
    status: 409,
    message: (d) => `checkpoint ${d.path} belongs to another network: "${d.tensor}" should be ${d.want}, but is ${d.got}`,
    fix: () => "Resume with the network, optimizer and settings that wrote the checkpoint.",
  }),
  WRITE_FAILED: error<{ path: string; detail: string; kept: string }>({
    status: 507,
    message: (d) => `could not write ${d.path}: ${d.detail}`,
    fix: (d) => `Free some space or choose another folder. ${d.kept}`,
  }),
  INTERNAL: error<{ detail: string }>({
    status: 500,
    message: (d) => `internal: ${d.detail}`,
    fix: () => "This is a fault of Trainyard: please report it with the command that led here.",
  }),
};

export type ErrorCode = keyof typeof errors;
type Details<C extends ErrorCode> = Parameters<(typeof errors)[C]["message"]>[0];

/** The one error class. `message` says where, wanted and got; `fix` says what to do. */
export class TrainyardError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fix: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, fix: string, details: object, cause?: unknown) {
    super(message, { cause });
    this.name = "TrainyardError";
    this.code = code;
    this.status = errors[code].status;
    this.fix = fix;
    this.details = details as Record<string, unknown>;
  }

  toJSON() {
    return { code: this.code, status: this.status, message: this.message, fix: this.fix, details: this.details };
  }
}

/**
 * Makes (does not throw) the error of a code.
 * @example throw fail("UNKNOWN_ENTRY", { kind: "model", id: "cn", known: ["cnn", "mlp"] });
 */
export function fail<C extends ErrorCode>(code: C, details: Details<C>, cause?: unknown): TrainyardError {
  const kind = errors[code] as ErrorKind<object>;
  return new TrainyardError(code, kind.message(details), kind.fix(details), details, cause);
}

/** A value as an error message shows it: short, and with its type visible. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = typeof value === "bigint" ? `${value}` : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** [batch, 3, 32, 32] */
export const showShape = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

const list = (names: readonly string[]): string => names.join(", ");
