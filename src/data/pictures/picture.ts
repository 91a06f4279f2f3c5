/** One picture as the bytes that a picture model takes: those that an import would have made of it. */
import { fail } from "../../shared/errors.ts";
import { readBytes } from "../files.ts";
import { decode, mostPixels } from "./decode.ts";
import { putChannels } from "./planes.ts";

/** What to do about a file that is no picture. */
export const pictureFix = `Save it as JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, of at most ${mostPixels} pixels.`;

/**
 * Reads a picture, the content of a file or the file of a path, as [channels, height, width], bytes: grey for one channel, RGB for three.
 * Nothing is inverted: MNIST's digits are light on dark, and so must be what is shown to its models.
 * @throws FILE_NOT_FOUND, BAD_FILE, BAD_PARAMETER
 */
export async function readPicture(from: string | Uint8Array, [channels, height, width]: readonly [number, number, number]): Promise<Uint8Array> {
  if (channels !== 1 && channels !== 3)
    throw fail("BAD_PARAMETER", { where: "readPicture", name: "channels", want: "1 (grey) or 3 (RGB)", got: `${channels}` });
  const [path, bytes] = typeof from === "string" ? [from, await readBytes(from, "picture", "Check the path.")] : ["the picture", Buffer.from(from)];
  const { planes } = await decode(bytes, width, height).catch((cause: Error) => {
    throw fail("BAD_FILE", { path, want: "a picture", got: `cannot be read as one (${reasonOf(cause)})`, fix: pictureFix }, cause);
  });
  const pixels = new Uint8Array(channels * height * width);
  putChannels(planes, channels, pixels, 0);
  return pixels;
}

/** What a library says, in one line. */
export const reasonOf = (cause: Error): string => cause.message.split("\n")[0]!;
