const REPLACEMENT = '[token]';

export interface Redactor {
  /** Removes the secret from a text, in any encoding. */
  text(text: string): string;
  /** Creates a new error with only the redacted names, messages and causes of the given one. */
  error(error: unknown): Error;
}

const htmlNames: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/**
 * Builds a pattern for one ASCII character in all encodings of plain text, URLs, JSON and HTML, even if they were
 * applied two or three times: `%2F`, `%252F`, `\/`, `\\/`.
 */
function spellings(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16).padStart(2, '0');
  const name = htmlNames[character];
  const html = `&(?:#0*${code}|#x0*${hex}${name === undefined ? '' : `|${name}`});`;
  return `(?:\\\\{0,3}\\u00${hex}|%(?:25){0,2}${hex}|\\\\{1,3}u00${hex}|${html})`;
}

/** Lists the forms of a Base64 text: URL-safe, URL-encoded once or twice, and in JSON. */
function writtenBase64(base64: string): string[] {
  const inUrl = encodeURIComponent(base64);
  const lowerCase = inUrl.replaceAll(/%../g, (written) => written.toLowerCase());
  return [
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    base64.replaceAll('/', '\\/'),
    inUrl,
    lowerCase,
    inUrl.replaceAll('%', '%25'),
    lowerCase.replaceAll('%', '%25'),
  ];
}

/** Pattern of a Base64 character that contains bits of both the secret and the adjacent text. */
const SHARED = String.raw`(?:[A-Za-z0-9+/_-]|%(?:25)?2[BFbf]|\\/)`;

/** A text that reveals the secret, and the pattern that removes it. */
interface Trace {
  readonly text: string;
  readonly pattern: RegExp;
}

/**
 * Lists the forms of a secret within a longer text that was Base64-encoded as a whole: the secret starts at the first,
 * second or third byte of a three-byte group.
 */
function base64Traces(secret: string): Trace[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = offset + secret.length;
    const encoded = Buffer.from(`${'\0'.repeat(offset)}${secret}`).toString('base64');
    const own = encoded.slice(Math.ceil((offset * 8) / 6), Math.floor((bytes * 8) / 6));
    const before = offset === 0 ? '' : SHARED;
    const after = bytes % 3 === 0 ? '' : SHARED;
    return [...new Set(writtenBase64(own))].map((text) => ({
      text,
      pattern: new RegExp(`${before}${text.replaceAll(/[+/\\]/g, String.raw`\$&`)}${after}`, 'g'),
    }));
  });
}

/**
 * Creates a redactor that removes a secret from texts and errors before they are logged.
 * @param secret printable ASCII; it is found in upper and lower case, with any encoding of each character, and in Base64
 */
export function redactor(secret: string): Redactor {
  const plain = new RegExp([...secret].map(spellings).join(''), 'gi');
  const traces = [...new Set([secret, encodeURIComponent(secret)])].flatMap(base64Traces);
  const text = (given: string): string => {
    let result = given.replaceAll(plain, REPLACEMENT);
    // Most texts contain none of these forms, and a text search is much faster than a pattern search.
    for (const trace of traces) {
      if (result.includes(trace.text)) result = result.replaceAll(trace.pattern, REPLACEMENT);
    }
    return result;
  };
  const redactError = (given: unknown): Error => {
    if (!(given instanceof Error)) return new Error(text(String(given)));
    const result = new Error(
      text(given.message),
      given.cause === undefined ? undefined : { cause: redactError(given.cause) },
    );
    result.name = given.name;
    return result;
  };
  return { text, error: redactError };
}
