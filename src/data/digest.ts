/** The digest that names content. */
import { createHash } from "node:crypto";

export const sha256 = (data: string | NodeJS.ArrayBufferView): string => createHash("sha256").update(data).digest("hex");
