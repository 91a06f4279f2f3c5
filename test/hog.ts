/** A process that does what the file of somebody bad might make it do. Forked by the tests of confinement; a message says what. */
import { endWithParent } from "../src/worker/with-parent.ts";

endWithParent();
const kept: unknown[] = [];
const deeds: Readonly<Record<string, () => void>> = {
  heap() {
    for (;;) kept.push({ one: kept.length });
  },
  memory() {
    setInterval(() => kept.push(Buffer.alloc(50 * 2 ** 20, 1)), 20);
  },
  spin() {
    for (;;);
  },
  crash() {
    process.stderr.write("something is very wrong\n", () => process.kill(process.pid, "SIGSEGV"));
  },
};
process.on("message", (deed: string) => deeds[deed]!());
process.send!("ready");
