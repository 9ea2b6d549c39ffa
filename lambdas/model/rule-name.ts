/** Normalizes a source's rule name for comparison, ignoring spaces and case. */
export function comparableRuleName(name: string): string {
  return name.replaceAll(/\s/g, '').toLowerCase();
}
