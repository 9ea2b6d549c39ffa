const REPLACEMENT = '[token]';

export interface Redactor {
  /** The text without the secret, in whatever way it is written there. */
  text(text: string): string;
  /** A new error with the names, messages, codes and causes of the given one, and nothing else of it. */
  error(error: unknown): Error;
}

/** Takes a secret out of what may be logged. */
export function redactor(secret: string): Redactor {
  const spellings = new Set([
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
  ]);
  const text = (given: string): string => {
    let result = given;
    for (const spelling of spellings) result = result.replaceAll(spelling, REPLACEMENT);
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
