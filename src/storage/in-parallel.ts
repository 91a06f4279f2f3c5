/** Work on many things, some at a time. */

/**
 * Waits for all that was begun, then throws the first failure; after it nothing more is begun.
 * @example await inParallel(files, 32, (file) => upload(file));
 */
export async function inParallel<T>(items: Iterable<T> | AsyncIterable<T>, most: number, work: (item: T) => Promise<void>): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const busy = new Set<Promise<void>>();
  for await (const item of items) {
    if (failure) break;
    const one = work(item)
      .catch((error) => {
        failure ??= { error };
      })
      .finally(() => busy.delete(one));
    busy.add(one);
    if (busy.size >= most) await Promise.race(busy);
  }
  await Promise.all(busy);
  if (failure) throw failure.error;
}
