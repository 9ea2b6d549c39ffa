/**
 * Reads the result of a call whose answer was lost. If that can't be read now, the result is unknown. Then the call's own
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
