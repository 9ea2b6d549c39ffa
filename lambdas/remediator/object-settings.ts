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

/** Time for which the settings that were read are gone by. */
export const SETTINGS_MILLISECONDS = 15_000;
/**
 * No write leaves later than 5 s after a pause. The pause is checked before each change; what is left of the 5 s is for
 * the calls of that change. It counts from the question: an answer may be as old as that.
 */
const PAUSE_MILLISECONDS = 2_000;

/** Terraform writes one object after another: for some seconds they are of two applies. */
const WAITS_MILLISECONDS = [1_000, 3_000, 6_000];

/** The last read content of an object, and the time at which S3 last reported it as unchanged. */
interface Remembered extends ReadObject {
  readonly at: number;
}

/**
 * Settings in objects of the home region's settings bucket, remembered for some seconds, and the pause in a parameter of
 * the remediator's own region.
 */
export class ObjectSettings implements SettingsSource {
  readonly #objects: Pick<SettingsObjects, 'read'>;
  readonly #parameters: Pick<ParameterStore, 'get'>;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Remembered>();
  /** The last read pause, and the time of that read. */
  #pause: { readonly value: string; readonly at: number } | undefined;
  readonly #askedObjects = new Questions<ReadObject>();
  readonly #askedPause = new Questions<string>();

  /** @param name what everything is named after: the pause is `/<name>/pause` */
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
          `settings of ${rule} name the account groups "${unknown.join('", "')}", which are not in ${ACCOUNTS_KEY}; nothing is changed until they are: run terraform apply again`,
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
    throw new SettingsError(`parameter ${path} is empty; nothing is changed until it says none`);
  }

  /** Reads an object that is remembered for longer than `maxAge`, by its tag; others are as remembered. */
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

/** Reads a part of the settings. What AWS refuses can't be read; what may pass is thrown as AWS's own error. */
async function unlessRefused<T>(what: string, get: () => Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (error) {
    if (errorKind(error) !== 'refused') throw error;
    throw new SettingsError(
      `${what} cannot be read; nothing is changed until it can: ${describeError(error)}`,
      { cause: error },
    );
  }
}
