/** Takes files that are dropped anywhere on the page. */
import { Overlay, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { t } from "../texts.ts";

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

export function DropZone({ dropped }: { readonly dropped: (files: readonly File[]) => void }) {
  const [over, setOver] = useState(false);
  const take = useRef(dropped);
  take.current = dropped;
  useEffect(() => {
    // Enter and leave are told of every element on the way.
    let depth = 0;
    const listeners = {
      dragenter: () => setOver(++depth > 0),
      dragleave: () => setOver(--depth > 0),
      dragover: () => {},
      drop: (event: DragEvent) => {
        depth = 0;
        setOver(false);
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length) take.current(files);
      },
    };
    const heard = Object.entries(listeners).map(([name, listener]) => {
      const handle = (event: Event) => {
        if (!hasFiles(event as DragEvent)) return;
        event.preventDefault();
        listener(event as DragEvent);
      };
      document.addEventListener(name, handle);
      return () => document.removeEventListener(name, handle);
    });
    return () => {
      for (const off of heard) off();
    };
  }, []);
  if (!over) return null;
  return (
    <Overlay fixed backgroundOpacity={0.6} zIndex={300} center aria-hidden="true">
      <Text size="xl" fw={700} c="white">
        {t.datasets.dropHere}
      </Text>
    </Overlay>
  );
}
