import { SETTINGS_MILLISECONDS } from '../../../lambdas/remediator/object-settings.ts';
import type { AwsCall } from '../aws-proxy/index.ts';

/** The clock that functions remember settings by, and a way to wait by it. */
export interface Waiting {
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
}

/** Knowledge of when functions read settings, which they then remember for some seconds. */
export class SettingsReads {
  #last = Number.NEGATIVE_INFINITY;

  /** Notes a read of the settings bucket that a function makes. */
  note({ service, operation, parameters, principal, startedAt }: AwsCall): void {
    if (service !== 's3' || operation !== 'GetObject' || principal.roleArn === undefined) return;
    if (!/-settings-\d{12}-/.test(String(parameters['Bucket']))) return;
    this.#last = Math.max(this.#last, startedAt.getTime());
  }

  /** Waits until no function goes by settings that it read before: not at all where the last read is long ago. */
  async forgotten({ now, sleep }: Waiting): Promise<void> {
    const end = this.#last + SETTINGS_MILLISECONDS;
    for (let rest = end - now(); rest > 0; rest = end - now()) await sleep(rest);
  }
}
