/** What is drawn, as the pictures of MNIST are made: one size, centred by mass, grey (http://yann.lecun.com/exdb/mnist/). */

export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Stroke = readonly Point[];

/** Of the picture's side: what the drawing fills, 20 of 28 pixels. */
const BOX = 20 / 28;
/** Of the picture's side: half of how thick a pen is, and at least so many pixels. */
const PEN = 1.1 / 28;
const LEAST_PEN = 0.6;

/**
 * Pixels of strokes, whatever place and size they were drawn in: 255 ink, 0 paper, row by row.
 * @param smallest length below which a drawing is not enlarged further: a dot stays a dot
 */
export function pictureOf(strokes: readonly Stroke[], width: number, height: number, smallest: number): Uint8Array {
  const points = strokes.flat();
  if (!points.length) return new Uint8Array(width * height);
  const side = Math.min(width, height);
  const pen = Math.max(LEAST_PEN, PEN * side);
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right, top, bottom] = [least(xs), most(xs), least(ys), most(ys)];
  const scale = (BOX * side - 2 * pen) / Math.max(right - left, bottom - top, smallest);
  /** The strokes with a point of theirs in the middle of the picture. */
  const placed = (x: number, y: number) =>
    strokes.map((stroke) => stroke.map((point) => ({ x: width / 2 + scale * (point.x - x), y: height / 2 + scale * (point.y - y) })));
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const mass = centreOf(inked(placed(x, y), width, height, pen), width);
  /** From the middle of the drawing to its mass, as far as no ink is lost at the edge. */
  const shift = (by: number, extent: number, room: number) => {
    const most = Math.max(0, (room - scale * extent) / 2 - pen);
    return Math.min(most, Math.max(-most, by)) / scale;
  };
  const moved = placed(x + shift(mass.x - width / 2, right - left, width), y + shift(mass.y - height / 2, bottom - top, height));
  return Uint8Array.from(inked(moved, width, height, pen), (ink) => Math.round(255 * ink));
}

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

/** How much of each pixel is ink, 0 to 1: by how far its middle is from the nearest stroke. */
function inked(strokes: readonly Stroke[], width: number, height: number, pen: number): Float32Array {
  const ink = new Float32Array(width * height);
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      const [a, b] = [stroke[Math.max(0, i - 1)]!, stroke[i]!];
      // Only the pixels around the segment.
      const [fromX, toX] = [Math.floor(Math.min(a.x, b.x) - pen - 1), Math.ceil(Math.max(a.x, b.x) + pen + 1)];
      const [fromY, toY] = [Math.floor(Math.min(a.y, b.y) - pen - 1), Math.ceil(Math.max(a.y, b.y) + pen + 1)];
      for (let y = Math.max(0, fromY); y < Math.min(height, toY); y++) {
        for (let x = Math.max(0, fromX); x < Math.min(width, toX); x++) {
          const covered = Math.min(1, Math.max(0, pen + 0.5 - distance(x + 0.5, y + 0.5, a, b)));
          const at = y * width + x;
          if (covered > ink[at]!) ink[at] = covered;
        }
      }
    }
  }
  return ink;
}

/** From a point to a segment. */
function distance(x: number, y: number, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const along = length ? Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length)) : 0;
  return Math.hypot(x - a.x - along * dx, y - a.y - along * dy);
}

/** Centre of mass. */
function centreOf(ink: Float32Array, width: number): Point {
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < ink.length; i++) {
    sum += ink[i]!;
    x += ink[i]! * ((i % width) + 0.5);
    y += ink[i]! * (Math.floor(i / width) + 0.5);
  }
  return { x: x / sum, y: y / sum };
}

/** Pixels of [channels, height, width] as a canvas takes them. */
export function rgbaOf(pixels: Uint8Array, [channels = 1, height = 0, width = 0]: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
  const size = height * width;
  const rgba = new Uint8ClampedArray(4 * size).fill(255);
  for (let i = 0; i < size; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = pixels[(channels === 3 ? c * size : 0) + i]!;
  return rgba;
}
