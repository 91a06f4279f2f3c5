/** A sheet to draw on with mouse, finger or pen; what is drawn is predicted while it is drawn. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { type PointerEvent, useEffect, useRef, useState } from "react";
import { type Point, pictureOf, type Stroke } from "../../drawing.ts";
import { base64In, pngOf } from "../../pictures.ts";
import { t } from "../../texts.ts";

/** Of the sheet's side, in pixels of its own; and of the pen. */
const SIDE = 280;
const PEN = 20;
/** A drawing that is smaller is not enlarged to a whole picture. */
const SMALLEST = SIDE / 8;
/** How long to wait for more before it is predicted, in milliseconds. */
const PAUSE = 120;

interface DrawProps {
  readonly shape: readonly number[];
  readonly dark: boolean;
  readonly predict: (picture: string) => void;
  readonly forget: () => void;
}

export function Draw({ shape, dark, predict, forget }: DrawProps) {
  const [, height = 1, width = 1] = shape;
  const sheet = useRef<HTMLCanvasElement>(null);
  const strokes = useRef<Stroke[]>([]);
  const drawing = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [seen, setSeen] = useState<string>();
  useEffect(() => () => clearTimeout(timer.current), []);

  const pen = () => {
    const to = sheet.current!.getContext("2d")!;
    to.lineWidth = PEN;
    to.lineCap = "round";
    to.lineJoin = "round";
    to.strokeStyle = dark ? "#fff" : "#000";
    return to;
  };
  const at = ({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): Point => {
    const { left, top, width: shown } = sheet.current!.getBoundingClientRect();
    return { x: ((clientX - left) * SIDE) / shown, y: ((clientY - top) * SIDE) / shown };
  };
  const look = () => {
    const ink = pictureOf(strokes.current, width, height, SMALLEST);
    const picture = pngOf(dark ? ink : ink.map((value) => 255 - value), shape);
    setSeen(picture);
    predict(base64In(picture));
  };
  const add = (points: readonly Point[]) => {
    const before = strokes.current.at(-1)!;
    const to = pen();
    to.beginPath();
    const from = before.at(-1) ?? points[0]!;
    to.moveTo(from.x, from.y);
    for (const { x, y } of points) to.lineTo(x, y);
    to.stroke();
    strokes.current = [...strokes.current.slice(0, -1), [...before, ...points]];
    clearTimeout(timer.current);
    timer.current = setTimeout(look, PAUSE);
  };
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drawing.current = true;
    strokes.current = [...strokes.current, []];
    add([at(event)]);
  };
  const move = (event: PointerEvent) => {
    if (!drawing.current) return;
    const all = event.nativeEvent.getCoalescedEvents?.() ?? [];
    add((all.length ? all : [event]).map(at));
  };
  const end = () => {
    drawing.current = false;
  };
  const clear = () => {
    clearTimeout(timer.current);
    strokes.current = [];
    setSeen(undefined);
    sheet.current!.getContext("2d")!.clearRect(0, 0, SIDE, SIDE);
    forget();
  };
  return (
    <Group align="start" gap="lg">
      <Stack gap="xs">
        <canvas
          ref={sheet}
          width={SIDE}
          height={SIDE}
          className={dark ? "sheet" : "sheet light"}
          role="img"
          aria-label={t.tryIt.picture.sheet}
          onPointerDown={begin}
          onPointerMove={move}
          onPointerUp={end}
          onPointerCancel={end}
        />
        <Group>
          <Button variant="default" size="xs" onClick={clear}>
            {t.tryIt.clear}
          </Button>
        </Group>
      </Stack>
      {seen && (
        <div>
          <Text size="sm" mb={4}>
            {t.tryIt.picture.seen}
          </Text>
          <img src={seen} alt={t.tryIt.picture.seen} width={112} height={112} className="pixels" />
        </div>
      )}
    </Group>
  );
}
