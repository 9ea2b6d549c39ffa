/** Cuts a list into chunks, in order, none longer than `size`. */
export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

/**
 * Cuts a list into batches, in order, none longer than `maxCount` or heavier than `maxBytes`. An item that alone is
 * heavier than that is its own batch.
 * @param bytesOf how heavy an item is, by the measure of the API that takes the batch
 */
export function batches<T>(
  items: readonly T[],
  maxCount: number,
  maxBytes: number,
  bytesOf: (item: T) => number,
): T[][] {
  const result: T[][] = [];
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const itemBytes = bytesOf(item);
    if (batch.length > 0 && (batch.length === maxCount || bytes + itemBytes > maxBytes)) {
      result.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += itemBytes;
  }
  if (batch.length > 0) result.push(batch);
  return result;
}
