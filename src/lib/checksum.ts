/** The checksum of POSIX's cksum, which every node has. Pure. */

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80000000) === 0 ? crc << 1 : (crc << 1) ^ 0x04c11db7;
  return crc >>> 0;
});

/** Returns the CRC-32 with the polynomial 04c11db7, the length behind the bytes. */
export function checksum(bytes: Uint8Array): number {
  let crc = 0;
  const add = (byte: number): void => {
    crc = ((crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  };
  for (const byte of bytes) add(byte);
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) add(length & 0xff);
  return ~crc >>> 0;
}
