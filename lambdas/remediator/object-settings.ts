import { describeError, errorKind } from '../aws/errors.ts';
import type { ParameterStore } from '../aws/parameter-store.ts';
import type { ReadObject, SettingsObjects } from '../aws/settings-objects.ts';
import type { Clock } from '../model/clock.ts';
import { SettingsError } from '../model/errors.ts';
import {
  ACCOUNTS_KEY,
  parseAccountSettings,
  parseRuleSettings,
  ruleSettingsKey,
  type Settings,
  unknownGroups,
} from '../model/settings.ts';
import type { SettingsSource } from './ports.ts';
import { Questions } from './questions.ts';

/** Time for which settings are cached. */
export const SETTINGS_MILLISECONDS = 15_000;
/**
 * Time for which the pause is cached, from the time of the request. It is checked before each change. The calls of that
 * change then have the rest of the 5 s after which no write may be sent once a pause is set.
 */
const PAUSE_MILLISECONDS = 2_000;

/**
 * Pauses before settings that do not match are read again: Terraform writes one object after another, so for some
 * seconds they can be from different applies.
 */
const WAITS_MILLISECONDS = [1_000, 3_000, 6_000];

/** Content of an object, and the time at which it was last read or found unchanged. */
interface Remembered extends ReadObject {
  readonly at: number;
}

/**
 * Settings from the settings bucket in the home region, and the pause from a parameter in the remediator's region. Both
 * are cached for some seconds.
 */
export class ObjectSettings implements SettingsSource {
  readonly #objects: Pick<SettingsObjects, 'read'>;
  readonly #parameters: Pick<ParameterStore, 'get'>;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Remembered>();
  /** The last pause that was read, and the time of the request. */
  #pause: { readonly value: string; readonly at: number } | undefined;
  readonly #askedObjects = new Questions<ReadObject>();
  readonly #askedPause = new Questions<string>();

  /** @param name the name of the deployment: the pause is the parameter `/<name>/pause` */
  constructor(
    objects: Pick<SettingsObjects, 'read'>,
    parameters: Pick<ParameterStore, 'get'>,
    name: string,
    clock: Clock,
  ) {
    this.#objects = objects;
    this.#parameters = parameters;
    this.#name = name;
    this.#clock = clock;
  }

  async read(rule: string): Promise<Settings> {
    for (let attempt = 0; ; attempt++) {
      const maxAge = attempt === 0 ? SETTINGS_MILLISECONDS : 0;
      const [own, all] = await Promise.all([
        this.#object(ruleSettingsKey(rule), maxAge),
        this.#object(ACCOUNTS_KEY, maxAge),
      ]);
      const settings = parseRuleSettings(rule, own.text);
      const allRules = parseAccountSettings(all.text);
      const unknown = unknownGroups(settings, allRules);
      if (unknown.length === 0) {
        return { ...settings, allRules, versions: { rule: own.version, accounts: all.version } };
      }
      const wait = WAITS_MILLISECONDS[attempt];
      if (wait === undefined) {
        throw new SettingsError(
          `settings of ${rule} name the account groups "${unknown.join('", "')}", which are not in ${ACCOUNTS_KEY}; nothing is changed until this is fixed: run terraform apply again`,
        );
      }
      await this.#clock.sleep(wait);
    }
  }

  async pause(): Promise<string> {
    const at = this.#clock.now();
    if (this.#pause !== undefined && at - this.#pause.at < PAUSE_MILLISECONDS) return this.#pause.value;
    return this.#askedPause.ask('pause', at, PAUSE_MILLISECONDS, () => this.#askForPause(at));
  }

  async #askForPause(at: number): Promise<string> {
    const path = `/${this.#name}/pause`;
    const value = await unlessRefused(`parameter ${path}`, () => this.#parameters.get(path));
    if (value !== undefined) {
      this.#pause = { value, at };
      return value;
    }
    throw new SettingsError(`parameter ${path} is empty; nothing is changed until its value is none`);
  }

  /**
   * Returns an object. If its cached content is older than `maxAge`, it is read again, unless its ETag is unchanged.
   */
  async #object(key: string, maxAge: number): Promise<ReadObject> {
    const known = this.#remembered.get(key);
    const at = this.#clock.now();
    if (known !== undefined && at - known.at < maxAge) return known;
    return this.#askedObjects.ask(key, at, maxAge, () => this.#askForObject(key, known, at));
  }

  async #askForObject(key: string, known: Remembered | undefined, at: number): Promise<ReadObject> {
    const read = await unlessRefused(`settings in ${key}`, () => this.#objects.read(key, known?.etag));
    const current = read ?? known;
    if (current === undefined)
      throw new Error(`S3 answered that ${key} is unchanged, although it had not been read`);
    this.#remembered.set(key, { ...current, at });
    return current;
  }
}

/**
 * Reads a part of the settings.
 * @throws SettingsError if AWS refuses it; AWS's own error if a later attempt may succeed
 */
async function unlessRefused<T>(what: string, get: () => Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (error) {
    if (errorKind(error) !== 'refused') throw error;
    throw new SettingsError(
      `${what} cannot be read; nothing is changed until this is fixed: ${describeError(error)}`,
      { cause: error },
    );
  }
}
