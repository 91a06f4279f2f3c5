/** Times as fields of forms have them: of the place where one is, to the second, without a zone. */
const two = (n: number): string => String(n).padStart(2, "0");

export function toField(iso: string | undefined): string {
  if (!iso) return "";
  const d = new Date(iso);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** Nothing for what is empty or no time. */
export function fromField(text: string): string | undefined {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
