/** Texts of others' making, one after the other: the direction in which one is written does not turn those beside it. */
import { Fragment } from "react";

export function Apart({ texts }: { readonly texts: readonly string[] }) {
  return texts.map((text, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: equal texts may stand side by side
    <Fragment key={i}>
      {i > 0 && ", "}
      <bdi>{text}</bdi>
    </Fragment>
  ));
}
