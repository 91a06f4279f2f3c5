/** Pictures as planes of bytes, between their files and a network: brought to a size and to grey or colour. */

/** [channels, height, width]: grey, or red, green and blue. */
export interface Planes {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/** Of each new pixel along a side: the first old one that counts for it, and how much each from there on does. */
interface Taps {
  readonly count: number;
  readonly first: Int32Array;
  /** [new pixels, count] */
  readonly weights: Float32Array;
}

const MOST_KEPT = 64;
const kept = new Map<string, Taps>();

/**
 * A triangle around the place of each new pixel, as wide as that pixel at least.
 * @param extent how many of the old ones are brought to the new ones; of the last it may be a part
 */
function taps(from: number, to: number, extent: number): Taps {
  const key = `${from} ${to} ${extent}`;
  const known = kept.get(key);
  if (known) return known;
  const scale = extent / to;
  const reach = Math.max(scale, 1);
  const count = Math.min(from, Math.ceil(2 * reach) + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    first[i] = Math.max(0, Math.min(from - count, Math.floor(centre - reach)));
    const row = Array.from({ length: count }, (_, t) => Math.max(0, 1 - Math.abs(first[i]! + t + 0.5 - centre) / reach));
    const total = row.reduce((a, b) => a + b, 0);
    for (const [t, weight] of row.entries()) weights[i * count + t] = weight / total;
  }
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(key, { count, first, weights });
  return { count, first, weights };
}

/**
 * Brings a picture to a size: each new pixel is the mean of the old ones under a triangle, as Pillow and PyTorch (antialias) do it.
 * @param extent of the picture in its pixels, where the last are there in part
 */
export function resized(picture: Planes, width: number, height: number, extent: { width: number; height: number } = picture): Planes {
  if (extent.width === width && extent.height === height) return picture;
  const { channels, pixels } = picture;
  const [across, down] = [taps(picture.width, width, extent.width), taps(picture.height, height, extent.height)];
  const narrow = new Float32Array(picture.height * width);
  const result = new Uint8ClampedArray(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < picture.height; y++)
      for (let x = 0; x < width; x++) {
        const from = (c * picture.height + y) * picture.width + across.first[x]!;
        let sum = 0;
        for (let t = 0; t < across.count; t++) sum += across.weights[x * across.count + t]! * pixels[from + t]!;
        narrow[y * width + x] = sum;
      }
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const from = down.first[y]! * width + x;
        let sum = 0;
        for (let t = 0; t < down.count; t++) sum += down.weights[y * down.count + t]! * narrow[from + t * width]!;
        result[(c * height + y) * width + x] = sum;
      }
  }
  return { channels, height, width, pixels: new Uint8Array(result.buffer) };
}

/** Grey by ITU-R BT.601, or three equal channels of one; the bytes [channels, height, width] to an array at a place. */
export function putChannels({ channels: has, pixels, height, width }: Planes, channels: 1 | 3, into: Uint8Array, start: number): void {
  const size = height * width;
  if (has === channels) into.set(pixels, start);
  else if (has === 1) for (let c = 0; c < channels; c++) into.set(pixels, start + c * size);
  else for (let i = 0; i < size; i++) into[start + i] = Math.round(0.299 * pixels[i]! + 0.587 * pixels[size + i]! + 0.114 * pixels[2 * size + i]!);
}

/** A value on white paper. @param opaque 0 to 255 */
export const white = (value: number, opaque: number): number => Math.round((value * opaque + 255 * (255 - opaque)) / 255);
