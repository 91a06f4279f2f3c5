/** The one place that reads the environment. */

export const config = {
  /** TRAINYARD_RUNS: the folder that new runs go into and that `runs` lists. */
  runs: process.env.TRAINYARD_RUNS || "runs",
};
