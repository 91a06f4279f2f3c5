/** Where one can go from everywhere, and the letter that follows `g` to go there. */
import type { Me } from "../shared/api/schemas.ts";
import { mayAdminister, mayTrain } from "./rights.ts";
import { t } from "./texts.ts";

interface Place {
  readonly to: string;
  readonly label: string;
  readonly key: string;
  /** Whom it is for; all unless said. */
  readonly for?: (me: Me | undefined) => boolean;
}

const places = [
  { to: "/", label: t.nav.home, key: "h" },
  { to: "/datasets", label: t.nav.datasets, key: "d" },
  { to: "/train", label: t.nav.train, key: "t", for: mayTrain },
  { to: "/runs", label: t.nav.runs, key: "r" },
  { to: "/experiments", label: t.nav.experiments, key: "e" },
  { to: "/buckets", label: t.nav.buckets, key: "b", for: mayAdminister },
  { to: "/admin", label: t.nav.admin, key: "a", for: mayAdminister },
] as const satisfies readonly Place[];

export const placesOf = (me: Me | undefined): readonly Place[] => places.filter((place: Place) => place.for?.(me) ?? true);
