/**
 * Reads the result of a call that was not answered. If the read fails, the result is unknown, and the call's error is
 * thrown instead of the read's: that a read was throttled or denied does not mean that AWS did not accept the call.
 * @param lost the call's own error
 */
export async function afterLostAnswer<T>(lost: unknown, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    throw lost;
  }
}
