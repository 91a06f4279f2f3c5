/** Which keys lead where, and whether they do. */
import { Kbd, Modal, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { meQuery } from "../api.ts";
import { placesOf } from "../places.ts";
import { overlayKeys, useSingleKeys } from "../shortcuts.ts";
import { t } from "../texts.ts";
import { Lines } from "./Lines.tsx";

export function Keys({ close }: { readonly close: () => void }) {
  const [single, setSingle] = useSingleKeys();
  const { data: me } = useQuery(meQuery);
  const keys = [
    ...overlayKeys.map(({ shown, label }) => ({ shown, label })),
    ...placesOf(me).map(({ key, label }) => ({ shown: `g ${key}`, label })),
  ];
  return (
    <Modal opened onClose={close} title={t.keys.title} closeButtonProps={{ "aria-label": t.close }}>
      <Lines
        columns={[{ label: t.keys.key }, { label: t.keys.does }]}
        rows={keys.map(({ shown, label }) => [shown, <Kbd key="key">{shown}</Kbd>, label])}
        minWidth={200}
      />
      <Switch
        mt="md"
        checked={single}
        onChange={({ currentTarget }) => setSingle(currentTarget.checked)}
        label={t.keys.single}
        description={t.keys.singleHint}
      />
    </Modal>
  );
}
