/** A certificate of its own for tests of TLS, made by openssl. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

export const available = ((): boolean => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("openssl is not there: TLS is not tested");
    return false;
  }
})();

/** @returns the paths of the two files, for trainyard.example and a day */
export function makeCertificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const name = ["-subj", "/CN=trainyard.example", "-addext", "subjectAltName=DNS:trainyard.example"];
  execFileSync("openssl", ["req", ...kind, ...name, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { cert, key };
}
