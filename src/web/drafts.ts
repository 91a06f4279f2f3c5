/** What was typed and not sent: kept by the tab, so that a reload, a lost connection or a login that ends loses none of it. */
import { type SetStateAction, useCallback, useState } from "react";

/** @returns undefined where nothing is kept, or storage is not allowed */
function kept<T>(key: string): T | undefined {
  try {
    const text = sessionStorage.getItem(key);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

function keep(key: string, draft: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // Without room it lives as long as the page.
  }
}

/**
 * State that outlives the page from its first change on.
 * @param key of what is filled in, and by whom
 * @param begin what it is at first, from what was kept
 * @returns the state, how it is changed, and how it is forgotten once it was sent
 */
export function useDraft<T>(key: string, begin: (kept: T | undefined) => T): readonly [T, (change: SetStateAction<T>) => void, () => void] {
  const [draft, setDraft] = useState(() => begin(kept<T>(key)));
  const change = useCallback(
    (next: SetStateAction<T>) =>
      setDraft((before) => {
        const now = next instanceof Function ? next(before) : next;
        keep(key, now);
        return now;
      }),
    [key],
  );
  const forget = useCallback(() => sessionStorage.removeItem(key), [key]);
  return [draft, change, forget];
}
