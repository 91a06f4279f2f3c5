import "./strict.ts";
import "@mantine/core/styles.css";
import "./style.css";
import { createTheme, MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queries } from "./api.ts";
import { router } from "./router.tsx";

/** The policy of the page allows the style elements that have it. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')!.content;
// What keeps the page below a dialog from scrolling (react-remove-scroll) looks for it under this name.
Object.assign(globalThis, { __webpack_nonce__: nonce });
const theme = createTheme({
  primaryColor: "blue",
  primaryShade: 8,
  defaultRadius: "md",
  respectReducedMotion: true,
  cursorType: "pointer",
});

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
