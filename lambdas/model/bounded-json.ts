import { createHash } from 'node:crypto';
import type { Json } from './json.ts';
import { jsonPieces } from './json-pieces.ts';

/**
 * Maximum length of an item's JSON text, in characters. The item must fit into an event of 256 KB together with other
 * fields.
 */
const MAX_CHARACTERS = 16_384;

/**
 * Converts an external item to JSON of limited size: the item itself if it is small, otherwise `{"truncated": "<the
 * beginning of its JSON text>", "sha256": "<digest of the whole text>"}`. The digest distinguishes long items with the
 * same beginning.
 */
export function boundedJson(item: unknown): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(item);
  } catch {
    return boundedPieces(item);
  }
  if (text === undefined) return { truncated: '' };
  if (text.length > MAX_CHARACTERS) {
    return {
      truncated: text.slice(0, MAX_CHARACTERS),
      sha256: createHash('sha256').update(text).digest('hex'),
    };
  }
  const json: Json = JSON.parse(text);
  return json;
}

/** Truncates an item that is nested too deeply for `JSON.stringify`. */
function boundedPieces(item: unknown): Json {
  const hash = createHash('sha256');
  let truncated = '';
  for (const piece of jsonPieces(item)) {
    hash.update(piece);
    if (truncated.length < MAX_CHARACTERS) truncated = (truncated + piece).slice(0, MAX_CHARACTERS);
  }
  return { truncated, sha256: hash.digest('hex') };
}
