/** Maximum number of values that EC2 accepts in one filter of a request. */
export const EC2_FILTER_VALUES = 200;

/** Splits a list into chunks of at most `size` items, in order. */
export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

/**
 * Splits a list into batches of at most `maxCount` items and `maxBytes`, in order. An item that is larger than that has
 * its own batch.
 * @param bytesOf the size of an item as the API counts it
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
