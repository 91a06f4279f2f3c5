/** Every error a person can meet, declared once: where, what was wanted, what came, what to do. `docs/errors.md` is generated from it. */

/** One thing wrong with a request. */
export interface Problem {
  readonly code: string;
  /** Where in the request: optimizer.params.learningRate. Empty for the whole. */
  readonly path: string;
  readonly message: string;
  readonly wanted: string;
  readonly got: string;
  readonly fix: string;
}

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
  NOT_ALLOWED: error<{ kind: string; id: string; model: string; known: readonly string[] }>({
    status: 422,
    message: (d) => `model "${d.model}" cannot be trained with ${d.kind} "${d.id}"`,
    fix: (d) => `Choose one of: ${list(d.known)}.`,
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
  SAMPLES_MISMATCH: error<{ what: string; want: string; dataset: string; got: string }>({
    status: 422,
    message: (d) => `${d.what} is for ${d.want}, but dataset "${d.dataset}" has ${d.got}`,
    fix: (d) => `Choose one made for ${d.got}.`,
  }),

  // preprocessing
  BAD_PREPROCESSING: error<{ where: string; problem: string; fix: string }>({
    status: 422,
    message: (d) => `${d.where}: ${d.problem}`,
    fix: (d) => d.fix,
  }),

  // files
  BAD_EXTENSION: error<{ file: string; want: string; got: string; fix: string }>({
    status: 422,
    message: (d) => `extension ${d.file}: wanted ${d.want}, got ${d.got}`,
    fix: (d) => d.fix,
  }),
  UNFIT_DATA: error<{ what: string; problem: string; fix: string }>({
    status: 422,
    message: (d) => `${d.what}: ${d.problem}`,
    fix: (d) => d.fix,
  }),
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
  CHECKSUM_MISMATCH: error<{ path: string; want: string; got: string; fix: string }>({
    status: 422,
    message: (d) => `${d.path} is damaged or another file: it should have ${d.want}, but has ${d.got}`,
    fix: (d) => d.fix,
  }),
  DOWNLOAD_FAILED: error<{ what: string; reasons: readonly string[]; fix: string }>({
    status: 424,
    message: (d) => `${d.what} could not be downloaded: ${d.reasons.join("; ")}`,
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
  // talking to the server
  INVALID_REQUEST: error<{ problems: readonly Problem[] }>({
    status: 422,
    message: (d) =>
      d.problems.length === 1
        ? d.problems[0]!.message
        : `the request has ${d.problems.length} problems: ${d.problems.map((p) => p.message).join("; ")}`,
    fix: (d) => d.problems.map((p) => p.fix).join(" "),
  }),
  BAD_BODY: error<{ want: string; got: string }>({
    status: 400,
    message: (d) => `the body must be ${d.want}, but ${d.got}`,
    fix: (d) => `Send ${d.want}.`,
  }),
  HEADERS_TOO_LARGE: error<{ limit: number }>({
    status: 431,
    message: (d) => `the address and headers of a request must be at most ${d.limit} bytes`,
    fix: () => "Send what is long in the body.",
  }),
  CONTENT_TYPE: error<{ want: string; got: string }>({
    status: 415,
    message: (d) => `the content type must be ${d.want}, but is ${d.got}`,
    fix: (d) => `Send the header "Content-Type: ${d.want}" and a body of that kind.`,
  }),
  NOT_FOUND: error<{ what: string; id: string }>({
    status: 404,
    message: (d) => `there is no ${d.what} "${d.id}"`,
    fix: () => "Check its id: the list shows those there are.",
  }),
  NO_ROUTE: error<{ method: string; path: string }>({
    status: 404,
    message: (d) => `there is nothing at ${d.method} ${d.path}`,
    fix: () => "See /docs for every route.",
  }),
  NO_METHOD: error<{ method: string; path: string }>({
    status: 405,
    message: (d) => `${d.path} does not take ${d.method}`,
    fix: () => "See the header Allow, or /docs for every route.",
  }),
  WRONG_STATE: error<{ what: string; state: string; verb: string; want: string }>({
    status: 409,
    message: (d) => `${d.what} is ${d.state}, so it cannot be ${d.verb}`,
    fix: (d) => `Only what is ${d.want} can be ${d.verb}.`,
  }),
  ALREADY_ARCHIVED: error<{ run: string; experiment: string }>({
    status: 409,
    message: (d) => `${d.run} was archived as experiment ${d.experiment}, which never changes`,
    fix: () => "Duplicate it to train again with these settings.",
  }),
  ARTIFACT_MISSING: error<{ what: string; name: string; fix: string }>({
    status: 404,
    message: (d) => `${d.what} has no file "${d.name}"`,
    fix: (d) => d.fix,
  }),
  STALE_TOKEN: error<{ job: string; given: number; current: number }>({
    status: 409,
    message: (d) => `job ${d.job} is no longer yours: your token is ${d.given}, the current one ${d.current}`,
    fix: () => "Drop the work: the lease ran out and the job was taken back.",
  }),
  IDEMPOTENCY_KEY_REUSED: error<{ key: string }>({
    status: 422,
    message: (d) => `the Idempotency-Key "${d.key}" was used before with another request`,
    fix: () => "Use a new key for a new request.",
  }),
  UNAUTHENTICATED: error<{ detail: string }>({
    status: 401,
    message: (d) => `the server does not know who asks: ${d.detail}`,
    fix: () => 'Send the header "Authorization: Bearer …" with a valid token.',
  }),
  FORBIDDEN: error<{ actor: string; action: string }>({
    status: 403,
    message: (d) => `${d.actor} may not ${d.action}`,
    fix: () => "Ask an administrator for the right to.",
  }),
  BAD_CREDENTIALS: error<object>({
    status: 401,
    message: () => "name or password is wrong, or the account is closed",
    fix: () => "Try again, or ask an administrator for a link that sets a new password.",
  }),
  TOO_MANY_ATTEMPTS: error<{ seconds: number }>({
    status: 429,
    message: (d) => `signing in failed too often; the next attempt is possible in ${d.seconds} s`,
    fix: () => "Wait, or ask an administrator for a link that sets a new password.",
  }),
  LINK_USED_UP: error<object>({
    status: 404,
    message: () => "there is no such link: it was used, replaced by a newer one, or its time is over",
    fix: () => "Ask who gave it to you for a new one. For the first account: start the server again, it prints one.",
  }),
  NO_PROVIDER: error<object>({
    status: 404,
    message: () => "this server knows no OpenID Connect provider to sign in at",
    fix: () => "Sign in with name and password at /login; or start the server with TRAINYARD_OIDC_ISSUER and TRAINYARD_OIDC_CLIENT_ID.",
  }),
  PROVIDER_UNAVAILABLE: error<{ issuer: string; detail: string }>({
    status: 503,
    message: (d) => `the OpenID Connect provider ${d.issuer} does not answer as it should: ${d.detail}`,
    fix: () => "Try again in a moment. If that does not help, check TRAINYARD_OIDC_ISSUER, and that the server reaches the provider.",
  }),
  SIGN_IN_REFUSED: error<{ why: string; fix: string }>({
    status: 403,
    message: (d) => `you are not signed in: ${d.why}`,
    fix: (d) => d.fix,
  }),
  NAME_TAKEN: error<{ what: string; name: string }>({
    status: 409,
    message: (d) => `there is a ${d.what} called "${d.name}" already`,
    fix: () => "Choose another name.",
  }),
  CONFLICT: error<{ what: string; version: number; current: number; by: string; fields: string; changed: Readonly<Record<string, unknown>> }>({
    status: 409,
    message: (d) => `${d.what} was changed by ${d.by} since version ${d.version}: ${d.fields}`,
    fix: (d) => `Look at version ${d.current}, and send the change again if it still is what you want.`,
  }),
  HOST_REFUSED: error<{ header: string; value: string; allowed: readonly string[] }>({
    status: 403,
    message: (d) => `requests with ${d.header} "${d.value}" are refused`,
    fix: (d) => `Use one of ${list(d.allowed)}, or allow it with TRAINYARD_ALLOWED_HOSTS.`,
  }),
  SERVER_UNREACHABLE: error<{ url: string; detail: string }>({
    status: 503,
    message: (d) => `the server at ${d.url} cannot be reached: ${d.detail}`,
    fix: () => "Check that it runs and that the address is right.",
  }),
  BAD_CONFIG: error<{ problems: readonly string[] }>({
    status: 500,
    message: (d) => `the configuration has ${d.problems.length === 1 ? "a problem" : `${d.problems.length} problems`}: ${d.problems.join("; ")}`,
    fix: () => "Correct the variables and start again; `trainyard serve --help` and docs/configuration.md explain each.",
  }),
  WORKER_LOST: error<{ attempts: number }>({
    status: 500,
    message: (d) => `its worker was lost ${d.attempts} times without getting further`,
    fix: () => "See the worker's log for the cause, such as too little memory; then resume it, or requeue its job.",
  }),
  OUT_OF_MEMORY: error<{ what: string; used: number; limit: number }>({
    status: 422,
    message: (d) => `${d.what} took ${d.used} MiB of memory, but may take ${d.limit} MiB`,
    fix: () => "Give it less at once: a smaller file, network or batch. Or allow more with TRAINYARD_JOB_MEMORY, where the worker or server runs.",
  }),
  TIMED_OUT: error<{ what: string; seconds: number; variable: string }>({
    status: 422,
    message: (d) => `${d.what} took longer than the ${d.seconds} s that it may take`,
    fix: (d) => `Give it less to do. Or allow more with ${d.variable}, where the worker or server runs.`,
  }),
  PROCESS_CRASHED: error<{ what: string; how: string }>({
    status: 500,
    message: (d) => `the process of ${d.what} ended by itself (${d.how})`,
    fix: () =>
      "A job is tried again by itself. If that does not help, see the log of the worker or server, and whether the machine has too little memory.",
  }),

  // storage
  OBJECT_NOT_FOUND: error<{ key: string }>({
    status: 404,
    message: (d) => `there is no object "${d.key}"`,
    fix: () => "Check its name; it may have been deleted.",
  }),
  OBJECT_EXISTS: error<{ key: string }>({
    status: 409,
    message: (d) => `there already is an object "${d.key}"`,
    fix: () => "Choose another name, or delete what is there first.",
  }),
  BAD_KEY: error<{ key: string; problem: string }>({
    status: 400,
    message: (d) => `${d.key} cannot be the key of an object: ${d.problem}`,
    fix: () => "Use letters, digits, dots, hyphens and underscores, with slashes between the parts.",
  }),
  BAD_OBJECT_NAME: error<{ name: string; problem: string }>({
    status: 400,
    message: (d) => `${d.name} cannot be the name of an object in a bucket: ${d.problem}`,
    fix: () => "Name it like a file in folders: parts with slashes between them, none of them empty, . or .., and no control characters.",
  }),
  BUCKET_READ_ONLY: error<{ bucket: string }>({
    status: 403,
    message: (d) => `bucket "${d.bucket}" may only be read here`,
    fix: () => "Who runs the server allows writing by taking :ro from the bucket in TRAINYARD_BUCKETS.",
  }),
  RANGE_NOT_SATISFIABLE: error<{ key: string; range: string; size: number }>({
    status: 416,
    message: (d) => `"${d.key}" has ${d.size} bytes, so there are none at ${d.range}`,
    fix: (d) => (d.size ? `Ask for bytes from 0 to ${d.size - 1}.` : "Ask for it without a range: it is empty."),
  }),
  BLOB_MISMATCH: error<{ want: string; got: string }>({
    status: 422,
    message: (d) => `the content was announced as ${d.want}, but is ${d.got}`,
    fix: () => "Send it again: it was damaged or cut off on the way, or announced wrongly.",
  }),
  PAYLOAD_TOO_LARGE: error<{ limit: number }>({
    status: 413,
    message: (d) => `the content has more than the ${d.limit} bytes that are accepted`,
    fix: () => "Send less at once, or have the limit raised.",
  }),
  TRANSFER_OFFSET: error<{ given: number; received: number }>({
    status: 409,
    message: (d) => `the transfer is at byte ${d.received}, not at ${d.given}`,
    fix: (d) => `Go on with the piece that begins at byte ${d.received}.`,
  }),
  TOO_MANY_TRANSFERS: error<{ limit: number }>({
    status: 429,
    message: (d) => `the project has ${d.limit} transfers that were begun and not finished`,
    fix: () => "Finish or cancel one of them; those that nobody goes on with end by themselves.",
  }),
  STORE_UNAVAILABLE: error<{ store: string; detail: string }>({
    status: 503,
    message: (d) => `the object store (${d.store}) does not do its work: ${d.detail}`,
    fix: () => "Try again in a moment. If that does not help, check that the store runs, and its address, bucket and credentials.",
  }),

  // database
  DIRECTORY_IN_USE: error<{ path: string; pid: number; what: string; since: string }>({
    status: 409,
    message: (d) => `${d.path} is in use by ${d.what} (process ${d.pid}) since ${d.since}`,
    fix: (d) => `Stop process ${d.pid} first, or choose another folder. Several servers can share one PostgreSQL, but not one folder.`,
  }),
  DATABASE_UNAVAILABLE: error<{ name: string; detail: string }>({
    status: 503,
    message: (d) => `database ${d.name} is not available: ${d.detail}`,
    fix: () => "Check that it runs and can be reached, then try again.",
  }),
  DATABASE_UNSUITABLE: error<{ name: string; want: string; got: string }>({
    status: 500,
    message: (d) => `database ${d.name} must be ${d.want}, but is ${d.got}`,
    fix: (d) => `Use ${d.want}.`,
  }),
  MIGRATION_MISMATCH: error<{ name: string; migration: string; problem: string }>({
    status: 500,
    message: (d) => `database ${d.name} does not fit this version of Trainyard: migration "${d.migration}" ${d.problem}`,
    fix: () => "Start the version of Trainyard that last used this database or a newer one, or restore a backup made by this version.",
  }),

  INTERNAL: error<{ detail: string }>({
    status: 500,
    message: (d) => `internal: ${d.detail}`,
    fix: () => "This is a fault of Trainyard: please report it with the command that led here.",
  }),
};

/** Of errors made here. One that another server reports may have a code that this version does not know. */
export type ErrorCode = keyof typeof errors;
type Details<C extends ErrorCode> = Parameters<(typeof errors)[C]["message"]>[0];

/** The one error class. `message` says where, wanted and got; `fix` says what to do. */
export class TrainyardError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fix: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, status: number, message: string, fix: string, details: object, cause?: unknown) {
    super(printable(message), { cause });
    this.name = "TrainyardError";
    this.code = code;
    this.status = status;
    this.fix = printable(fix);
    this.details = details as Record<string, unknown>;
  }

  toJSON() {
    return { code: this.code, status: this.status, message: this.message, fix: this.fix, details: this.details };
  }
}

/** An error on its way between processes. */
export type ErrorView = ReturnType<TrainyardError["toJSON"]>;

/**
 * Makes (does not throw) the error of a code.
 * @example throw fail("UNKNOWN_ENTRY", { kind: "model", id: "cn", known: ["cnn", "mlp"] });
 */
export function fail<C extends ErrorCode>(code: C, details: Details<C>, cause?: unknown): TrainyardError {
  const kind = errors[code] as ErrorKind<object>;
  return new TrainyardError(code, kind.status, kind.message(details), kind.fix(details), details, cause);
}

/** An error that a server reported, to be thrown on. */
export function remoteError(told: {
  code: string;
  status: number;
  message: string;
  fix: string;
  details: object;
  problems?: readonly Problem[];
}): TrainyardError {
  return new TrainyardError(told.code, told.status, told.message, told.fix, {
    ...told.details,
    ...(told.problems?.length && { problems: told.problems }),
  });
}

/** Whatever was thrown, as an error that can be told. */
export function toTrainyardError(thrown: unknown): TrainyardError {
  if (thrown instanceof TrainyardError) return thrown;
  if (thrown instanceof AggregateError) return fail("INVALID_REQUEST", { problems: thrown.errors.map((one) => toProblem(one)) }, thrown);
  return fail("INTERNAL", { detail: thrown instanceof Error ? thrown.message : String(thrown) }, thrown);
}

/**
 * An error of content as one problem of a request.
 * @param path where in the request, unless the error says so itself
 */
export function toProblem(error: TrainyardError, path = ""): Problem {
  const { known, tasks, want, got, id, name, task, state, problem, path: own } = error.details as Record<string, unknown>;
  const choices = (known ?? tasks) as readonly string[] | undefined;
  return {
    code: error.code,
    path: printable(typeof own === "string" ? own : path),
    message: error.message,
    wanted: String(want ?? (choices ? `one of ${list(choices)}` : error.fix.replace(/\.$/, ""))),
    got: printable(String(got ?? task ?? id ?? name ?? state ?? problem ?? error.message)),
    fix: error.fix,
  };
}

/** A text of one line that commands no terminal: what people sent may stand in a message. */
export const printable = (text: string): string =>
  text
    .replace(/\s+/g, (space) => (/[\n\r\t]/.test(space) ? " " : space))
    .replace(/[\p{Cc}\p{Cs}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A value as an error message shows it: short, and with its type visible. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = typeof value === "bigint" ? `${value}` : (JSON.stringify(value) ?? String(value));
  return printable(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

/** [batch, 3, 32, 32] */
export const showShape = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

const list = (names: readonly string[]): string => names.join(", ");
