/** A picture file as the bytes that a picture model takes. */
import { fail } from "../shared/errors.ts";
import { readBytes } from "./files.ts";

const formats = ["jpeg", "png", "webp", "gif", "tiff", "heif"];
/** 8192 x 8192: more is no photograph, but a file made to fill the memory. */
const mostPixels = 2 ** 26;

/**
 * Reads a picture, the content of a file or the file of a path, as [channels, height, width], bytes: grey for one channel, RGB for three.
 * - It is turned upright (EXIF) and stretched to the size, whatever its proportions: nothing is cut off and no border invented.
 * - What is transparent becomes white, like paper. Nothing is inverted: MNIST's digits are light on dark, and so must be what is shown to its models.
 */
export async function readPicture(from: string | Uint8Array, [channels, height, width]: readonly [number, number, number]): Promise<Uint8Array> {
  if (channels !== 1 && channels !== 3)
    throw fail("BAD_PARAMETER", { where: "readPicture", name: "channels", want: "1 (grey) or 3 (RGB)", got: `${channels}` });
  const [path, bytes] = typeof from === "string" ? [from, await readBytes(from, "picture", "Check the path.")] : ["the picture", from];
  const { default: sharp } = await import("sharp"); // libvips: 50 ms, only when a picture is read
  const pixels = await decode().catch((cause: Error) => {
    const fix = `Save it as JPEG, PNG, WebP, GIF, TIFF or AVIF, of at most ${mostPixels} pixels.`;
    throw fail("BAD_FILE", { path, want: "a picture", got: `cannot be read as one (${cause.message.split("\n")[0]})`, fix }, cause);
  });
  const planes = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) planes[(i % channels) * height * width + Math.floor(i / channels)] = pixels[i] as number;
  return planes;

  /** [height, width, channels] */
  async function decode(): Promise<Buffer> {
    const picture = sharp(bytes, { limitInputPixels: mostPixels });
    const { format } = await picture.metadata();
    if (!formats.includes(format)) throw new Error(`its format is ${format}`);
    return picture
      .autoOrient()
      .flatten({ background: "white" })
      .resize(width, height, { fit: "fill" })
      .toColourspace(channels === 1 ? "b-w" : "srgb")
      .raw({ depth: "uchar" })
      .toBuffer();
  }
}
