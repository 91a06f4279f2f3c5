/** A small ZIP archive for tests, stored or deflated. Layout: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
import { crc32, deflateRawSync } from "node:zlib";

export function zipOf(files: Readonly<Record<string, Uint8Array>>, { deflate = false } = {}): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const data = deflate ? deflateRawSync(content) : Buffer.from(content);
    const path = Buffer.from(name);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(deflate ? 8 : 0, 4);
    head.writeUInt32LE(crc32(content), 10);
    head.writeUInt32LE(data.length, 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(path.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    locals.push(Buffer.from("PK\x03\x04"), head, path, data);
    central.push(Buffer.from("PK\x01\x02\x14\x00"), head, place, path);
    offset += 30 + path.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  const many = locals.length / 4 > 0xffff;
  end.writeUInt16LE(many ? 0xffff : locals.length / 4, 4);
  end.writeUInt16LE(many ? 0xffff : locals.length / 4, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  const wide = many ? [wideEnd(locals.length / 4, directory.length, offset)] : [];
  return Buffer.concat([...locals, directory, ...wide, Buffer.from("PK\x05\x06"), end]);
}

/** Of more files than 16 bits count: the record of ZIP64 and where it is. */
function wideEnd(count: number, length: number, offset: number): Buffer {
  const record = Buffer.alloc(52);
  record.writeUInt32LE(44, 0);
  record.writeUInt16LE(45, 8);
  record.writeUInt16LE(45, 10);
  for (const [i, value] of [count, count, length, offset].entries()) record.writeBigUInt64LE(BigInt(value), 20 + 8 * i);
  const locator = Buffer.alloc(16);
  locator.writeBigUInt64LE(BigInt(offset + length), 4);
  locator.writeUInt32LE(1, 12);
  return Buffer.concat([Buffer.from("PK\x06\x06"), record, Buffer.from("PK\x06\x07"), locator]);
}
