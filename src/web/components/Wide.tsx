/** What is wider than a narrow screen, and is scrolled there, by keyboard too. */
import { Box } from "@mantine/core";
import type { ReactNode } from "react";

export function Wide({ minWidth, children }: { readonly minWidth: number; readonly children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
    <div className="wide" tabIndex={0}>
      <Box miw={minWidth}>{children}</Box>
    </div>
  );
}
