/** A picture file as planes of a size. What it is its content decides, not its name. The only file that imports sharp. */
import { isBmp, readBmp } from "./bmp.ts";
import { shrunkJpeg } from "./jpeg.ts";
import { type Planes, resized } from "./planes.ts";
import { plainPng } from "./png.ts";

const formats = ["jpeg", "png", "webp", "gif", "tiff", "heif"];
const greys = ["b-w", "grey16"];
/** 8192 x 8192: more is no photograph, but a file made to fill the memory. */
export const mostPixels = 2 ** 26;

/** Up to so many pixels a picture is decoded as it is, and brought to its size here. */
const WHOLE_PIXELS = 2 ** 18;

/** What a file was, upright. */
export interface Found {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** Transparency included. */
  readonly channels: number;
}
export interface Decoded extends Found {
  readonly planes: Planes;
}

/**
 * Reads the first picture of a file.
 * - It is turned upright (EXIF) and stretched to the size, whatever its proportions: nothing is cut off and no border invented.
 *   Each new pixel is the mean of the old ones under a triangle; of a JPEG several times as large, its lowest frequencies are taken first.
 * - Grey stays grey; everything else becomes sRGB, 8 bits a channel. What is transparent becomes white, like paper.
 * Libraries have a price for each picture, so that the usual small ones are read here.
 * @throws Error that says what is wrong with it
 */
export async function decode(bytes: Buffer, width: number, height: number): Promise<Decoded> {
  const jpeg = shrunkJpeg(bytes, width, height);
  if (jpeg) return { planes: resized(jpeg, width, height, jpeg.extent), format: "jpeg", channels: jpeg.channels, ...jpeg.from };
  const png = plainPng(bytes);
  if (png) return { planes: resized(png, width, height), format: "png", channels: png.samples, width: png.width, height: png.height };
  if (isBmp(bytes)) {
    const bmp = readBmp(bytes, mostPixels);
    return { planes: resized(bmp, width, height), format: "bmp", channels: 3, width: bmp.width, height: bmp.height };
  }
  return bySharp(bytes, width, height);
}

async function bySharp(bytes: Buffer, width: number, height: number): Promise<Decoded> {
  const { default: sharp } = await import("sharp"); // libvips: 50 ms, only when it is needed
  const picture = sharp(bytes, { limitInputPixels: mostPixels, failOn: "error" });
  const { format, channels: samples, space, autoOrient } = await picture.metadata();
  if (!formats.includes(format)) throw new Error(`its format is ${format}`);
  const found = { format, channels: samples, ...autoOrient };
  const upright = picture.autoOrient().flatten({ background: "white" });
  // A JPEG that sharp shrinks while it reads ends up to 7 pixels late: nothing for a large one.
  const sized = found.width * found.height <= WHOLE_PIXELS ? upright : upright.resize(width, height, { fit: "fill", kernel: "linear" });
  const { data, info } = await sized
    .toColourspace(greys.includes(space) ? "b-w" : "srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const channels = info.channels as 1 | 3;
  const pixels = new Uint8Array(data.length);
  const size = info.width * info.height;
  for (let c = 0; c < channels; c++) for (let to = c * size, from = c; from < data.length; from += channels) pixels[to++] = data[from]!;
  return { ...found, planes: resized({ channels, height: info.height, width: info.width, pixels }, width, height) };
}
