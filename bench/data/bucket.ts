/** Files to and from a bucket beside boto3, on the same S3 server: 1 GB in one file, and 2,000 files of 50 kB. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { S3Bucket } from "../../src/storage/bucket.ts";
import { inParallel } from "../../src/storage/in-parallel.ts";
import { S3Server } from "../../test/s3-server.ts";

const { values } = parseArgs({
  options: {
    python: { type: "string", default: ".venv/bin/python" },
    mb: { type: "string", default: "1000" },
    turns: { type: "string", default: "3" },
  },
});
const [LARGE, SMALL, FILES, AT_ONCE, turns] = [Number(values.mb) * 1e6, 50_000, 2000, 32, Number(values.turns)];

const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-bucket-"));
const server = await S3Server.s3rver(join(folder, "s3")).start();
mkdirSync(join(folder, "small"));
// Bytes that differ from place to place, so that no part is like another.
const noise = (bytes: number, seed: number) =>
  Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, i) => Math.imul(i + seed, 2654435761) ^ (i >>> 7)).buffer);
writeFileSync(join(folder, "large"), noise(LARGE, 1));
for (let i = 0; i < FILES; i++) writeFileSync(join(folder, "small", `${i}`), noise(SMALL, i));

/** boto3 as its documentation has it: managed transfers for the large file, a pool of threads with one client for the small ones. */
const peer = `
import boto3, os, sys, time
from concurrent.futures import ThreadPoolExecutor
from botocore.config import Config
folder, endpoint, bucket = sys.argv[1:4]
client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id="S3RVER", aws_secret_access_key="S3RVER", region_name="us-east-1",
  config=Config(max_pool_connections=${AT_ONCE}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required", response_checksum_validation="when_required"))
os.makedirs(folder + "/py", exist_ok=True)
def timed(name, work):
    began = time.perf_counter(); work(); print(name, time.perf_counter() - began, flush=True)
def pool(work):
    with ThreadPoolExecutor(${AT_ONCE}) as threads: list(threads.map(work, range(${FILES})))
timed("upload large", lambda: client.upload_file(folder + "/large", bucket, "py/large"))
timed("download large", lambda: client.download_file(bucket, "py/large", folder + "/py/large"))
timed("upload small", lambda: pool(lambda i: client.upload_file(f"{folder}/small/{i}", bucket, f"py/small/{i}")))
timed("download small", lambda: pool(lambda i: client.download_file(bucket, f"py/small/{i}", f"{folder}/py/{i}")))
`;

async function ours(): Promise<Map<string, number>> {
  const bucket = new S3Bucket(server.bucket, { endpoint: server.endpoint, accessKeyId: "S3RVER", secretAccessKey: "S3RVER" });
  const seconds = new Map<string, number>();
  const timed = async (name: string, work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    seconds.set(name, (performance.now() - began) / 1000);
  };
  const each = (work: (i: number) => Promise<unknown>) =>
    inParallel(
      Array.from({ length: FILES }, (_, i) => i),
      AT_ONCE,
      async (i) => void (await work(i)),
    );
  await timed("upload large", () => bucket.upload(join(folder, "large"), "ts/large"));
  await timed("download large", () => bucket.download("ts/large", join(folder, "ts", "large")));
  await timed("upload small", () => each((i) => bucket.upload(join(folder, "small", `${i}`), `ts/small/${i}`)));
  await timed("download small", () => each((i) => bucket.download(`ts/small/${i}`, join(folder, "ts", `${i}`))));
  bucket.close();
  return seconds;
}

function theirs(): Map<string, number> {
  const said = execFileSync(values.python, ["-c", peer, folder, server.endpoint, server.bucket], { encoding: "utf8" });
  return new Map(
    said
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

const all: { readonly ours: Map<string, number>; readonly theirs: Map<string, number> }[] = [];
for (let turn = 0; turn < turns; turn++) {
  const first = turn % 2 ? theirs() : await ours();
  const second = turn % 2 ? await ours() : theirs();
  all.push(turn % 2 ? { ours: second, theirs: first } : { ours: first, theirs: second });
}
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
console.log("| | seconds | boto3, seconds | ratio |\n| --- | --- | --- | --- |");
for (const name of all[0]!.ours.keys()) {
  const [mine, peers] = [median(all.map(({ ours }) => ours.get(name)!)), median(all.map(({ theirs }) => theirs.get(name)!))];
  console.log(`| ${name} | ${mine.toFixed(2)} | ${peers.toFixed(2)} | ${(peers / mine).toFixed(2)} x |`);
}
await server.stop();
rmSync(folder, { recursive: true });
