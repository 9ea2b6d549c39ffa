/** A source's rule name in the form in which names are compared: regardless of spaces and case. */
export function comparableRuleName(name: string): string {
  return name.replaceAll(/\s/g, '').toLowerCase();
}
