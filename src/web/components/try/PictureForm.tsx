/** A picture to predict from: drawn, dropped or chosen, or seen by the camera. */
import { FileInput, Group, Image, Paper, SegmentedControl, Stack, Text } from "@mantine/core";
import { type DragEvent, type ReactNode, useEffect, useState } from "react";
import { addressOf, base64In } from "../../pictures.ts";
import { t } from "../../texts.ts";
import { Camera } from "./Camera.tsx";
import { Draw } from "./Draw.tsx";

interface PictureFormProps {
  /** Of the pictures that the model was trained on: [channels, height, width]. */
  readonly shape: readonly number[];
  /** A picture to begin with, by its place in the test split. */
  readonly given: { readonly row: number; readonly address: string } | undefined;
  /** @param picture base64 */
  readonly predict: (picture: string) => void;
  /** What was predicted holds no longer. */
  readonly forget: () => void;
  /** Whether the pictures are light on dark. */
  readonly dark: boolean;
  readonly children: ReactNode;
}

export function PictureForm({ shape, given, predict, forget, dark, children }: PictureFormProps) {
  // What is drawn has no colours.
  const ways = [...(shape[0] === 1 ? (["draw"] as const) : []), "file", "camera"] as const;
  const [way, setWay] = useState<(typeof ways)[number]>(ways[0]!);
  const [address, setAddress] = useState<string>();
  const [file, setFile] = useState<File | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a picture is given once, by its place
  useEffect(() => {
    if (!given) return;
    setWay("file");
    setFile(null);
    setAddress(given.address);
    predict(base64In(given.address));
  }, [given?.row]);
  const take = async (taken: File | null) => {
    forget();
    setFile(taken);
    setAddress(undefined);
    if (!taken) return;
    const read = await addressOf(taken);
    setAddress(read);
    predict(base64In(read));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const [dropped] = event.dataTransfer.files;
    if (!dropped) return;
    setWay("file");
    void take(dropped);
  };
  return (
    <Paper withBorder p="md" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <Stack gap="sm">
        <Group>
          <SegmentedControl
            aria-label={t.tryIt.picture.how}
            data={ways.map((value) => ({ value, label: t.tryIt.picture.ways[value] }))}
            value={way}
            onChange={(to) => {
              forget();
              setWay(to as typeof way);
            }}
          />
          {children}
        </Group>
        {way === "draw" && <Draw shape={shape} dark={dark} predict={predict} forget={forget} />}
        {way === "camera" && <Camera predict={predict} />}
        {way === "file" && (
          <>
            <FileInput
              label={t.tryIt.picture.file}
              description={t.tryIt.picture.drop}
              accept="image/*"
              value={file}
              onChange={(chosen) => void take(chosen)}
              clearable
              clearButtonProps={{ "aria-label": t.tryIt.clear }}
            />
            {address && <Image src={address} alt={t.tryIt.picture.shown} w={196} h={196} fit="contain" className="pixels" />}
          </>
        )}
        {way === "draw" && (
          <Text size="sm" c="dimmed">
            {t.tryIt.picture.otherwise}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}
