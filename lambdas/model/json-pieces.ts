/** Text to write, or a value to convert to text. */
type Pending = { readonly text: string } | { readonly value: unknown };

/**
 * Generates the JSON text of a value in pieces. `JSON.parse` accepts deeper nesting than the recursive `JSON.stringify`
 * can write; this function uses a list instead of recursion, so it has no such limit.
 * @param value the result of `JSON.parse`
 */
export function* jsonPieces(value: unknown): Generator<string> {
  // A stack: the last entry is processed next.
  const pending: Pending[] = [{ value }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ('text' in next) yield next.text;
    else if (typeof next.value !== 'object' || next.value === null)
      yield JSON.stringify(next.value) ?? 'null';
    else pending.push(...partsOf(next.value).reverse());
  }
}

function partsOf(value: object): Pending[] {
  const isList = Array.isArray(value);
  const parts: Pending[] = [{ text: isList ? '[' : '{' }];
  for (const [index, [key, member]] of Object.entries(value).entries()) {
    const comma = index === 0 ? '' : ',';
    parts.push({ text: isList ? comma : `${comma}${JSON.stringify(key)}:` }, { value: member });
  }
  parts.push({ text: isList ? ']' : '}' });
  return parts;
}
