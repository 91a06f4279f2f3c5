/** Pictures as the API takes them. */
import { rgbaOf } from "./drawing.ts";

/** A picture of these pixels, [channels, height, width], as the address of a PNG. */
export function pngOf(pixels: Uint8Array, shape: readonly number[]): string {
  const [, height = 1, width = 1] = shape;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")!.putImageData(new ImageData(rgbaOf(pixels, shape), width, height), 0, 0);
  return canvas.toDataURL("image/png");
}

/** The base64 of a data address. */
export const base64In = (address: string): string => address.slice(address.indexOf(",") + 1);

/** The bytes of a base64 text. */
export const bytesIn = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

export const addressOf = (file: Blob): Promise<string> =>
  new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
