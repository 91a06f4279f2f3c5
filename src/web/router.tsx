/** Which page is at which address. Pages are loaded when they are gone to; what they show is in the address. */
import { Center, Loader, Text } from "@mantine/core";
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { z } from "zod";
import { splitNames } from "../shared/dataset.ts";
import { adminSearch } from "./admin-search.ts";
import { Failure } from "./components/Failure.tsx";
import { Shell } from "./components/Shell.tsx";
import { t } from "./texts.ts";

const root = createRootRoute({ component: Shell });
const at = { getParentRoute: () => root } as const;
/** A number in an address is a text all the same. */
const text = z.coerce.string().optional();

/** What is in an address may be typed by hand: what cannot be meant is as if it were not there. */
const word = z.coerce.string().optional().catch(undefined);
const words = z.array(z.coerce.string()).optional().catch(undefined);
/** A list, or conditions with a comma between them. */
const filters = z
  .preprocess((given) => (typeof given === "string" ? given.split(",").flatMap((one) => one.trim() || []) : given), z.array(z.string()).optional())
  .catch(undefined);

const homeRoute = createRoute({ ...at, path: "/", component: lazyRouteComponent(() => import("./pages/Home.tsx"), "Home") });
const datasetsRoute = createRoute({
  ...at,
  path: "/datasets",
  validateSearch: z.object({ q: z.coerce.string().optional() }),
  component: lazyRouteComponent(() => import("./pages/Datasets.tsx"), "Datasets"),
});
const datasetRoute = createRoute({
  ...at,
  path: "/datasets/$id",
  validateSearch: z.object({
    tab: z.string().optional(),
    split: z.enum(splitNames).optional(),
    label: z.coerce.string().optional(),
    text: z.coerce.string().optional(),
    offset: z.number().int().min(0).optional(),
    against: z.string().optional(),
  }),
  component: lazyRouteComponent(() => import("./pages/Dataset.tsx"), "Dataset"),
});
const trainRoute = createRoute({
  ...at,
  path: "/train",
  validateSearch: z.object({
    dataset: z.string().optional(),
    model: z.string().optional(),
    // Steps of preprocessing as JSON, which the router may have read already.
    steps: z
      .union([z.string(), z.array(z.unknown())])
      .transform((steps) => (typeof steps === "string" ? steps : JSON.stringify(steps)))
      .optional(),
    from: z.string().optional(),
  }),
  component: lazyRouteComponent(() => import("./pages/NewRun.tsx"), "NewRun"),
});
const runsRoute = createRoute({
  ...at,
  path: "/runs",
  validateSearch: z.object({ q: word, filter: filters, sort: word, columns: words, group: word, open: words }),
  component: lazyRouteComponent(() => import("./pages/Runs.tsx"), "Runs"),
});
const runRoute = createRoute({
  ...at,
  path: "/runs/$id",
  validateSearch: z.object({
    tab: z.string().optional(),
    charts: z.string().optional(),
    cell: z.string().optional(),
    record: z.number().int().min(0).optional(),
  }),
  component: lazyRouteComponent(() => import("./pages/Run.tsx"), "RunPage"),
});
const compareRoute = createRoute({
  ...at,
  path: "/compare",
  validateSearch: z.object({
    ids: words,
    series: word,
    q: word,
    filter: filters,
    view: z.enum(["beside", "parallel", "scatter"]).optional().catch(undefined),
    all: z.boolean().optional().catch(undefined),
    axes: words,
    x: word,
    y: word,
    color: word,
    brush: z
      .record(z.string(), z.tuple([z.number(), z.number()]))
      .optional()
      .catch(undefined),
    table: z.boolean().optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import("./pages/Compare.tsx"), "Compare"),
});
const experimentsRoute = createRoute({
  ...at,
  path: "/experiments",
  validateSearch: z.object({ search: text, dataset: text, model: text, tag: text }),
  component: lazyRouteComponent(() => import("./pages/Experiments.tsx"), "Experiments"),
});

const experimentRoute = createRoute({
  ...at,
  path: "/experiments/$id",
  validateSearch: z.object({ tab: z.string().optional() }),
  component: lazyRouteComponent(() => import("./pages/Experiment.tsx"), "ExperimentPage"),
});
const bucketsRoute = createRoute({
  ...at,
  path: "/buckets",
  validateSearch: z.object({ bucket: text, prefix: text }),
  component: lazyRouteComponent(() => import("./pages/Buckets.tsx"), "Buckets"),
});
const adminRoute = createRoute({
  ...at,
  path: "/admin",
  validateSearch: adminSearch,
  component: lazyRouteComponent(() => import("./pages/Admin.tsx"), "Admin"),
});

const meRoute = createRoute({ ...at, path: "/me", component: lazyRouteComponent(() => import("./pages/Me.tsx"), "Me") });

export const router = createRouter({
  routeTree: root.addChildren([
    homeRoute,
    datasetsRoute,
    datasetRoute,
    trainRoute,
    runsRoute,
    runRoute,
    compareRoute,
    experimentsRoute,
    experimentRoute,
    bucketsRoute,
    adminRoute,
    meRoute,
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: () => (
    <Center p="xl">
      <Loader aria-label={t.loading} />
    </Center>
  ),
  defaultErrorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
  defaultNotFoundComponent: () => <Text>{t.notFound}</Text>,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
