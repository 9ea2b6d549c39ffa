/**
 * Reads the result of a call whose answer was lost. Where that can't be read now, nobody knows it yet. Then the call's own
 * error is thrown, and not the read's: that AWS throttled or denied the read does not say that it did not take the call.
 * @param lost the call's own error
 */
export async function afterLostAnswer<T>(lost: unknown, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    throw lost;
  }
}
