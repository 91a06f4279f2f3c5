/** Stored pixels as a picture that any page or mail shows. */

/** Longest side in a data URI; larger pictures are shrunk. */
const SIDE = 96;

/**
 * @param pixels bytes, channel by channel: [channels, height, width]; more channels than grey or RGB are left out
 * @param most pixels of the longest side
 */
export async function pngOf(pixels: Uint8Array, [stored, height, width]: readonly number[], most: number): Promise<Buffer> {
  const { default: sharp } = await import("sharp"); // libvips: 50 ms, only when it is needed
  const channels = stored! < 3 ? 1 : 3;
  const plane = height! * width!;
  const interleaved = new Uint8Array(channels * plane);
  for (let c = 0; c < channels; c++) for (let i = 0; i < plane; i++) interleaved[i * channels + c] = pixels[c * plane + i]!;
  const picture = sharp(interleaved, { raw: { width: width!, height: height!, channels } });
  const shown = Math.max(height!, width!) > most ? picture.resize(most, most, { fit: "inside" }) : picture;
  return shown.png().toBuffer();
}

export const pictureUri = async (pixels: Uint8Array, shape: readonly number[]): Promise<string> =>
  `data:image/png;base64,${(await pngOf(pixels, shape, SIDE)).toString("base64")}`;
