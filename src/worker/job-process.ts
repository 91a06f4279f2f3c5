/** The process of one job as its worker sees it: forked when the job is claimed, held to its limits, gone when the job is. */
import type { JobKind } from "../shared/api/schemas.ts";
import { Confined, type Ended } from "../shared/child.ts";
import { fail, printable, remoteError, type TrainyardError } from "../shared/errors.ts";
import { childEnvironment, type JobLimits } from "./config.ts";
import { type Assignment, direct, type Ending, type Result } from "./job-channel.ts";
import type { Lease } from "./lease.ts";

const MIB = 2 ** 20;
/** What a job does, and whose time it may take. */
const kinds: { readonly [K in JobKind]: readonly [what: string, limit: keyof JobLimits["seconds"]] } = {
  train: ["the training", "train"],
  evaluate: ["the evaluation", "evaluate"],
  "cross-validate": ["the cross-validation", "train"],
  "learning-curve": ["the learning curve", "train"],
  ingest: ["reading the dataset", "ingest"],
};

export class JobProcess {
  readonly #limits: JobLimits;
  readonly #log: (line: string) => void;
  readonly #confined: Confined;
  #performs = false;

  /** Starts at once, so that it is ready when the files of its job are. */
  /** @param heard takes what the process writes */
  constructor(limits: JobLimits, log: (line: string) => void, heard: (text: string) => void) {
    this.#limits = limits;
    this.#log = log;
    this.#confined = new Confined("worker/job-main", { env: childEnvironment(), memory: limits.memory, heard });
  }

  /** Whether there is something that can be told to end in order. */
  get performs(): boolean {
    return this.#performs;
  }

  kill(): void {
    this.#confined.kill();
  }

  /**
   * @returns undefined when the job ended early because the lease's signal said so, with all that is needed to go on uploaded
   * @throws the error of the job; OUT_OF_MEMORY, TIMED_OUT, PROCESS_CRASHED
   */
  async perform(assignment: Assignment, lease: Lease): Promise<Result | undefined> {
    this.#performs = true;
    const [what, limit] = kinds[assignment.job.kind];
    const seconds = this.#limits.seconds[limit];
    const variable = `TRAINYARD_${limit.toUpperCase()}_SECONDS`;
    let late: TrainyardError | undefined;
    const timer =
      seconds &&
      setTimeout(() => {
        late = fail("TIMED_OUT", { what, seconds, variable });
        this.kill();
      }, 1000 * seconds);
    try {
      const ending = await Promise.race([this.#direct(assignment, lease), this.#confined.ended]);
      if ("how" in ending) throw lease.lost ?? late ?? this.#why(what, ending);
      if (ending.error) throw remoteError(ending.error);
      if (!ending.result && !lease.signal.aborted) throw fail("PROCESS_CRASHED", { what, how: "it stopped without being told to" });
      return ending.result;
    } finally {
      clearTimeout(timer);
      this.kill();
      await this.#confined.ended; // and all that it wrote was heard
    }
  }

  /** Resolves with the last word of the process. */
  #direct(assignment: Assignment, lease: Lease): Promise<Ending> {
    return new Promise((ended) => {
      const orders = direct(this.#confined.process, assignment, lease, this.#limits.memory * MIB, ended);
      lease.signal.addEventListener("abort", () => orders.stop(), { once: true });
      // Nothing more can be said about the job, so nothing more need be found out.
      lease.over.addEventListener("abort", () => this.kill(), { once: true });
    });
  }

  #why(what: string, { how, used, said }: Ended): TrainyardError {
    if (used !== undefined) return fail("OUT_OF_MEMORY", { what, used, limit: this.#limits.memory });
    if (said) this.#log(`the process of ${what} wrote: ${printable(said.trim())}`);
    return fail("PROCESS_CRASHED", { what, how });
  }
}
