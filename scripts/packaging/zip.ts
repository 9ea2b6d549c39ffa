import { unzipSync, zipSync } from 'fflate';

/** The date of all entries. Zip files contain local times, and no time zone changes its clocks at noon. */
const modified = () => new Date(1980, 0, 1, 12);
const regularFileReadableByAll = 0o100644;
const unix = 3;

/**
 * Zips files reproducibly, so that equal files give equal bytes: sorted by name, with one date, mode and compression.
 * @param files contents by path in the zip
 */
export function zip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return zipSync(Object.fromEntries(sorted), {
    level: 9,
    mtime: modified(),
    os: unix,
    attrs: regularFileReadableByAll << 16,
  });
}

/** The contents of a zip by path. */
export function unzip(bytes: Uint8Array): Map<string, Uint8Array> {
  return new Map(Object.entries(unzipSync(bytes)));
}
