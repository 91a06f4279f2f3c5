/** A sheet of an Excel workbook (.xlsx, ECMA-376) as CSV, so that all tables are read alike. */
import { open } from "yauzl";
import { fail } from "../../shared/errors.ts";

/** A workbook is read whole, so it has a limit, unpacked. */
const MOST_BYTES = 256 * 2 ** 20;
const MOST_ENTRIES = 10_000;

/**
 * @param path as it was given, for messages
 * @param file where it is
 * @param sheet its name or number from 1; the first when empty
 * @throws BAD_FILE
 */
export async function sheetToCsv(path: string, file: string, sheet: string): Promise<string> {
  const bad = (want: string, got: string, fix: string, cause?: unknown) => fail("BAD_FILE", { path, want, got, fix }, cause);
  const notExcel = (got: string, cause?: unknown) =>
    bad("an Excel workbook (.xlsx)", got, "Save the table as CSV or .xlsx; give pictures in a ZIP to the dataset `pictures`.", cause);
  const { names, bytes } = await contents(file).catch((cause: Error) => {
    throw notExcel(`cannot be unpacked (${cause.message})`, cause);
  });
  if (!names.includes("xl/workbook.xml")) throw notExcel("is another kind of ZIP archive");
  if (bytes > MOST_BYTES)
    throw bad(`a workbook of at most ${MOST_BYTES / 2 ** 20} MiB, unpacked`, `has ${Math.ceil(bytes / 2 ** 20)}`, "Save the sheet as CSV.");
  const { default: readSheets } = await import("read-excel-file/node");
  const sheets = await readSheets(file).catch((cause: Error) => {
    throw notExcel(`cannot be read (${cause.message})`, cause);
  });
  const chosen = sheet === "" ? sheets[0] : (sheets.find((one) => one.sheet === sheet) ?? sheets[Number(sheet) - 1]);
  if (!chosen) throw bad(`a workbook with the sheet "${sheet}"`, `has ${sheets.map((one) => one.sheet).join(", ")}`, "Choose one of its sheets.");
  return chosen.data.map((row) => row.map(cell).join(",")).join("\n");
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  // A day has no time in a sheet.
  const text =
    value instanceof Date
      ? value
          .toISOString()
          .replace(/T00:00:00\.000Z$/, "")
          .replace("T", " ")
          .replace(/\.000Z$/, "")
      : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What is in a ZIP archive, and how large it says it is unpacked. */
function contents(file: string): Promise<{ names: string[]; bytes: number }> {
  return new Promise((done, failed) => {
    open(file, { lazyEntries: true }, (error, zip) => {
      if (error) return failed(error);
      const names: string[] = [];
      let bytes = 0;
      zip.on("error", failed);
      zip.on("entry", (entry) => {
        names.push(entry.fileName);
        bytes += entry.uncompressedSize;
        if (names.length <= MOST_ENTRIES) return zip.readEntry();
        zip.close();
        failed(new Error(`it has more than ${MOST_ENTRIES} entries`));
      });
      zip.on("end", () => done({ names, bytes }));
      zip.readEntry();
    });
  });
}
