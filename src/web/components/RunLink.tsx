/** A run among others: its number, as names may be equal, and its name. */
import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { RunSummary } from "../../shared/api/schemas.ts";

export function RunLink({ run: { id, number, name } }: { readonly run: Pick<RunSummary, "id" | "number" | "name"> }) {
  return (
    <Anchor component={Link} to={`/runs/${id}`} underline="always" size="sm" className="name">
      #{number} {name}
    </Anchor>
  );
}
