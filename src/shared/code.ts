/** Where the program lies, compiled or as its sources. Only this file knows, as bundling moves all others. */
const root = new URL("..", import.meta.url);

const compiled = import.meta.url.endsWith(".js");

/** A file of the program. @param path below src, or below dist */
export const inProgram = (path: string): URL => new URL(path, root);

/** A file that comes with the program. @param path below the folder of package.json */
export const inPackage = (path: string): URL => new URL(`../${path}`, root);

/** What a thread or a process can begin with. @param module below src, without its ending */
export const entry = (module: string): { readonly url: URL; readonly compiled: boolean } => ({
  url: inProgram(`${module}.${compiled ? "js" : "ts"}`),
  compiled,
});
