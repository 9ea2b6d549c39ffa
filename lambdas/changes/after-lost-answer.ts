/**
 * Reads the result of a call whose answer was lost. If the read fails, the result is unknown, and the call's error is
 * thrown instead of the read's: throttling or denial of the read does not mean that AWS did not accept the call.
 * @param lost the call's own error
 */
export async function afterLostAnswer<T>(lost: unknown, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    throw lost;
  }
}
