/** How many records each class has, in each split: searched and ordered, some at a time, as there may be ten thousands. */
import { Anchor, Button, Group, SegmentedControl, Stack, Text, TextInput, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Profile } from "../../shared/profile.ts";
import { classesBy, type Order, orders, sumOf } from "../classes.ts";
import { count } from "../format.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";

const SHOWN = 50;
/** Fewer are seen at a glance. */
const SEARCHED = 12;

export function Classes({ id, classes }: { readonly id: string; readonly classes: NonNullable<Profile["classes"]> }) {
  const [order, setOrder] = useState<Order>("given");
  const [text, setText] = useState("");
  const [shown, setShown] = useState(SHOWN);
  const most = classes.reduce((greatest, one) => Math.max(greatest, sumOf(one)), 1);
  const found = classesBy(classes, order, text);
  const some = found.slice(0, shown);
  return (
    <section aria-label={t.datasets.balance}>
      <Stack gap="xs">
        <Title order={2} size="h4">
          {t.datasets.balance}
        </Title>
        {classes.length > SEARCHED && (
          <Group align="end">
            <TextInput type="search" label={t.datasets.classSearch} value={text} onChange={(event) => setText(event.currentTarget.value)} />
            <SegmentedControl
              aria-label={t.datasets.classOrder}
              data={orders.map((value) => ({ value, label: t.datasets.classOrders[value] }))}
              value={order}
              onChange={(value) => setOrder(value as Order)}
            />
          </Group>
        )}
        {classes.length > SEARCHED && (
          <Text size="sm" role="status">
            {t.datasets.classesShown(count(some.length), count(found.length))}
          </Text>
        )}
        <Lines
          minWidth={420}
          columns={[
            { label: t.evaluation.class },
            { label: t.evaluation.support, width: "45%" },
            ...(["train", "validation", "test"] as const).map((split) => ({ label: t.datasets.split[split], numeric: true })),
          ]}
          rows={some.map((one) => [
            one.label,
            <Anchor
              key="label"
              underline="always"
              size="sm"
              renderRoot={(props) => <Link {...props} to="/datasets/$id" params={{ id }} search={{ label: one.label }} />}
            >
              {one.label}
            </Anchor>,
            <svg key="bar" width="100%" height="10" aria-hidden="true">
              <rect width={`${(100 * sumOf(one)) / most}%`} height="10" rx="3" fill="var(--series-1)" />
            </svg>,
            count(one.train),
            count(one.validation),
            count(one.test),
          ])}
        />
        {some.length < found.length && (
          <Group>
            <Button size="xs" variant="default" onClick={() => setShown(shown + SHOWN)}>
              {t.more}
            </Button>
          </Group>
        )}
      </Stack>
    </section>
  );
}
