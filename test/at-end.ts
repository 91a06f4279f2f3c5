/** What is to be done when the tests of a file are over, however late that turned out: a hook that is added while a test runs is never called. */
import { afterAll } from "vitest";

const chores: (() => unknown)[] = [];
afterAll(async () => {
  for (const chore of chores.splice(0).reverse()) await chore();
});

/** The last that was begun is ended first. */
export const atEnd = (chore: () => unknown): void => void chores.push(chore);
