/** LevelDB stores CRCs masked, because a CRC over data that holds CRCs is weak. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
