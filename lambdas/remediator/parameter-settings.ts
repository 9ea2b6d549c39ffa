import type { SSMProvider } from '@aws-lambda-powertools/parameters/ssm';
import { describeError, errorKind } from '../aws/errors.ts';
import type { Clock } from '../model/clock.ts';
import { SettingsError } from '../model/errors.ts';
import { joinSettings, type Settings } from '../model/settings.ts';
import type { SettingsSource } from './ports.ts';

const SETTINGS_SECONDS = 15;
/**
 * No write leaves later than 5 s after a pause. The pause is looked at before each change; what is left of the 5 s is for
 * the calls of that change.
 */
const PAUSE_SECONDS = 2;

/** Terraform writes the pieces one after another: for some seconds they are of two applies. */
const WAITS_MILLISECONDS = [1_000, 3_000, 6_000];

/** Settings in Systems Manager parameters of the remediator's own region, remembered for some seconds. */
export class ParameterSettings implements SettingsSource {
  readonly #provider: SSMProvider;
  readonly #name: string;
  readonly #clock: Clock;

  /** @param name what everything is named after: the parameters are below `/<name>/` */
  constructor(provider: SSMProvider, name: string, clock: Clock) {
    this.#provider = provider;
    this.#name = name;
    this.#clock = clock;
  }

  async read(rule: string): Promise<Settings> {
    for (let attempt = 0; ; attempt++) {
      const path = `/${this.#name}/rules/${rule}`;
      const pieces = await this.#get(path, () =>
        this.#provider.getMultiple(path, { maxAge: SETTINGS_SECONDS, forceFetch: attempt > 0 }),
      );
      try {
        return joinSettings(rule, Object.values(pieces ?? {}));
      } catch (error) {
        const wait = WAITS_MILLISECONDS[attempt];
        if (!(error instanceof SettingsError) || wait === undefined) throw error;
        await this.#clock.sleep(wait);
      }
    }
  }

  async pause(): Promise<string> {
    const path = `/${this.#name}/pause`;
    const value = await this.#get(path, () => this.#provider.get(path, { maxAge: PAUSE_SECONDS }));
    if (value !== undefined) return value;
    throw new SettingsError(`parameter ${path} is empty; nothing is changed until it says none`);
  }

  /** What AWS refuses can't be read; what may pass is thrown as AWS's own error. */
  async #get<T>(path: string, get: () => Promise<T>): Promise<T> {
    try {
      return await get();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      if (errorKind(cause) !== 'refused') throw cause;
      throw new SettingsError(
        `parameter ${path} can't be read; nothing is changed until it can: ${describeError(cause)}`,
        { cause },
      );
    }
  }
}
