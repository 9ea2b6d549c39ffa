const REPLACEMENT = '[token]';

export interface Redactor {
  /** The text without the secret, in whatever way it is written there. */
  text(text: string): string;
  /** A new error with the names, messages and causes of the given one, and nothing else of it. */
  error(error: unknown): Error;
}

const htmlNames: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};

/** A pattern for one ASCII character as texts, URLs, JSON and HTML may write it. */
function spellings(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16).padStart(2, '0');
  const name = htmlNames[character];
  const html = `&(?:#0*${code}|#x0*${hex}${name === undefined ? '' : `|${name}`});`;
  return `(?:\\\\?\\u00${hex}|%${hex}|\\\\u00${hex}|${html})`;
}

/**
 * Takes a secret out of what may be logged.
 * @param secret printable ASCII; it is found in upper and lower case, and with each character written in its own way
 */
export function redactor(secret: string): Redactor {
  const pattern = new RegExp([...secret].map(spellings).join(''), 'gi');
  const text = (given: string): string => given.replaceAll(pattern, REPLACEMENT);
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
