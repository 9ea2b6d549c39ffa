import { createHash } from 'node:crypto';
import type { Json } from './json.ts';
import { jsonPieces } from './json-pieces.ts';

/** The most characters of JSON that are kept of one item: it must fit into an event of 256 KB with room to spare. */
const MAX_CHARACTERS = 16_384;

/**
 * An item from outside in a form that can be stored and sent whatever it is: as it stands if it is small; otherwise
 * `{"truncated": "<the beginning of its JSON text>", "sha256": "<of the whole>"}`, so that two long items that begin
 * alike can be distinguished.
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

/** The same of an item that is nested so deeply that it can be read but not written in one go. */
function boundedPieces(item: unknown): Json {
  const hash = createHash('sha256');
  let truncated = '';
  for (const piece of jsonPieces(item)) {
    hash.update(piece);
    if (truncated.length < MAX_CHARACTERS) truncated = (truncated + piece).slice(0, MAX_CHARACTERS);
  }
  return { truncated, sha256: hash.digest('hex') };
}
