/** Addresses of the web application's pages: the server answers each with the application, which shows the page. */
export const webPaths = [
  "/",
  "/datasets",
  "/datasets/*",
  "/train",
  "/runs",
  "/runs/*",
  "/compare",
  "/experiments",
  "/experiments/*",
  "/buckets",
  "/admin",
  "/me",
] as const;
