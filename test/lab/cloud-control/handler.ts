import type { Properties } from './model.ts';

/** The caller's own settings of a client: a handler calls with the caller's session. */
export interface CallerSettings {
  readonly region: string;
  readonly endpoint: string;
  readonly maxAttempts: number;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** The handlers of a type, by the calls of the type's service. */
export interface Handler {
  readonly type: string;
  /** @returns undefined if there is no such resource */
  read(settings: CallerSettings, identifier: string): Promise<Properties | undefined>;
  update(settings: CallerSettings, identifier: string, after: Properties, before: Properties): Promise<void>;
  list(settings: CallerSettings): Promise<readonly string[]>;
}

/** Keeps the existing values: Cloud Control leaves out properties without a value. */
export function present(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** The value of a property after an update, if it differs. */
export function changedTo<T>(
  name: string,
  after: Properties,
  before: Properties,
  parse: (value: unknown) => T,
): T | undefined {
  return after[name] === before[name] ? undefined : parse(after[name]);
}

/** Runs a read that fails if there is no such resource. */
export async function orGone<T>(codes: readonly string[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Error && codes.includes(error.name)) return undefined;
    throw error;
  }
}
