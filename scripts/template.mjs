/** The last step of the build: the empty database cluster, which a first start would take seconds to make. */
import { writeFileSync } from "node:fs";
import { template } from "../dist/server/database/template.js";

writeFileSync(new URL("../dist/server/database/template.br", import.meta.url), await template());
