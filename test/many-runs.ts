/** Thousands of runs in a moment: copies of a few real ones in the tables that lists are read from, each with a name, a rate and results of its own. */
import { sql } from "kysely";
import type { Kernel } from "../src/server/kernel.ts";
import type { TestPlatform } from "./platform.ts";

/** Names as people, and those who are up to something, give them. */
export const oddNames = ["<img src=x onerror=alert(1)>", "\u202Eevil‮ name", "🚂 run 😀", "=cmd|' /C calc'!A0", 'a,b"c\nd'] as const;

const datasets = ["mnist", "fashion-mnist", "iris"] as const;
const models = ["mlp", "softmax-regression"] as const;

/** Drafts of which copies are made. */
async function templates({ client }: Pick<TestPlatform, "client">): Promise<string[]> {
  const ids: string[] = [];
  for (const dataset of datasets)
    for (const model of models) {
      const body = {
        draft: true,
        dataset: { id: dataset },
        model: { id: model },
        optimizer: { id: ids.length % 2 ? "adam" : "sgd" },
      } as const;
      ids.push((await client.call("createRun", { body })).id);
    }
  return ids;
}

/**
 * Run n of them (1, 2, …) is called run-n, or by one of the odd names at first; its rate is 10^-(1 + n % 4), its test accuracy
 * (n * 7919 % 10007) / 10007, its tag team one of five, and every tenth failed.
 * @param metrics more series that the last twenty have, besides test_accuracy and validation_loss
 */
export async function manyRuns(platform: Pick<TestPlatform, "client" | "kernel">, count: number, metrics = 0): Promise<void> {
  const { kernel } = platform;
  const ids = (await templates(platform)).map((id) => kernel.ids.open(id)!);
  await copies(kernel, ids, count);
  await series(kernel, count, metrics);
  for (const id of ids) {
    await platform.client.call("deleteRun", { params: { id: kernel.ids.seal(id) } });
  }
  await sql`drop table made`.execute(kernel.db.query);
  await sql`analyze`.execute(kernel.db.query);
}

async function copies({ db }: Kernel, ids: readonly string[], count: number): Promise<void> {
  const names = JSON.stringify(oddNames);
  await sql`create table made as
    select gen_random_uuid() as id, n, nextval('run_numbers') as number, (${[...ids]}::uuid[])[1 + n % ${ids.length}::int] as of,
      coalesce(${names}::jsonb ->> (n - 1)::int, 'run-' || n) as name,
      jsonb_build_object('team', (array['vision', 'speech', 'search', 'ads', 'robots'])[1 + n % 5]) as tags,
      case when n % 10 = 0 then 'failed' else 'succeeded' end as status,
      power(10, -(1 + n % 4)) as rate, (n::bigint * 7919 % 10007) / 10007.0 as goal,
      now() - make_interval(mins => ${count}::int - n::int) as at
    from generate_series(1, ${count}::int) n order by n`.execute(db.query);
  await sql`insert into runs (id, version, state, project, number, name, status, task, dataset, model, tags, created_at, started_at, ended_at)
    select made.id, 1, runs.state || jsonb_build_object('id', made.id, 'number', made.number, 'name', made.name, 'tags', made.tags, 'status', made.status),
      runs.project, made.number, made.name, made.status, runs.task, runs.dataset, runs.model, made.tags, made.at, made.at, made.at + interval '90 seconds'
    from made join runs on runs.id = made.of`.execute(db.query);
  await sql`insert into events (kind, entity, version, type, module, project, data, actor, correlation, at)
    select e.kind, made.id, 1, e.type, e.module, e.project,
      e.data || jsonb_build_object('id', made.id, 'number', made.number, 'name', made.name, 'tags', made.tags), e.actor, e.correlation, made.at
    from made join events e on e.kind = 'run' and e.entity = made.of and e.version = 1`.execute(db.query);
  await sql`insert into run_params (run, run_number, path, number, text)
    select made.id, made.number, p.path, case when p.path like '%learningRate' then made.rate else p.number end,
      case when p.path like '%learningRate' then made.rate::text else p.text end
    from made join run_params p on p.run = made.of
    union all select id, number, 'tags.team', null, tags ->> 'team' from made`.execute(db.query);
}

async function series({ db }: Kernel, count: number, metrics: number): Promise<void> {
  await sql`insert into metric_series (run, run_number, series, last, last_step, min, min_step, max, max_step, count)
    select id, number, 'test_accuracy', goal, 1, goal, 1, goal, 1, 1 from made
    union all select id, number, 'validation_loss', 1.1 - goal, 10, 1 - goal, 5, 2.3, 1, 10 from made
    union all select id, number, 'own_metric_' || m, goal * m, 1, goal * m, 1, goal * m, 1, 1
      from made, generate_series(1, ${metrics}::int) m where made.n > ${count - 20}::int`.execute(db.query);
}
