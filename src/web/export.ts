/** Tables and pictures as files: CSV and JSON of values, SVG and PNG of what is drawn as SVG. */

type Value = string | number | boolean | null | undefined;

/** What a spreadsheet would take for a formula. */
const formula = /^[=+\-@\t\r]/;

function field(value: Value): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** By RFC 4180. A text that a spreadsheet would compute gets an apostrophe before it. */
export const csv = (head: readonly string[], rows: readonly (readonly Value[])[]): string =>
  [head, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");

/** A list of objects, one a row. */
export const json = (head: readonly string[], rows: readonly (readonly Value[])[]): string =>
  `${JSON.stringify(
    rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? null]))),
    null,
    2,
  )}\n`;

/** Gives a file to whoever looks at the page, under a name that every file system takes. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const saveText = (name: string, type: "text/csv" | "application/json", text: string): void =>
  save(name, new Blob([text], { type: `${type};charset=utf-8` }));

/** What a picture on its own has no style sheet for. */
const painted = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "paint-order",
];

/** A picture by itself: colours as they are computed here, on the page's background. */
export function svgText(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const copies = copy.querySelectorAll<SVGElement>("*");
  for (const [i, element] of svg.querySelectorAll<SVGElement>("*").entries()) {
    const [style, to] = [getComputedStyle(element), copies[i]!];
    for (const name of painted) to.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "href"]) to.removeAttribute(name);
  }
  for (const only of copy.querySelectorAll("[data-screen-only]")) only.remove();
  const { width, height } = svg.viewBox.baseVal;
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor }))
    ground.setAttribute(name, value);
  copy.prepend(ground);
  copy.removeAttribute("class");
  copy.removeAttribute("style");
  for (const [name, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width: `${width}`, height: `${height}` }))
    copy.setAttribute(name, value);
  return new XMLSerializer().serializeToString(copy);
}

/** Pixels of a picture for each of its units, so that it is sharp in print. */
const SCALE = 2;

export const svgBlob = (text: string): Blob => new Blob([text], { type: "image/svg+xml" });

/** @param text of an SVG picture that has a width and a height */
export async function pngBlob(text: string): Promise<Blob> {
  const image = new Image();
  image.src = URL.createObjectURL(svgBlob(text));
  try {
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = SCALE * image.naturalWidth;
    canvas.height = SCALE * image.naturalHeight;
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) =>
      canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("the picture cannot be drawn"))), "image/png"),
    );
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
