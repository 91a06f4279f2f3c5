/** The process of one job, forked by the worker that claimed it: it opens files and models of other people, so it knows nothing but the job. */
import { once } from "node:events";
import { loadExtensions } from "../catalog/extensions.ts";
import { toTrainyardError } from "../shared/errors.ts";
import { extensions } from "./config.ts";
import { type Assignment, type Ending, JobChannel } from "./job-channel.ts";
import { jobs } from "./jobs.ts";
import { Reporter } from "./reporter.ts";
import { endWithParent } from "./with-parent.ts";

endWithParent();
const [{ job, ...assigned }] = (await once(process, "message")) as [Assignment & { readonly type: string }];
const channel = new JobChannel(job);
channel.end(await perform(new Reporter(channel)));

async function perform(reporter: Reporter): Promise<Ending> {
  try {
    await loadExtensions(extensions);
    return await work(reporter);
  } catch (error) {
    await reporter.flush().catch(() => {}); // the first error counts
    return { error: toTrainyardError(error).toJSON() };
  }
}

async function work(reporter: Reporter): Promise<Ending> {
  try {
    const { files = {}, uploaded = [], ...result } = await jobs[job.kind]({ channel, reporter, ...assigned });
    await reporter.flush();
    return { result: { ...result, artifacts: [...uploaded, ...(await reporter.upload(files))] } };
  } catch (error) {
    if (error !== channel.signal.reason) throw error;
    await reporter.flush(); // with it the checkpoint to go on from
    return {};
  }
}
